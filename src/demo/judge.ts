import { type Counts, total } from './tally.ts';

/** Whether counts are what shares lead to. */
export interface Judgement {
  readonly connections: number;
  /** 0..1, by name. */
  readonly asked: Counts;
  readonly measured: Counts;
  /** The largest distance of a count from what was asked, in standard deviations of that count. */
  readonly standardDeviations: number;
  readonly holds: boolean;
}

/**
 * A fair choice is further away than this once in 16,000 runs. With two names it is the chi-squared test: the square of
 * this distance has one degree of freedom.
 */
export const DEVIATIONS_MAX = 4;

/** Fewer say too little. */
const CONNECTIONS_MIN = 200;

/** `weights` in any unit. A name of weight 0, or without one, must not have been chosen at all. */
export const judge = (counts: Counts, weights: Counts): Judgement => {
  const connections = total(counts);
  const asked = sharesOf(weights);
  const names = new Set([...Object.keys(asked), ...Object.keys(counts)]);
  const distances = [...names].map((name) => distance(counts[name] ?? 0, connections, asked[name] ?? 0));
  const standardDeviations = Math.max(0, ...distances);
  const holds = connections >= CONNECTIONS_MIN && standardDeviations <= DEVIATIONS_MAX;
  return { connections, asked, measured: sharesOf(counts), standardDeviations, holds };
};

export const sharesOf = (counts: Counts): Counts => {
  const sum = total(counts);
  const names = Object.keys(counts).sort();
  return Object.fromEntries(names.map((name) => [name, sum === 0 ? 0 : (counts[name] ?? 0) / sum]));
};

/** Each connection chooses by itself: a count is binomial. */
const distance = (count: number, connections: number, share: number): number => {
  const difference = Math.abs(count - connections * share);
  if (difference === 0) return 0;
  // JSON has no infinity; this is as far.
  return share === 0 || share === 1
    ? Number.MAX_SAFE_INTEGER
    : difference / Math.sqrt(connections * share * (1 - share));
};
