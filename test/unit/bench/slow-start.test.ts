import { expect, test } from 'vitest';
import { rampedShare } from '../../../bench/slow-start.ts';

test.each([
  { atMs: 0, share: 0.1 / 3.1 },
  { atMs: 500, share: 0.55 / 3.55 },
  { atMs: 1000, share: 1 / 4 },
  { atMs: 5000, share: 1 / 4 },
])('one of four endpoints, $atMs of 1000 ms after it came', ({ atMs, share }) => {
  expect(rampedShare(atMs, { durationMs: 1000, backends: 4 })).toBeCloseTo(share, 12);
});
