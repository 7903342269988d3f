import { beforeEach, describe, expect, test } from 'vitest';
import { BusiestPairs } from '../../../../src/agent/history/pairs.ts';
import { ManualClock } from '../../../helpers/manual-clock.ts';
import { workloadUsage } from '../../http/fake-view.ts';

let clock: ManualClock;
/** Connections by workload. */
let counts: Record<string, number>;
let looks: number;
/** Of one look. */
let tookMs: number;
let spentMs: number;

beforeEach(() => {
  clock = new ManualClock();
  counts = {};
  looks = 0;
  tookMs = 0;
  spentMs = 0;
});

const pairsOf = (shownMax?: number): BusiestPairs =>
  new BusiestPairs({
    view: {
      workloads: () => {
        looks++;
        spentMs += tookMs;
        const usage = Object.entries(counts).map(([name, attempts]) => {
          const { counts: all, ...rest } = workloadUsage({ workload: { namespace: 'front', name } });
          return { ...rest, counts: { ...all, attempts } };
        });
        return { usage, pairs: { shown: usage.length, other: 0 } };
      },
    },
    clock: { wallMs: () => 0, monotonicMs: () => clock.monotonicMs() + spentMs, after: clock.after },
    ...(shownMax !== undefined && { shownMax }),
  });

const names = (pairs: BusiestPairs) => pairs.read()?.shown.map(({ workload }) => workload.name);

describe('the busiest pairs', () => {
  test('are those that did most of late, and before that those that did most', async () => {
    counts = { a: 10, b: 1000, c: 5 };
    const pairs = pairsOf(2);
    expect(names(pairs)).toEqual(['b', 'a']);
    expect(pairs.read()?.more).toBe(1);
    await clock.advance(1000);
    counts = { a: 10, b: 1001, c: 500 };
    expect(names(pairs)).toEqual(['c', 'b']);
  });

  test('are read once a second, however many ask', async () => {
    counts = { a: 10 };
    const pairs = pairsOf();
    const first = pairs.read();
    await clock.advance(500);
    expect(pairs.read()).toBe(first);
    await clock.advance(500);
    expect(pairs.read()?.atMs).toBe(1000);
    expect(looks).toBe(2);
  });

  test('are read in a twentieth of the time at most', async () => {
    tookMs = 200;
    const pairs = pairsOf();
    pairs.read();
    await clock.advance(3700);
    pairs.read();
    expect(looks).toBe(1);
    await clock.advance(100);
    pairs.read();
    expect(looks).toBe(2);
  });

  test('that have gone are forgotten', async () => {
    counts = { a: 500, b: 10 };
    const pairs = pairsOf();
    pairs.read();
    await clock.advance(1000);
    counts = { b: 10 };
    expect(names(pairs)).toEqual(['b']);
    await clock.advance(1000);
    counts = { a: 505, b: 11 };
    expect(names(pairs)).toEqual(['b', 'a']);
  });

  test('are not known where nobody counts by who asks', () => {
    expect(new BusiestPairs({ view: { workloads: () => undefined }, clock }).read()).toBeUndefined();
  });
});
