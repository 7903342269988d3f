import { expect, test } from 'vitest';
import {
  createIndexes,
  dropIndexes,
  giveIndex,
  growIndexes,
  peekIndex,
  takeRange,
} from '../../../../src/core/plan/ranges.ts';

test('the first range that is long enough is taken, not the best', () => {
  const free = [
    { base: 0, count: 2 },
    { base: 10, count: 9 },
    { base: 30, count: 3 },
  ];
  expect(takeRange(free, 3)).toBe(10);
  expect(takeRange(free, 2)).toBe(0);
  expect(takeRange(free, 7)).toBe(-1);
  expect(free).toEqual([
    { base: 13, count: 6 },
    { base: 30, count: 3 },
  ]);
});

test('indexes are peeked at without being taken, and the one given last is taken first', () => {
  const free = createIndexes(4);
  giveIndex(free, 3);
  giveIndex(free, 1);
  expect([peekIndex(free, 0), peekIndex(free, 1), peekIndex(free, 2)]).toEqual([1, 3, undefined]);
  dropIndexes(free, 1);
  expect(peekIndex(free, 0)).toBe(3);
});

test('a grown table offers the old free indexes first and then the new ones from the lowest on', () => {
  const free = createIndexes(2);
  giveIndex(free, 1);
  const grown = growIndexes(free, 4);
  expect([0, 1, 2, 3].map((taken) => peekIndex(grown, taken))).toEqual([1, 2, 3, undefined]);
});
