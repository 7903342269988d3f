import { describe, expect, test } from 'vitest';
import { GONE } from '../helpers/api-server/fault.ts';
import { retryUntil } from '../helpers/retry.ts';
import { SYNC_MODES } from './mirror.ts';
import { openScene, openSynced } from './scene.ts';

describe.each(SYNC_MODES)('with a %s, a handler that throws', (sync) => {
  test('is offered the event again until it takes it, and others meanwhile', async () => {
    await using scene = await openSynced(sync);
    let refusals = 3;
    scene.mirror.beforeEach = ({ name }) => {
      if (name === 'web' && refusals-- > 0) throw new Error('cannot');
    };
    const told = await scene.mirror.toldDuring(() => {
      scene.put('web');
      scene.put('login');
    });
    expect(told.map((line) => line.replace(/ \d+$/, ''))).toEqual(['put shop/login', 'put shop/web']);
    expect(scene.mirror.reflector.status().waiting).toBe(0);
  });

  test('is told the newest state of what it could not take, once', async () => {
    await using scene = await openSynced(sync);
    let broken = true;
    scene.mirror.beforeEach = ({ name }) => {
      if (name === 'web' && broken) throw new Error('cannot');
    };
    const told = await scene.mirror.toldDuring(async () => {
      for (let round = 0; round < 10; round++) scene.put('web');
      scene.put('login');
      await retryUntil(() => scene.mirror.told.at(-1)?.startsWith('put shop/login'));
      expect(scene.mirror.reflector.status().waiting).toBeGreaterThan(0);
      broken = false;
    });
    expect(told.at(-1)).toBe(
      `put shop/web ${scene.server.store.get('services', 'shop/web')!.metadata.resourceVersion}`,
    );
  });

  test('while everything is read does not stop that, and gets all of it in the end', async () => {
    await using scene = await openScene(sync);
    let calls = 0;
    scene.mirror.beforeEach = () => {
      calls += 1;
      if (calls < 12) throw new Error('cannot');
    };
    await scene.mirror.synced();
    expect(calls).toBeGreaterThan(11);
  });

  test('at a deletion is offered it again, and it does not come back with the next list', async () => {
    await using scene = await openSynced(sync);
    let refusals = 5;
    scene.mirror.beforeEach = ({ type }) => {
      if (type === 'delete' && refusals-- > 0) throw new Error('cannot');
    };
    const told = await scene.mirror.toldDuring(async () => {
      scene.delete('cart');
      scene.disturb({ ...GONE, ending: 'end' });
      scene.put('web');
    });
    expect(told.filter((line) => line.startsWith('delete'))).toEqual(['delete shop/cart']);
  });

  test('at an object that is replaced gets the deletion before the new one', async () => {
    await using scene = await openSynced(sync);
    let refusals = 4;
    scene.mirror.beforeEach = ({ name }) => {
      if (name === 'web' && refusals-- > 0) throw new Error('cannot');
    };
    const told = await scene.mirror.toldDuring(() => scene.replace('web'));
    expect(told).toEqual(['delete shop/web', expect.stringMatching(/^put shop\/web/)]);
  });
});
