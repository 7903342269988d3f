import { expect, test } from 'vitest';
import { createLostSweep, LOOK_MS } from '../../../src/agent/lost-sweep.ts';
import type { EndedLost } from '../../../src/dataplane/dataplane.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

/** `answers` are those of the dataplane, one after the other; then it finds nothing. */
const stage = (answers: readonly (EndedLost | Promise<EndedLost>)[]) => {
  const clock = new ManualClock();
  const told = { looks: 0, ended: [] as number[], failures: [] as unknown[] };
  const sweep = createLostSweep({
    dataplane: { endLost: async () => (await answers[told.looks++]) ?? { connections: 0, failure: undefined } },
    clock,
    onEnded: (count) => told.ended.push(count),
    onFailure: (error, retryInMs) => told.failures.push(error, retryInMs),
  })!;
  return { clock, told, sweep };
};

test('lost connections are looked for at the start, and every five minutes', async () => {
  const found = { connections: 3, failure: undefined };
  const { clock, told, sweep } = stage([{ connections: 0, failure: undefined }, found]);
  sweep.start();
  await clock.advance(0);
  expect(told).toEqual({ looks: 1, ended: [], failures: [] });
  await clock.advance(LOOK_MS - 1);
  expect(told.looks).toBe(1);
  await clock.advance(1);
  expect(told).toEqual({ looks: 2, ended: [3], failures: [] });
  await clock.advance(3 * LOOK_MS);
  expect(told).toEqual({ looks: 5, ended: [3], failures: [] });
  await sweep.stop();
  expect(clock.waiting).toBe(0);
});

test('what could not be told is tried again before that, and counts what was ended all the same', async () => {
  const { clock, told, sweep } = stage([{ connections: 1, failure: 'no netns' }]);
  sweep.start();
  await clock.advance(9999);
  expect(told).toEqual({ looks: 1, ended: [1], failures: ['no netns', 10_000] });
  await clock.advance(1);
  expect(told.looks).toBe(2);
  await sweep.stop();
});

test('the stop waits for the look under way', async () => {
  const { promise, resolve } = Promise.withResolvers<EndedLost>();
  const { clock, told, sweep } = stage([promise]);
  sweep.start();
  await clock.advance(0);
  let stopped = false;
  const stop = sweep.stop().then(() => (stopped = true));
  await clock.advance(LOOK_MS);
  expect({ stopped, looks: told.looks }).toEqual({ stopped: false, looks: 1 });
  resolve({ connections: 2, failure: undefined });
  await stop;
  expect(told.ended).toEqual([2]);
});

test('where nothing can be lost nothing is looked for', async () => {
  const clock = new ManualClock();
  const fail = (): never => {
    throw new Error('told');
  };
  const sweep = createLostSweep({ dataplane: {}, clock, onEnded: fail, onFailure: fail });
  sweep?.start();
  expect(clock.waiting).toBe(0);
  expect(sweep).toBeUndefined();
});
