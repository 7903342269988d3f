import { atLeast, atMost, type Bar, count, deviations, likelihood, percent, points, times } from './bar.ts';
import type { CanaryResult, DisruptionResult, PicksResult, SlowBackendResult, SlowStartResult } from './results.ts';
import { biasOf, binomialP, spreadOf } from './statistics.ts';

/** Kernel time of connect4, as a multiple of that with WeightedRandom. */
export const PICK_LIMITS: Readonly<Record<string, number>> = {
  RoundRobin: 1.2,
  Maglev: 1.2,
  LeastConnections: 2,
  PeakEwma: 2,
};

export const picksBars = ({ measurements }: PicksResult): Bar[] =>
  measurements.flatMap(({ endpointsPerService, algorithms }) =>
    algorithms.flatMap(({ algorithm, againstRandom }) => {
      const limit = PICK_LIMITS[algorithm];
      const what = `kernel time of connect4 with ${algorithm} of ${endpointsPerService}, against WeightedRandom`;
      return limit === undefined ? [] : [atMost(what, againstRandom.median, limit, times)];
    }),
  );

const AVOIDING = ['LeastConnections', 'PeakEwma'];

export const slowBackendBars = ({ settings, algorithms }: SlowBackendResult): Bar[] =>
  algorithms
    .filter(({ algorithm }) => AVOIDING.includes(algorithm))
    .map(({ algorithm, againstRandom }) =>
      atMost(
        `one of ${settings.backends} backends ${settings.slowUs / settings.serviceUs} times slower: p99 of a request with ` +
          `${algorithm}, against WeightedRandom`,
        againstRandom.median,
        0.5,
        times,
      ),
    );

/** Of clients that had no reason to move. */
export const DISRUPTION_LIMIT = 0.02;

export const disruptionBars = ({ settings, tables, connections }: DisruptionResult): Bar[] => [
  atMost(
    `Maglev, one of ${settings.backends} removed: clients of the others that move, by the tables, at most of ` +
      `${settings.removals} times`,
    Math.max(...tables),
    DISRUPTION_LIMIT,
    percent,
  ),
  atMost('the same, by connections', Math.max(...connections), DISRUPTION_LIMIT, percent),
];

/** A right run has a window that is less likely than all are allowed to be once in a thousand runs, at most (Bonferroni). */
const WRONGLY = 0.001;

/** The least likely count that a right window may have. */
export const leastLikely = (windows: number): number => WRONGLY / windows;

/** A right run is further out once in a thousand, of a normal distribution: one side, and two. */
const SPREAD_LIMIT = 3.09;
const BIAS_LIMIT = 3.29;

export const canaryBars = ({ settings, failed, requests, windows }: CanaryResult): Bar[] => {
  const counts = windows.map(({ percent: asked, canary }) => ({ count: canary, n: settings.requests, p: asked / 100 }));
  return [
    atMost(
      `canary edited ${count(settings.edits)} times under load: requests of ${count(requests)} that failed`,
      failed,
      0,
      count,
    ),
    atLeast(
      `the same, the least likely of the counts of ${count(windows.length)} windows (exact binomial p)`,
      Math.min(...counts.map(({ count: observed, n, p }) => binomialP(observed, n, p))),
      leastLikely(windows.length),
      likelihood,
    ),
    atMost('the same, how far counts are spread over all windows', spreadOf(counts), SPREAD_LIMIT, deviations),
    atMost('the same, their sum, off what routes ask for', biasOf(counts), BIAS_LIMIT, deviations),
  ];
};

export const RAMP_LIMIT = 0.02;

export const slowStartBars = ({ settings, windows }: SlowStartResult): Bar[] => [
  atMost(
    `slow start over ${settings.durationMs / 1000} s: share of the new endpoint, off its ramp at most`,
    Math.max(...windows.map(({ share, ramp }) => Math.abs(share - ramp))),
    RAMP_LIMIT,
    points,
  ),
];
