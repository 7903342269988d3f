import { expect, test } from 'vitest';
import { COUNT_MS, createLiveSweep } from '../../../src/agent/live-sweep.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

/** `answers` are those of the dataplane, one after the other; then all is well. */
const stage = (...answers: readonly (() => Promise<void>)[]) => {
  const clock = new ManualClock();
  const told = { walks: 0, failures: [] as unknown[] };
  const sweep = createLiveSweep({
    dataplane: { countLive: async () => answers[told.walks++]?.() },
    clock,
    onFailure: (error, retryInMs) => told.failures.push(error, retryInMs),
  })!;
  return { clock, told, sweep };
};

test('long connections are counted at once, and every five seconds', async () => {
  const { clock, told, sweep } = stage();
  expect(told.walks).toBe(0);
  sweep.start();
  await clock.advance(COUNT_MS - 1);
  expect(told.walks).toBe(1);
  await clock.advance(1);
  expect(told.walks).toBe(2);
  await clock.advance(3 * COUNT_MS);
  expect(told.walks).toBe(5);
  await sweep.stop();
  expect(clock.waiting).toBe(0);
});

test('a kernel that never can is asked more and more seldom', async () => {
  const { clock, told, sweep } = stage(...Array.from({ length: 100 }, () => () => Promise.reject('no such helper')));
  sweep.start();
  await clock.advance(3_600_000);
  expect(told.failures.slice(0, 6)).toEqual([
    'no such helper',
    5000,
    'no such helper',
    10_000,
    'no such helper',
    20_000,
  ]);
  expect(told.failures.at(-1)).toBe(300_000);
  expect(told.walks).toBeLessThan(22);
  await sweep.stop();
});

test('the stop waits for the walk under way', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { clock, sweep } = stage(() => promise);
  sweep.start();
  await clock.advance(COUNT_MS);
  let stopped = false;
  const stop = sweep.stop().then(() => (stopped = true));
  await clock.advance(COUNT_MS);
  expect(stopped).toBe(false);
  resolve();
  await stop;
});

test('where nothing can be counted so nothing is tried', async () => {
  const clock = new ManualClock();
  const sweep = createLiveSweep({ dataplane: {}, clock, onFailure: () => {} });
  sweep?.start();
  expect(clock.waiting).toBe(0);
  expect(sweep).toBeUndefined();
});
