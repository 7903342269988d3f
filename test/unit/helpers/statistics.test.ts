import { describe, expect, test } from 'vitest';
import { chiSquaredP, chiSquaredTail } from '../../helpers/statistics.ts';

describe('the upper tail of the chi-squared distribution', () => {
  // NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4: upper critical values.
  test.each([
    [1, 2.706, 0.1],
    [1, 3.841, 0.05],
    [1, 10.828, 0.001],
    [2, 5.991, 0.05],
    [2, 13.816, 0.001],
    [5, 11.07, 0.05],
    [10, 18.307, 0.05],
    [10, 29.588, 0.001],
    [30, 43.773, 0.05],
    [100, 124.342, 0.05],
    [100, 149.449, 0.001],
  ])('with %i degrees of freedom beyond %f is as the table says', (degrees, statistic, probability) => {
    expect(chiSquaredTail(statistic, degrees)).toBeCloseTo(probability, 4);
  });

  test.each([0.001, 1, 2, 5, 50, 700])(
    'with 2 degrees of freedom beyond %f is the exponential function',
    (statistic) => {
      expect(chiSquaredTail(statistic, 2) / Math.exp(-statistic / 2)).toBeCloseTo(1, 10);
    },
  );
});

describe('the chi-squared test', () => {
  test.each([
    { name: 'counts just as expected are certain', observed: [20, 30, 50], expected: [2, 3, 5], p: 1 },
    // (55-50)²/50 + (45-50)²/50 = 1; P(X > 1) with one degree of freedom.
    { name: 'a slight difference is likely', observed: [55, 45], expected: [0.5, 0.5], p: 0.3173105 },
    { name: 'a wrong share is next to impossible', observed: [500, 500], expected: [1, 2], p: 0 },
    { name: 'what must never happen is impossible', observed: [100, 1], expected: [1, 0], p: 0 },
    { name: 'one possible outcome is certain', observed: [100, 0], expected: [1, 0], p: 1 },
  ])('$name', ({ observed, expected, p }) => {
    expect(chiSquaredP(observed, expected)).toBeCloseTo(p, 6);
  });

  test('refuses counts and shares that do not belong together', () => {
    expect(() => chiSquaredP([1, 2], [1])).toThrow('as many counts as shares');
  });
});
