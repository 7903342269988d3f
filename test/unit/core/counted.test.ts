import { describe, expect, test } from 'vitest';
import { bucketsBetween, failedOf, haveBucketsFallen } from '../../../src/core/counted.ts';

test('what failed is all reasons together, as far as they are counted', () => {
  expect(failedOf({ refused: 1, timedOut: 20, unreachable: 300, abandoned: 4000 })).toBe(4321);
  expect([failedOf({ timedOut: 2 }), failedOf({})]).toEqual([2, 0]);
});

describe('the buckets of a histogram', () => {
  test.each([
    { before: [1, 2], after: [1, 5], grown: [0, 3], isFallen: false },
    { before: undefined, after: [4, 5], grown: [4, 5], isFallen: false },
    { before: [], after: [4], grown: [4], isFallen: false },
    { before: [4, 1], after: [9, 0], grown: [5, -1], isFallen: true },
    { before: [4], after: undefined, grown: [], isFallen: true },
  ])('that were $before and are $after grew by $grown', ({ before, after, grown, isFallen }) => {
    expect(bucketsBetween(before, after)).toEqual(grown);
    expect(haveBucketsFallen(before, after)).toBe(isFallen);
  });
});
