import { expect, test } from 'vitest';
import { aliasTable, pick, shares } from '../../../../src/core/plan/alias.ts';

const HALF = 2 ** 31;
const CERTAIN = 2 ** 32 - 1;

test.each([
  { title: 'nobody', weights: [], slots: [] },
  { title: 'the only one is certain', weights: [7], slots: [[CERTAIN, 10, 10]] },
  {
    title: 'equals own their columns',
    weights: [3, 3],
    slots: [
      [CERTAIN, 10, 10],
      [CERTAIN, 11, 11],
    ],
  },
  {
    title: 'a heavy one tops up a light one',
    weights: [1, 3],
    slots: [
      [HALF, 10, 11],
      [CERTAIN, 11, 11],
    ],
  },
  {
    title: 'a heavy one that has become light is topped up by the next',
    weights: [1, 4, 4],
    slots: [
      [2 ** 32 / 3, 10, 11],
      [2 ** 33 / 3, 11, 12],
      [CERTAIN, 12, 12],
    ],
  },
])('$title: weights $weights', ({ weights, slots }) => {
  const words = aliasTable([10, 11, 12].slice(0, weights.length), weights);
  const untils = weights.map((_, entry) => weights.slice(0, entry + 1).reduce((sum, weight) => sum + weight, 0));
  expect([...words]).toEqual(
    slots.flatMap(([threshold, ...rest], column) => [Math.round(threshold ?? 0), ...rest, untils[column]]),
  );
});

test('the kernel takes the backend below the threshold and the alias from it on', () => {
  const words = aliasTable([10, 11], [1, 3]);
  // Column 0 is the lower half of the random numbers, and its lower half is backend 10's.
  expect(pick(words, 0, 2, 0)).toBe(10);
  expect(pick(words, 0, 2, 2 ** 30 - 1)).toBe(10);
  expect(pick(words, 0, 2, 2 ** 30)).toBe(11);
  expect(pick(words, 0, 2, 2 ** 32 - 1)).toBe(11);
});

test('a hundred thousand backends, one in a hundred of them a thousand times heavier, get their shares', () => {
  const count = 100_000;
  const weights = Array.from({ length: count }, (_, entry) => (entry % 100 === 0 ? 1000 : 1));
  const backends = weights.map((_, entry) => entry);
  const result = shares(aliasTable(backends, weights), 0, count);
  const total = 1000 * 1000 + 99_000;
  const error = Math.max(...weights.map((weight, entry) => Math.abs((result.get(entry) ?? 0) - weight / total)));
  expect(error).toBeLessThanOrEqual(count * 2 ** -31);
});
