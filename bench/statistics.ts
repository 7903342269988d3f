/** A ratio of two contenders over the rounds of one run: each round gives one ratio of figures taken moments apart. */
export interface Ratio {
  readonly median: number;
  /** 10th and 90th percentile over the rounds. */
  readonly p10: number;
  readonly p90: number;
}

export const ratioOf = (figures: readonly number[], baseline: readonly number[]): Ratio => {
  if (figures.length !== baseline.length || figures.length === 0) throw new RangeError('ratio of unequal rounds');
  const ratios = figures.map((figure, round) => figure / (baseline[round] ?? Number.NaN));
  const at = (fraction: number) => Number(quantile(ratios, fraction).toFixed(4));
  return { median: at(0.5), p10: at(0.1), p90: at(0.9) };
};

/** Linear interpolation between the closest ranks. */
export const quantile = (figures: readonly number[], fraction: number): number => {
  const sorted = figures.toSorted((a, b) => a - b);
  const rank = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(rank)] ?? Number.NaN;
  const above = sorted[Math.ceil(rank)] ?? Number.NaN;
  return below + (above - below) * (rank - Math.floor(rank));
};

export const median = (figures: readonly number[]): number => quantile(figures, 0.5);

/** A generator of numbers in [0, 1) that gives the same ones for the same seed (mulberry32). */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** Fisher-Yates. */
export const shuffled = <T>(items: readonly T[], random: () => number): T[] => {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [result[last], result[other]] = [result[other] as T, result[last] as T];
  }
  return result;
};

/**
 * The probability that a count of `n` tries, each with chance `p`, is as unlikely as this one or more: the exact binomial
 * test with two sides (Clopper and Pearson 1934 give its intervals). Right also where a count is small and its bound far
 * out, which chi-squared is not.
 */
export const binomialP = (count: number, n: number, p: number): number => {
  const logs = binomialLogs(n, p);
  const limit = (logs[count] ?? Number.NEGATIVE_INFINITY) + ROUNDING;
  return Math.min(
    1,
    logs.filter((log) => log <= limit).reduce((sum, log) => sum + Math.exp(log), 0),
  );
};

/** The lowest and the highest count that is not less likely than `limit`, in the sense of `binomialP`. */
export const binomialRange = (n: number, p: number, limit: number): readonly [number, number] => {
  const counts = Array.from({ length: n + 1 }, (_, count) => count).filter((count) => binomialP(count, n, p) >= limit);
  return [counts[0] ?? 0, counts.at(-1) ?? n];
};

/** A count of `n` tries, each with chance `p`. */
export interface Binomial {
  readonly count: number;
  readonly n: number;
  readonly p: number;
}

/** How far the sum of many counts is off its mean, either way, in its standard deviations. */
export const biasOf = (counts: readonly Binomial[]): number => {
  const off = counts.reduce((sum, { count, n, p }) => sum + count - n * p, 0);
  const variance = counts.reduce((sum, { n, p }) => sum + n * p * (1 - p), 0);
  return Math.abs(off) / Math.sqrt(variance);
};

/**
 * How far their chi-squared statistics are above their mean together, in standard deviations of the sum: by the variance
 * of a binomial count's square, which is not quite that of chi-squared.
 */
export const spreadOf = (counts: readonly Binomial[]): number => {
  const sum = counts.reduce((total, { count, n, p }) => total + (count - n * p) ** 2 / (n * p * (1 - p)), 0);
  const variance = counts.reduce((total, { n, p }) => total + 2 + (1 - 6 * p * (1 - p)) / (n * p * (1 - p)), 0);
  return (sum - counts.length) / Math.sqrt(variance);
};

/** Counts that are equally likely differ by this in floating point. */
const ROUNDING = 1e-9;

/** Natural logarithms of the probabilities of 0..n. */
const binomialLogs = (n: number, p: number): number[] => {
  const logs = [n * Math.log1p(-p)];
  for (let count = 1; count <= n; count++) {
    logs.push((logs[count - 1] as number) + Math.log((n - count + 1) / count) + Math.log(p) - Math.log1p(-p));
  }
  return logs;
};
