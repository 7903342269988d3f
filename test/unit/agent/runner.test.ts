import { expect, test } from 'vitest';
import { Runner } from '../../../src/agent/runner.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

interface Stage {
  readonly clock: ManualClock;
  readonly runner: Runner;
  /** When each run began. */
  readonly runsMs: number[];
  readonly retriesInMs: number[];
  /** What the next runs do, first to last; after that they succeed at once. */
  readonly script: (() => Promise<void>)[];
}

const stage = (): Stage => {
  const clock = new ManualClock();
  const runsMs: number[] = [];
  const retriesInMs: number[] = [];
  const script: (() => Promise<void>)[] = [];
  const runner = new Runner({
    clock,
    run: async () => {
      runsMs.push(clock.monotonicMs());
      await script.shift()?.();
    },
    onError: (_, retryInMs) => retriesInMs.push(retryInMs),
    intervalMs: 10,
    retryMs: 100,
    retryMaxMs: 500,
  });
  return { clock, runner, runsMs, retriesInMs, script };
};

const fail = async (): Promise<void> => {
  throw new Error('no luck');
};

test('a first request runs at once', async () => {
  const { clock, runner, runsMs } = stage();
  runner.request();
  await clock.advance(0);
  expect(runsMs).toEqual([0]);
});

test('a storm of requests becomes one run for each interval', async () => {
  const { clock, runner, runsMs } = stage();
  for (let ms = 0; ms < 50; ms++) {
    runner.request();
    await clock.advance(1);
  }
  expect(runsMs).toEqual([0, 10, 20, 30, 40, 50]);
});

test('a request during a run is served by another run after it', async () => {
  const { clock, runner, runsMs, script } = stage();
  const first = Promise.withResolvers<void>();
  script.push(() => first.promise);
  runner.request();
  await clock.advance(0);
  runner.request();
  await clock.advance(100);
  expect(runsMs).toEqual([0]);
  first.resolve();
  await clock.advance(1);
  expect(runsMs).toEqual([0, 100]);
});

test('a failed run is tried again, later and later up to a limit, until it succeeds', async () => {
  const { clock, runner, runsMs, retriesInMs, script } = stage();
  script.push(fail, fail, fail, fail, fail);
  runner.request();
  await clock.advance(5000);
  expect(retriesInMs).toEqual([100, 200, 400, 500, 500]);
  expect(runsMs).toEqual([0, 100, 300, 700, 1200, 1700]);
});

test('after a success the next failure waits shortly again', async () => {
  const { clock, runner, retriesInMs, script } = stage();
  script.push(fail, fail);
  runner.request();
  await clock.advance(1000);
  script.push(fail);
  runner.request();
  await clock.advance(1000);
  expect(retriesInMs).toEqual([100, 200, 100]);
});

test('stopping waits for the run under way, and none begins any more', async () => {
  const { clock, runner, runsMs, script } = stage();
  const first = Promise.withResolvers<void>();
  script.push(() => first.promise);
  runner.request();
  await clock.advance(0);
  runner.request();
  let stopped = false;
  const stopping = runner.stop().then(() => {
    stopped = true;
  });
  await clock.advance(50);
  expect(stopped).toBe(false);
  first.resolve();
  await stopping;
  runner.request();
  await clock.advance(1000);
  expect({ runsMs, waiting: clock.waiting }).toEqual({ runsMs: [0], waiting: 0 });
});
