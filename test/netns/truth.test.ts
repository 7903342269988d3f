import { beforeAll, describe, expect, test } from 'vitest';
import type { TruthResult } from '../../bench/truth/results.ts';
import { measureTruth } from '../../bench/truth/truth.ts';

/**
 * What clients counted of their own connections, against what `shunt run` tells of them: Services, workloads and
 * backends, while connections go on and when they have ended. `node bench/run.ts --only truth` does the same with a million.
 */

const CONNECTIONS = 20_000;
const SEED = Number(process.env.SEED);

let measured: Omit<TruthResult, 'bench' | 'machine' | 'settings'>;

beforeAll(async () => {
  const settings = { seed: SEED, connections: CONNECTIONS, threads: 2, kept: 4, talks: 300 };
  measured = await measureTruth(settings, new AbortController().signal);
}, 90_000);

test('connections are counted as they ended, of Services, workloads and backends', () => {
  expect(measured.counters.different).toEqual([]);
  expect(measured.counters.compared).toBeGreaterThan(600);
});

test('their bytes are counted exactly, by TCP and socket to socket', () => {
  expect(measured.traffic.different).toEqual([]);
  expect(measured.traffic.compared).toBeGreaterThan(150);
});

describe('there were', () => {
  test.each(['in order', 'reset', 'broken', 'refused', 'timed out', 'unreachable', 'abandoned', 'rejected'])(
    'enough that ended so: %s',
    (ending) => {
      expect(measured.endings[ending]).toBeGreaterThan(100);
    },
  );

  test('as many as were asked for', () => {
    const all = Object.values(measured.endings).reduce((sum, number) => sum + number, 0);
    // Those that were kept come on top.
    expect(all).toBe(CONNECTIONS + 4 * 4);
  });

  test('bytes that went socket to socket', () => {
    expect(measured.bytes.redirected).toBeGreaterThan(100_000);
  });
});
