import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type Fault, GONE } from '../helpers/api-server/fault.ts';
import { retryUntil } from '../helpers/retry.ts';
import { SYNC_MODES } from './mirror.ts';
import { NAMES, nonZero, openScene, openSynced } from './scene.ts';

/** Whatever brings all objects fails in its middle. */
const FAILURES: readonly { readonly what: string; readonly fault: Fault }[] = [
  { what: 'has no headers', fault: { on: 'sync', trouble: { kind: 'silence' } } },
  { what: 'stalls before the first object', fault: { on: 'sync', trouble: { kind: 'stall' } } },
  { what: 'stalls', fault: { on: 'sync', after: 2, trouble: { kind: 'stall' } } },
  { what: 'stalls within an object', fault: { on: 'sync', after: 1, trouble: { kind: 'half', ending: 'stall' } } },
  { what: 'is reset', fault: { on: 'sync', after: 2, trouble: { kind: 'reset' } } },
  { what: 'ends without its last chunk', fault: { on: 'sync', after: 2, trouble: { kind: 'cut' } } },
  { what: 'ends too early, in order', fault: { on: 'sync', after: 2, trouble: { kind: 'end' } } },
  { what: 'ends within an object', fault: { on: 'sync', after: 1, trouble: { kind: 'half', ending: 'end' } } },
  { what: 'is empty', fault: { on: 'sync', trouble: { kind: 'end' } } },
  { what: 'is garbage', fault: { on: 'sync', after: 1, trouble: { kind: 'garbage', line: 'broken' } } },
  { what: 'is binary', fault: { on: 'sync', trouble: { kind: 'garbage', line: 'binary' } } },
  { what: 'is too long', fault: { on: 'sync', after: 2, trouble: { kind: 'garbage', line: 'long' } } },
];
const lineBytesMax = 64 << 10;

describe.each(SYNC_MODES)('a %s', (sync) => {
  test('tells every object once, and then that it was all', async () => {
    await using scene = await openSynced(sync);
    expect(scene.mirror.told.map((line) => line.replace(/ \d+$/, ''))).toEqual([
      ...NAMES.map((name) => `put shop/${name}`),
      'synced',
    ]);
  });

  test('of nothing is told, too', async () => {
    await using scene = await openSynced(sync, { names: [] });
    expect(scene.mirror.told).toEqual(['synced']);
    await scene.mirror.toldDuring(() => scene.put('first'));
  });

  test.each([1, 2, 3, 7, 64, 1000])(
    'that comes in pieces of %i bytes is read as one that comes at once',
    async (size) => {
      await using scene = await openScene(sync, { server: { chunkBytesMax: size } });
      await scene.mirror.synced();
      await scene.mirror.toldDuring(() => {
        scene.put('web');
        scene.delete('cart');
        scene.replace('login');
      });
      expect(scene.mirror.reflector.status()).toMatchObject({ badLines: 0, objects: 2 });
    },
  );

  test('that comes slowly, but comes, is waited for', async () => {
    await using scene = await openScene(sync);
    scene.server.faults.push({ on: 'sync', trouble: { kind: 'slow', bytesPerS: 2000 } });
    await scene.mirror.synced();
    expect(nonZero(scene.mirror.reflector.status().syncs)).toEqual({ start: 1 });
    expect(scene.asked().filter((kind) => kind === 'list' || kind === 'watchlist')).toHaveLength(1);
  });

  test('has longer to begin than another answer, for a server that is short of breath', async () => {
    await using scene = await openScene(sync, { timing: { headersMs: 50, listHeadersMs: 500 } });
    scene.server.faults.push({ on: 'sync', trouble: { kind: 'silence' } });
    await scene.mirror.synced();
    const [first, second] = scene.server.requests;
    expect(second!.atMs - first!.atMs).toBeGreaterThan(450);
  });

  test.each(FAILURES)('that $what is not believed: another one is asked for', async ({ fault }) => {
    await using scene = await openScene(sync, { lineBytesMax });
    scene.server.faults.push(fault);
    scene.mirror.reflector.start();
    await retryUntil(() => scene.server.faults.length === 0, { intervalMs: 1 });
    expect(scene.mirror.told).not.toContain('synced');
    scene.delete('login');
    await scene.mirror.synced();
    expect(scene.mirror.told.filter((line) => line === 'synced')).toHaveLength(1);
  });

  test.each(FAILURES)('that $what deletes nothing when it was the second', async ({ fault }) => {
    await using scene = await openSynced(sync, { lineBytesMax });
    scene.server.faults.push(fault);
    const told = await scene.mirror.toldDuring(() => {
      scene.put('web');
      scene.delete('cart');
      scene.disturb({ ...GONE, ending: 'end' });
      scene.put('web');
      scene.server.store.compact();
    });
    // It was told of the deletion before the stream ended. A deletion of anything else would be one too many.
    expect(told.filter((line) => line.startsWith('delete'))).toEqual(['delete shop/cart']);
    await retryUntil(() => scene.server.faults.length === 0);
    await scene.mirror.equal();
  });

  test('that fails again and again deletes nothing until one succeeds', async () => {
    await using scene = await openSynced(sync);
    for (let round = 0; round < 10; round++) {
      scene.server.faults.push({ on: 'sync', after: round % 3, trouble: { kind: 'cut' } });
    }
    scene.disturb({ kind: 'end' });
    scene.delete('cart');
    scene.server.store.compact();
    await retryUntil(() => scene.server.faults.length === 0);
    await scene.mirror.equal();
    expect(scene.mirror.told.filter((line) => line.startsWith('delete'))).toEqual(['delete shop/cart']);
  });

  test('is asked for as an API server wants it: the first may be of any version, a later one must be the newest', async () => {
    await using scene = await openSynced(sync);
    scene.disturb({ ...GONE, ending: 'end' });
    scene.put('web');
    await scene.mirror.equal();
    const questions = scene.server.requests.filter(({ kind }) => kind === 'list' || kind === 'watchlist');
    expect(questions.map(({ parameters }) => parameters)).toMatchObject(
      sync === 'list' ? [{ resourceVersion: '0' }, { resourceVersion: '' }] : [WATCH_LIST, WATCH_LIST],
    );
  });
});

const WATCH_LIST = {
  watch: 'true',
  sendInitialEvents: 'true',
  allowWatchBookmarks: 'true',
  resourceVersionMatch: 'NotOlderThan',
  resourceVersion: '',
};

describe('a server without WatchList', () => {
  test.each([400, 422] as const)(
    'that says so with %i is asked for a list, and not again for a WatchList',
    async (watchList) => {
      await using scene = await openSynced('watch-list', { server: { watchList } });
      expect(scene.asked()).toEqual(['watchlist', 'list', 'watch']);
      scene.disturb({ ...GONE, ending: 'end' });
      scene.put('web');
      await scene.mirror.equal();
      // The watch comes after what the list told.
      await retryUntil(() => scene.asked().length >= 5, { intervalMs: 1 });
      expect(scene.asked().slice(0, 5)).toEqual(['watchlist', 'list', 'watch', 'list', 'watch']);
    },
  );

  test('for lack of a right is asked for one again when everything is read anew', async () => {
    await using scene = await openSynced('watch-list', { server: { watchList: 403 } });
    expect(scene.asked()).toEqual(['watchlist', 'list', 'watch']);
    scene.server.behaviour.watchList = 'on';
    scene.disturb({ ...GONE, ending: 'end' });
    scene.put('web');
    await scene.mirror.equal();
    expect(scene.asked()).toEqual(['watchlist', 'list', 'watch', 'watchlist']);
  });

  test.each([401, 404, 429, 503, 504])(
    'is not what %i says: no list, which costs more, takes the place of the WatchList',
    async (status) => {
      await using scene = await openScene('watch-list');
      for (let round = 0; round < 4; round++) {
        scene.server.faults.push({ on: 'watchlist', trouble: { kind: 'status', status } });
      }
      await scene.mirror.synced();
      expect(scene.asked()).toEqual(Array.from({ length: 5 }, () => 'watchlist'));
    },
  );

  test('may be what 500 says: a list is asked for at last', async () => {
    await using scene = await openScene('watch-list');
    for (let round = 0; round < 4; round++) {
      scene.server.faults.push({ on: 'watchlist', trouble: { kind: 'status', status: 500 } });
    }
    await scene.mirror.synced();
    expect(scene.asked()).toContain('list');
  });

  test('that never says that all was sent is asked for a list in the end, and nothing is told twice', async () => {
    await using scene = await openScene('watch-list', { server: { watchList: 'endless' } });
    await scene.mirror.synced();
    expect(scene.asked()).toContain('list');
    await scene.mirror.toldDuring(() => scene.delete('web'));
  });

  test('gets WatchLists once it has them: a new start asks again', async () => {
    await using before = await openSynced('watch-list', { server: { watchList: 422 } });
    expect(before.asked()).toContain('list');
    await using after = await openSynced('watch-list');
    expect(after.asked()).toEqual(['watchlist']);
  });
});

test('a WatchList that was whole goes on as the watch: there is no second request', async () => {
  await using scene = await openSynced('watch-list');
  await scene.mirror.toldDuring(() => scene.put('web'));
  await sleep(150);
  expect(scene.asked()).toEqual(['watchlist']);
});
