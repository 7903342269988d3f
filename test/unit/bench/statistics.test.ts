import { describe, expect, test } from 'vitest';
import { biasOf, binomialP, binomialRange, spreadOf } from '../../../bench/statistics.ts';

describe('the exact binomial test', () => {
  // Counts at most as likely as the observed one, worked out by hand.
  test.each([
    { count: 5, n: 10, p: 0.5, is: 1 },
    { count: 0, n: 10, p: 0.5, is: 2 / 1024 },
    { count: 1, n: 10, p: 0.5, is: 22 / 1024 },
    { count: 3, n: 3, p: 0.1, is: 0.001 },
    { count: 0, n: 3, p: 0.1, is: 1 },
    { count: 2, n: 3, p: 0.1, is: 0.028 },
  ])('$count of $n at $p: $is', ({ count, n, p, is }) => {
    expect(binomialP(count, n, p)).toBeCloseTo(is, 12);
  });

  test('gives all counts together what is left beyond a bound, and never more', () => {
    const probability = (count: number): number => binomialP(count, 500, 0.05);
    const [low, high] = binomialRange(500, 0.05, 0.001);
    expect(probability(low)).toBeGreaterThanOrEqual(0.001);
    expect(probability(high)).toBeGreaterThanOrEqual(0.001);
    expect(probability(low - 1)).toBeLessThan(0.001);
    expect(probability(high + 1)).toBeLessThan(0.001);
    // The upper bound is further out than the lower: small shares are skewed, which chi-squared does not know.
    expect(high - 25).toBeGreaterThan(25 - low);
  });
});

describe('many counts together', () => {
  const windows = (offs: readonly number[]) => offs.map((off) => ({ count: 100 + off, n: 400, p: 0.25 }));
  const many = (...offs: readonly number[]) => windows(Array.from({ length: 100 }, (_, at) => offs[at % offs.length]!));

  test('are no further off than one of them where they lie one standard deviation to either side', () => {
    const deviation = Math.sqrt(75);
    expect(biasOf(many(deviation, -deviation))).toBeCloseTo(0, 9);
    expect(spreadOf(many(deviation, -deviation))).toBeCloseTo(0, 9);
  });

  test('show a small bias that all of them have, and a spread that is too wide for chance', () => {
    // A percent point each: 4 of 400, with a standard deviation of 8.7; over all of them, 400 with one of 87.
    expect(biasOf(many(4))).toBeCloseTo(400 / Math.sqrt(7500), 9);
    expect(biasOf(many(-4))).toBeCloseTo(400 / Math.sqrt(7500), 9);
    expect(spreadOf(many(13, -13))).toBeGreaterThan(3.09);
  });
});
