import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { retryUntil } from '../helpers/retry.ts';
import { SYNC_MODES } from './mirror.ts';
import { nonZero, openScene, openSynced } from './scene.ts';

describe.each(SYNC_MODES)('with a %s, an answer of', (sync) => {
  test.each([429, 500, 502, 503, 504, 401, 403, 404])('%i instead of the first objects is no end', async (status) => {
    await using scene = await openScene(sync);
    scene.server.faults.push({ on: 'sync', trouble: { kind: 'status', status } });
    // A WatchList that is forbidden may be a server that has none.
    if (status === 403) scene.server.faults.push({ on: 'sync', trouble: { kind: 'status', status } });
    await scene.mirror.synced();
    expect(scene.server.faults).toEqual([]);
  });

  test.each([429, 500, 502, 503, 504, 401, 403, 404])(
    '%i instead of the watch is no end, and no reason to read everything anew',
    async (status) => {
      await using scene = await openSynced(sync);
      scene.server.faults.push({ on: 'watch', trouble: { kind: 'status', status } });
      scene.disturb({ kind: 'end' });
      scene.put('web');
      scene.delete('cart');
      await scene.mirror.equal();
      expect(scene.server.faults).toEqual([]);
      expect(nonZero(scene.mirror.reflector.status().syncs)).toEqual({ start: 1 });
    },
  );

  test.each([
    { what: '429 with a time in seconds', status: 429, retryAfter: () => '1' },
    { what: '503 with a time in seconds', status: 503, retryAfter: () => '1' },
    { what: '429 with a date', status: 429, retryAfter: () => new Date(Date.now() + 2000).toUTCString() },
  ])('$what is asked again no sooner, and soon after', async ({ status, retryAfter }) => {
    await using scene = await openSynced(sync);
    scene.server.faults.push({ on: 'watch', trouble: { kind: 'status', status, retryAfter: retryAfter() } });
    scene.forget();
    scene.disturb({ kind: 'end' });
    scene.put('web');
    await scene.mirror.equal();
    const [refused, taken] = scene.server.requests.filter(({ kind }) => kind === 'watch');
    const waitedMs = taken!.atMs - refused!.atMs;
    // A date has no fractions: up to a second of it may be gone. Beyond it, clients are spread.
    expect(waitedMs).toBeGreaterThan(990);
    expect(waitedMs).toBeLessThan(4000);
  });

  test('503 for a while is asked again ever more slowly', async () => {
    await using scene = await openSynced(sync, {
      random: () => 0.999,
      timing: { backoffFirstMs: 20, backoffMaxMs: 160 },
    });
    for (let round = 0; round < 6; round++) {
      scene.server.faults.push({ on: 'watch', trouble: { kind: 'status', status: 503 } });
    }
    scene.forget();
    scene.disturb({ kind: 'end' });
    scene.put('web');
    await scene.mirror.equal();
    const times = scene.server.requests.filter(({ kind }) => kind === 'watch').map(({ atMs }) => atMs);
    const waits = times.slice(1).map((atMs, index) => atMs - times[index]!);
    expect(waits).toHaveLength(6);
    for (const [index, leastMs] of [20, 40, 80, 160, 160].entries()) {
      expect(waits[index + 1]!).toBeGreaterThan(leastMs * 0.9);
    }
    expect(waits.at(-1)).toBeLessThan(1000);
  });

  test.each([500, 502, 503, 504, 429])('%i for long reads nothing anew: every node would, at once', async (status) => {
    await using scene = await openSynced(sync);
    // With the end of the watch it is one failure short of too many.
    for (let round = 0; round < 38; round++) {
      scene.server.faults.push({ on: 'watch', trouble: { kind: 'status', status } });
    }
    scene.disturb({ kind: 'end' });
    scene.put('web');
    await scene.mirror.equal();
    expect(scene.server.faults).toEqual([]);
    expect(nonZero(scene.mirror.reflector.status().syncs)).toEqual({ start: 1 });
  });

  test('500 without end reads everything anew at last: it may be this one version that the server cannot serve', async () => {
    await using scene = await openSynced(sync);
    for (let round = 0; round < 40; round++) {
      scene.server.faults.push({ on: 'watch', trouble: { kind: 'status', status: 500 } });
    }
    scene.disturb({ kind: 'end' });
    scene.put('web');
    await scene.mirror.equal();
    await retryUntil(() => scene.mirror.reflector.status().syncs.errors === 1);
  });

  test('400 again and again reads everything anew soon', async () => {
    await using scene = await openSynced(sync);
    for (let round = 0; round < 5; round++) {
      scene.server.faults.push({ on: 'watch', trouble: { kind: 'status', status: 400 } });
    }
    scene.disturb({ kind: 'end' });
    scene.put('web');
    await retryUntil(() => scene.mirror.reflector.status().syncs.errors === 1);
    await scene.mirror.equal();
  });

  test.each([403, 404])('%i is asked again soon as long as it may pass, and then seldom', async (status) => {
    await using scene = await openSynced(sync, { random: () => 0.999, timing: { backoffMaxMs: 400 } });
    for (let round = 0; round < 3; round++) {
      scene.server.faults.push({ on: 'watch', trouble: { kind: 'status', status } });
    }
    scene.forget();
    scene.disturb({ kind: 'end' });
    scene.put('web');
    await scene.mirror.equal();
    const times = scene.server.requests.filter(({ kind }) => kind === 'watch').map(({ atMs }) => atMs);
    const waits = times.slice(1).map((atMs, index) => atMs - times[index]!);
    expect(waits).toHaveLength(3);
    expect(Math.max(...waits.slice(0, 2))).toBeLessThan(250);
    expect(waits[2]).toBeGreaterThan(290);
  });

  test('401 makes it read the token again, and 403 makes it say so and wait', async () => {
    await using scene = await openSynced(sync, { server: { tokens: ['first'] } });
    scene.server.behaviour.tokens = ['second'];
    scene.mirror.token('second');
    scene.disturb({ kind: 'end' });
    await scene.mirror.toldDuring(() => scene.put('web'));
    expect(scene.mirror.told.filter((line) => line.startsWith('trouble'))).toEqual([]);
    expect(scene.server.requests.at(-1)).toMatchObject({ token: 'second' });
    scene.server.behaviour.forbidden = [{ resource: 'services', verb: 'watch' }];
    scene.disturb({ kind: 'end' });
    await retryUntil(() => scene.mirror.told.some((line) => line.startsWith('trouble')));
    scene.server.behaviour.forbidden = [];
    await scene.mirror.toldDuring(() => scene.put('web'));
    await retryUntil(() => scene.mirror.told.includes('well'));
  });

  test('401 while the file has no better token is asked again, until it has one', async () => {
    await using scene = await openScene(sync, { server: { tokens: ['second'] } });
    scene.mirror.reflector.start();
    await retryUntil(() => scene.mirror.told.some((line) => line.startsWith('trouble')));
    expect(scene.mirror.objects.size).toBe(0);
    scene.mirror.token('second');
    await scene.mirror.synced();
    await retryUntil(() => scene.mirror.told.includes('well'));
  });
});

describe.each(SYNC_MODES)('with a %s, a server that is down', (sync) => {
  test('changes nothing, and is followed again from the last version when it is back', async () => {
    await using scene = await openSynced(sync);
    scene.forget();
    await scene.server.down();
    const told = await scene.mirror.toldDuring(async () => {
      await sleep(200);
      expect(scene.mirror.objects.size).toBe(3);
      scene.put('web');
      scene.delete('cart');
      await scene.server.up();
    });
    expect(told).toEqual([expect.stringMatching(/^put shop\/web \d+$/), 'delete shop/cart']);
    expect(scene.asked().filter((kind) => kind !== 'peek')).toEqual(['watch']);
    expect(nonZero(scene.mirror.reflector.status().syncs)).toEqual({ start: 1 });
    expect(scene.mirror.told.filter((line) => line.startsWith('trouble'))).toHaveLength(1);
    await retryUntil(() => scene.mirror.told.includes('well'));
  });

  test('and forgets the past is read anew when it is back', async () => {
    await using scene = await openSynced(sync);
    await scene.server.down();
    scene.put('web');
    scene.delete('cart');
    scene.replace('login');
    scene.server.store.compact();
    await scene.server.up();
    await scene.mirror.equal();
    expect(nonZero(scene.mirror.reflector.status().syncs)).toEqual({ start: 1, expired: 1 });
  });

  test('from the start is waited for', async () => {
    await using scene = await openScene(sync);
    await scene.server.down();
    scene.mirror.reflector.start();
    await retryUntil(() => scene.mirror.told.some((line) => line.startsWith('trouble')));
    await scene.server.up();
    await scene.mirror.synced();
    await retryUntil(() => scene.mirror.told.includes('well'));
  });

  test('is one trouble, however often it is asked', async () => {
    await using scene = await openSynced(sync);
    await scene.server.down();
    await sleep(300);
    await scene.server.up();
    await scene.mirror.toldDuring(() => scene.put('web'));
    await retryUntil(() => scene.mirror.told.includes('well'));
    expect(scene.mirror.told.filter((line) => /^(trouble|well)/.test(line))).toEqual([
      expect.stringMatching(/^trouble/),
      'well',
    ]);
  });
});

describe.each(SYNC_MODES)('with a %s, connections', (sync) => {
  test('are used again: one serves every request as long as it lives', async () => {
    await using scene = await openSynced(sync);
    for (let round = 0; round < 10; round++) {
      scene.disturb({ kind: 'end' });
      await scene.mirror.toldDuring(() => scene.put('web'));
    }
    const watches = scene.server.requests.filter(({ kind }) => kind !== 'peek').map(({ connection }) => connection);
    expect(watches.length).toBeGreaterThan(10);
    expect(scene.server.connections.total).toBeLessThanOrEqual(2);
    expect(new Set(watches).size).toBeLessThanOrEqual(2);
  });

  test('that are broken leave none behind', async () => {
    await using scene = await openSynced(sync);
    for (let round = 0; round < 10; round++) {
      scene.disturb({ kind: round % 2 === 0 ? 'stall' : 'reset' });
      await scene.mirror.toldDuring(() => scene.put('web'));
    }
    await retryUntil(() => scene.server.connections.open <= 2);
  });
});
