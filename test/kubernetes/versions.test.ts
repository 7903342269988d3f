import { describe, expect, test } from 'vitest';
import { GONE } from '../helpers/api-server/fault.ts';
import { retryUntil } from '../helpers/retry.ts';
import { SYNC_MODES } from './mirror.ts';
import { nonZero, openScene, openSynced } from './scene.ts';

describe.each(SYNC_MODES)('with a %s', (sync) => {
  test('a bookmark moves the version from which a watch goes on', async () => {
    await using scene = await openSynced(sync);
    const version = scene.server.store.version;
    scene.server.store.tick(1000);
    await retryUntil(() => scene.mirror.reflector.status().lastBookmarkAtMs !== undefined);
    scene.forget();
    // One more has come by then with the new version.
    await new Promise((resolve) => setTimeout(resolve, 120));
    scene.disturb({ kind: 'end' });
    scene.put('web');
    await scene.mirror.equal();
    const { parameters } = scene.server.requests.find(({ kind }) => kind === 'watch')!;
    expect(Number(parameters.resourceVersion)).toBe(version + 1000);
  });

  test('the objects of a sync that failed do not move the version', async () => {
    await using scene = await openScene(sync);
    scene.server.faults.push({ on: 'sync', after: 2, trouble: { kind: 'reset' } });
    await scene.mirror.synced();
    const first = scene
      .asked()
      .filter((kind) => kind !== 'peek')
      .slice(0, 2);
    expect(first).toEqual(sync === 'list' ? ['list', 'list'] : ['watchlist', 'watchlist']);
  });

  test('the version of the list, not of its objects, is where the watch begins', async () => {
    await using scene = await openScene(sync);
    scene.server.store.tick(500);
    const { version } = scene.server.store;
    await scene.mirror.synced();
    while (scene.server.watches() === 0) await new Promise(setImmediate);
    scene.forget();
    scene.disturb({ kind: 'end' });
    scene.put('web');
    await scene.mirror.equal();
    expect(scene.server.requests.find(({ kind }) => kind === 'watch')?.parameters.resourceVersion).toBe(
      String(version),
    );
  });

  test.each([
    { what: 'while the watch is up', away: false },
    { what: 'while the watch is away', away: true },
  ])('an object that ends and begins anew under its name is deleted and then put, $what', async ({ away }) => {
    await using scene = await openSynced(sync);
    const told = await scene.mirror.toldDuring(() => {
      if (away) scene.disturb({ kind: 'end' });
      scene.replace('web');
    });
    expect(told).toEqual(['delete shop/web', expect.stringMatching(/^put shop\/web \d+$/)]);
  });

  test('an object that ended and began anew while the past was forgotten is deleted and then put', async () => {
    await using scene = await openSynced(sync);
    const told = await scene.mirror.toldDuring(() => {
      scene.disturb({ kind: 'end' });
      scene.replace('web');
      scene.server.store.compact();
    });
    expect(told).toEqual(['delete shop/web', expect.stringMatching(/^put shop\/web \d+$/)]);
  });

  test('what is as it was is not told again when everything is read anew', async () => {
    await using scene = await openSynced(sync);
    const told = await scene.mirror.toldDuring(async () => {
      scene.disturb({ ...GONE, ending: 'end' });
      await retryUntil(() => scene.mirror.reflector.status().syncs.expired === 1);
      scene.put('new');
    });
    expect(told).toEqual([expect.stringMatching(/^put shop\/new \d+$/)]);
  });

  test('the same event a second time is not told again', async () => {
    await using scene = await openSynced(sync);
    const told = await scene.mirror.toldDuring(() => {
      const object = scene.put('web');
      scene.server.tell('services', 'MODIFIED', object);
      scene.server.tell('services', 'ADDED', object);
      scene.put('new');
    });
    expect(told).toEqual([expect.stringMatching(/^put shop\/web/), expect.stringMatching(/^put shop\/new/)]);
  });

  test('a deletion of the one that had the name before does nothing', async () => {
    await using scene = await openSynced(sync);
    const before = scene.server.store.get('services', 'shop/web')!;
    const told = await scene.mirror.toldDuring(() => {
      scene.replace('web');
      scene.server.tell('services', 'DELETED', before);
      scene.put('new');
    });
    expect(told.filter((line) => line === 'delete shop/web')).toHaveLength(1);
    expect(scene.mirror.objects.has('shop/web')).toBe(true);
  });

  test('a deletion of what is not there does nothing', async () => {
    await using scene = await openSynced(sync);
    const gone = scene.server.store.get('services', 'shop/web')!;
    const told = await scene.mirror.toldDuring(() => {
      scene.delete('web');
      scene.server.tell('services', 'DELETED', gone);
      scene.put('new');
    });
    expect(told).toEqual(['delete shop/web', expect.stringMatching(/^put shop\/new/)]);
  });
});

describe.each(SYNC_MODES)('with a %s, a server whose versions went back', (sync) => {
  test.each([
    { what: 'that says so in a bookmark', past: true, ending: undefined },
    { what: 'that ends its watches', past: false, ending: 'reset' },
    { what: 'that ends its watches in order', past: false, ending: 'end' },
    { what: 'that leaves its watches silent', past: false, ending: 'stall' },
  ] as const)('$what is believed: everything is read anew', async ({ past, ending }) => {
    await using scene = await openSynced(sync, { server: { bookmarksFromThePast: past } });
    scene.mirror.mayGoBack = true;
    const backup = scene.server.store.snapshot();
    await scene.mirror.toldDuring(() => {
      for (let round = 0; round < 20; round++) scene.put('web');
      scene.delete('cart');
      scene.put('after');
    });
    scene.server.store.restore(backup);
    if (ending !== undefined) scene.disturb({ kind: ending });
    await scene.mirror.equal();
    expect([...scene.mirror.objects.keys()].sort()).toEqual(['shop/cart', 'shop/login', 'shop/web']);
    expect(nonZero(scene.mirror.reflector.status().syncs)).toEqual({ start: 1, backwards: 1 });
    await scene.mirror.toldDuring(() => scene.put('web'));
  });

  test.each([
    { status: 403, ending: 'reset' },
    { status: 429, ending: 'reset' },
    { status: 500, ending: 'reset' },
    { status: 403, ending: 'stall' },
    { status: 500, ending: 'stall' },
  ] as const)('and that does not tell its version at first ($status, $ending) is asked until it does', async (row) => {
    // Where the connection was lost nothing but the doubt itself may bring it out.
    const timing = row.ending === 'reset' ? { idleMs: [60_000, 60_000] as const } : {};
    await using scene = await openSynced(sync, { timing });
    scene.mirror.mayGoBack = true;
    const backup = scene.server.store.snapshot();
    await scene.mirror.toldDuring(() => {
      for (let round = 0; round < 20; round++) scene.put('web');
    });
    scene.server.store.restore(backup);
    for (let round = 0; round < 3; round++) {
      scene.server.faults.push({ on: 'peek', trouble: { kind: 'status', status: row.status } });
    }
    scene.disturb({ kind: row.ending });
    await scene.mirror.equal();
    expect(scene.server.faults).toEqual([]);
    expect(nonZero(scene.mirror.reflector.status().syncs)).toEqual({ start: 1, backwards: 1 });
  });

  test('and came to the same version by another way is believed, too, once it says so', async () => {
    await using scene = await openSynced(sync, { server: { bookmarksFromThePast: true } });
    scene.mirror.mayGoBack = true;
    const backup = scene.server.store.snapshot();
    await scene.mirror.toldDuring(() => scene.put('web'));
    scene.server.store.restore(backup);
    scene.disturb({ kind: 'stall' });
    await retryUntil(() => scene.mirror.reflector.status().syncs.backwards === 1);
    await scene.mirror.toldDuring(() => scene.put('login'));
  });

  test('while nothing is read, and forgets the past, is read anew', async () => {
    await using scene = await openSynced(sync);
    scene.mirror.mayGoBack = true;
    const backup = scene.server.store.snapshot();
    await scene.mirror.toldDuring(() => {
      for (let round = 0; round < 20; round++) scene.put('web');
    });
    await scene.server.down();
    scene.server.store.restore(backup);
    scene.server.store.compact();
    await scene.server.up();
    await scene.mirror.equal();
  });
});
