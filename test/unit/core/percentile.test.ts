import { describe, expect, test } from 'vitest';
import { percentileUs } from '../../../src/core/percentile.ts';
import { latency } from '../cli/top/readings.ts';

describe('a percentile of connect latency', () => {
  test.each([
    { what: 'of nothing is not known', counts: {}, share: 0.5, is: undefined },
    { what: 'lies in the middle of a bucket that has all', counts: { 7: 10 }, share: 0.5, is: 96 },
    { what: 'of all is the end of the last bucket that has some', counts: { 3: 1, 7: 10 }, share: 1, is: 128 },
    { what: 'begins at 0 in the first bucket', counts: { 0: 4 }, share: 0.5, is: 0.5 },
    { what: 'is where the share is reached', counts: { 7: 90, 14: 10 }, share: 0.95, is: 8192 * 1.5 },
    { what: 'at the edge of buckets belongs to the lower one', counts: { 7: 50, 14: 50 }, share: 0.5, is: 128 },
    { what: 'skips buckets between that have none', counts: { 1: 1, 20: 99 }, share: 0.01, is: 2 },
    { what: 'in the bucket without an end is its beginning', counts: { 31: 5 }, share: 0.99, is: 2 ** 30 },
  ])('$what', ({ counts, share, is }) => {
    expect(percentileUs(latency(counts), share)).toBe(is);
  });
});
