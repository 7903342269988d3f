import { describe, expect, test } from 'vitest';
import type { ReconnectCause } from '../../src/sources/kubernetes/statistics.ts';
import { type BodyTrouble, type Fault, GONE } from '../helpers/api-server/fault.ts';
import { retryUntil } from '../helpers/retry.ts';
import { SYNC_MODES } from './mirror.ts';
import { nonZero, openSynced, type Scene } from './scene.ts';

const ERROR = (code: number) => ({ kind: 'error', code, reason: 'InternalError' }) as const;

const loseWith =
  (fault: Fault) =>
  (scene: Scene): void => {
    scene.server.faults.push(fault);
    scene.disturb({ kind: 'end' });
  };

const loseThePast = (scene: Scene): void => {
  scene.disturb({ kind: 'end' });
  scene.put('web');
  scene.server.store.compact();
};

const change = (scene: Scene): void => {
  scene.put('web');
  scene.delete('cart');
  scene.put('new');
};

/** What a Mirror must tell of `change`, in this order when it is told by a watch. */
const CHANGED: readonly unknown[] = [
  expect.stringMatching(/^put shop\/web \d+$/),
  'delete shop/cart',
  expect.stringMatching(/^put shop\/new \d+$/),
];

/** Now and then a Mirror asks whether the versions of the server have gone back, which tells it nothing else. */
const asked = (scene: Scene): readonly string[] => scene.asked().filter((kind) => kind !== 'peek');

describe.each(SYNC_MODES)('after a %s, a watch that', (sync) => {
  test.each<{ what: string; trouble: BodyTrouble; cause: ReconnectCause }>([
    { what: 'ends in order', trouble: { kind: 'end' }, cause: 'closed' },
    { what: 'is reset', trouble: { kind: 'reset' }, cause: 'reset' },
    { what: 'ends without its last chunk', trouble: { kind: 'cut' }, cause: 'reset' },
    { what: 'is reset within a line', trouble: { kind: 'half', ending: 'reset' }, cause: 'reset' },
    { what: 'ends without its last chunk within a line', trouble: { kind: 'half', ending: 'cut' }, cause: 'reset' },
    { what: 'goes silent', trouble: { kind: 'stall' }, cause: 'idle' },
    { what: 'goes silent within a line', trouble: { kind: 'half', ending: 'stall' }, cause: 'idle' },
    { what: 'reports an error and stays', trouble: { ...ERROR(500), ending: 'stall' }, cause: 'error_event' },
    { what: 'reports an error and ends', trouble: { ...ERROR(500), ending: 'end' }, cause: 'error_event' },
    { what: 'reports that it is overloaded', trouble: { ...ERROR(429), ending: 'stall' }, cause: 'error_event' },
  ])('$what goes on from its last version: nothing is lost, told twice or listed again', async ({ trouble, cause }) => {
    await using scene = await openSynced(sync);
    scene.forget();
    const told = await scene.mirror.toldDuring(() => {
      scene.disturb(trouble);
      change(scene);
    });
    expect(told).toEqual(CHANGED);
    expect(asked(scene)).toEqual(['watch']);
    const { reconnects, syncs, badLines } = scene.mirror.reflector.status();
    expect({ reconnects: nonZero(reconnects), syncs: nonZero(syncs), badLines }).toEqual({
      reconnects: { [cause]: 1 },
      syncs: { start: 1 },
      badLines: 0,
    });
  });

  test('is lost many times in a row is taken up each time, sooner and later', async () => {
    await using scene = await openSynced(sync);
    for (let round = 0; round < 20; round++) {
      scene.disturb({ kind: round % 2 === 0 ? 'reset' : 'end' });
      change(scene);
      await scene.mirror.equal();
    }
    expect(nonZero(scene.mirror.reflector.status().syncs)).toEqual({ start: 1 });
  });

  test.each([
    { what: 'as an event, while the stream stays', lose: (s: Scene) => s.disturb({ ...GONE, ending: 'stall' }) },
    { what: 'as an event, and the stream ends', lose: (s: Scene) => s.disturb({ ...GONE, ending: 'end' }) },
    {
      what: 'as a status',
      lose: loseWith({ on: 'watch', trouble: { kind: 'status', status: 410, reason: 'Expired' } }),
    },
    { what: 'because the past was forgotten', lose: loseThePast },
  ])('is told 410 $what reads everything anew: what went meanwhile is deleted', async ({ lose }) => {
    await using scene = await openSynced(sync);
    scene.forget();
    const told = await scene.mirror.toldDuring(() => {
      lose(scene);
      change(scene);
      scene.server.store.compact();
    });
    expect(told).toHaveLength(CHANGED.length);
    expect(told).toEqual(expect.arrayContaining([...CHANGED]));
    expect(scene.asked()).toContain(sync === 'list' ? 'list' : 'watchlist');
    expect(nonZero(scene.mirror.reflector.status().syncs)).toEqual({ start: 1, expired: 1 });
  });

  test('meets 410 on the list, too, tries again', async () => {
    await using scene = await openSynced(sync);
    scene.server.faults.push({ on: 'sync', trouble: { kind: 'status', status: 410, reason: 'Expired' } });
    loseThePast(scene);
    change(scene);
    scene.server.store.compact();
    await scene.mirror.equal();
    expect(scene.server.faults).toEqual([]);
  });

  test('meets the same error many times in a row reads everything anew', async () => {
    await using scene = await openSynced(sync);
    for (let round = 0; round < 5; round++) {
      scene.server.faults.push({ on: 'watch', trouble: { ...ERROR(500), ending: round % 2 === 0 ? 'stall' : 'end' } });
    }
    scene.disturb({ kind: 'end' });
    change(scene);
    await retryUntil(() => scene.mirror.reflector.status().syncs.errors === 1);
    await scene.mirror.equal();
  });
});

describe.each(SYNC_MODES)('after a %s, a line of a watch that is', (sync) => {
  const lineBytesMax = 64 << 10;

  test.each([
    { what: 'broken', trouble: { kind: 'garbage', line: 'broken' } },
    { what: 'binary', trouble: { kind: 'garbage', line: 'binary' } },
    { what: 'too long', trouble: { kind: 'garbage', line: 'long' } },
    { what: 'no event', trouble: { kind: 'garbage', line: 'number' } },
    { what: 'cut', trouble: { kind: 'half', ending: 'end' } },
  ] as const)('$what is never skipped: the watch is replayed from before it', async ({ what, trouble }) => {
    await using scene = await openSynced(sync, { lineBytesMax });
    scene.forget();
    const told = await scene.mirror.toldDuring(() => {
      scene.disturb(trouble);
      change(scene);
    });
    expect(told).toEqual(CHANGED);
    expect(asked(scene)).toEqual(['watch']);
    const { badLines, syncs } = scene.mirror.reflector.status();
    expect({ badLines, syncs: nonZero(syncs) }).toEqual({
      badLines: what === 'cut' ? expect.any(Number) : 1,
      syncs: { start: 1 },
    });
  });

  test.each(['broken', 'binary', 'long', 'number'] as const)(
    '%s each time it is read makes it read everything anew',
    async (line) => {
      await using scene = await openSynced(sync, { lineBytesMax });
      scene.disturb({ kind: 'garbage', line });
      scene.server.faults.push({ on: 'watch', trouble: { kind: 'garbage', line } });
      change(scene);
      await scene.mirror.equal();
      expect(scene.mirror.reflector.status()).toMatchObject({ badLines: 2, syncs: { start: 1, bad_line: 1 } });
    },
  );
});
