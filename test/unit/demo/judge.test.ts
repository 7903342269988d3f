import { describe, expect, test } from 'vitest';
import { DEVIATIONS_MAX, judge, sharesOf } from '../../../src/demo/judge.ts';
import { chiSquaredTail } from '../../helpers/statistics.ts';

describe('counts are judged by the shares that were asked for', () => {
  const rows = [
    { what: 'exactly as asked', counts: { v1: 900, v2: 100 }, weights: { v1: 90, v2: 10 }, holds: true },
    { what: 'off as chance may lead', counts: { v1: 915, v2: 85 }, weights: { v1: 90, v2: 10 }, holds: true },
    { what: 'further off than chance leads', counts: { v1: 945, v2: 55 }, weights: { v1: 90, v2: 10 }, holds: false },
    { what: 'the shares from before', counts: { v1: 900, v2: 100 }, weights: { v1: 50, v2: 50 }, holds: false },
    { what: 'too few to say', counts: { v1: 90, v2: 10 }, weights: { v1: 90, v2: 10 }, holds: false },
    { what: 'nobody', counts: {}, weights: { v1: 1, v2: 1 }, holds: false },
    { what: 'one who was not asked for', counts: { v1: 999, v3: 1 }, weights: { v1: 1 }, holds: false },
    { what: 'one of weight 0', counts: { v1: 999, v2: 1 }, weights: { v1: 1, v2: 0 }, holds: false },
    { what: 'all to the only one', counts: { v1: 1000 }, weights: { v1: 1, v2: 0 }, holds: true },
  ];

  test.each(rows)('$what: holds is $holds', ({ counts, weights, holds }) => {
    expect(judge(counts as Record<string, number>, weights as Record<string, number>).holds).toBe(holds);
  });

  test('the distance is in standard deviations of a binomial count', () => {
    // 2,500 fair coins have a standard deviation of 25.
    expect(judge({ v1: 1300, v2: 1200 }, { v1: 1, v2: 1 })).toMatchObject({ connections: 2500, standardDeviations: 2 });
  });

  test('chance alone is refused once in 16,000 times', () => {
    expect(1 / chiSquaredTail(DEVIATIONS_MAX ** 2, 1)).toBeCloseTo(15_787, 0);
  });
});

test('shares add up to 1, in the order of their names', () => {
  expect(Object.entries(sharesOf({ v2: 1, v1: 3 }))).toEqual([
    ['v1', 0.75],
    ['v2', 0.25],
  ]);
});
