import { describe, expect, test } from 'vitest';
import { binomialP, binomialRange } from '../../../bench/statistics.ts';

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
