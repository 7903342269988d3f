import { describe, expect, test } from 'vitest';
import { pick } from '../../../../src/core/plan/alias.ts';
import {
  armsOf,
  HEADER_SLOTS,
  lookupOf,
  lowestTerms,
  membersOf,
  rangeOf,
  rangeOfArms,
  readRange,
  strideFor,
  takeTurn,
} from '../../../../src/core/plan/range.ts';
import { Memory } from '../../../../src/dataplane/fake/memory.ts';

const CERTAIN = 2 ** 32 - 1;
const HALF = 2 ** 31;

const TWO = [
  { index: 10, weight: 2 },
  { index: 11, weight: 6 },
];

describe('lies in memory as', () => {
  test('a header and a column for each backend', () => {
    expect([...rangeOf(TWO)]).toEqual([4, 2, 0, 0, HALF, 10, 11, 1, CERTAIN, 11, 11, 4]);
  });

  test('the same with a lookup, whose last slot is filled up', () => {
    const words = rangeOf(TWO, [10, 11, 11, 10, 11]);
    expect([...words.subarray(0, 4)]).toEqual([4, 2, 5, 0]);
    expect([...words.subarray(12)]).toEqual([10, 11, 11, 10, 11, 0, 0, 0]);
    expect([...lookupOf(words, 2)]).toEqual([10, 11, 11, 10, 11]);
  });

  test('a header, a column for each arm by its number, and the arms', () => {
    const arms = [
      { service: 7, slotBase: 90, slotCount: 3 },
      { service: 8, slotBase: 0, slotCount: 0 },
    ];
    const words = rangeOfArms(arms.map((arm, at) => ({ ...arm, weight: at === 0 ? 1 : 3 })));
    expect([...words]).toEqual([4, 2, 0, 0, HALF, 0, 1, 1, CERTAIN, 1, 1, 4, 7, 90, 3, 0, 8, 0, 0, 0]);
    expect(armsOf(words, 2)).toEqual(arms);
    expect(membersOf(words, 2)).toEqual([
      { index: 0, weight: 1 },
      { index: 1, weight: 3 },
    ]);
  });
});

test('is picked from behind its header', () => {
  const words = rangeOf(TWO);
  expect([0, 2 ** 30 - 1, 2 ** 30, 2 ** 32 - 1].map((random) => pick(words, HEADER_SLOTS, 2, random))).toEqual([
    10, 10, 11, 11,
  ]);
});

test.each([
  { weights: [1], turns: [10, 10, 10] },
  { weights: [1, 1], turns: [10, 11, 10, 11] },
  { weights: [1, 2], turns: [10, 11, 11, 10, 11, 11] },
  { weights: [2, 3], turns: [10, 11, 11, 10, 11, 10] },
  { weights: [2, 1, 1], turns: [10, 11, 10, 12, 10, 11] },
  { weights: [3, 2, 1], turns: [10, 10, 11, 10, 11, 12, 10] },
  { weights: [2, 2, 1, 1], turns: [10, 11, 12, 10, 11, 13, 10] },
])('$weights take turns as $turns', ({ weights, turns }) => {
  const words = rangeOf(weights.map((weight, at) => ({ index: 10 + at, weight })));
  expect(turns.map((_, turn) => takeTurn(words, weights.length, turn))).toEqual(turns);
});

test.each([
  { total: 1, stride: 1 },
  { total: 2, stride: 1 },
  { total: 3, stride: 1 },
  { total: 4, stride: 2 },
  { total: 5, stride: 2 },
  { total: 6, stride: 2 },
  { total: 24, stride: 7 },
  { total: 100, stride: 59 },
  { total: 223_092_870, stride: 137_878_981 },
  { total: 2 ** 32 - 1, stride: 2_654_435_759 },
])('walks over $total points by $stride', ({ total, stride }) => {
  expect(strideFor(total)).toBe(stride);
});

describe('sums of weights', () => {
  test('are kept in lowest terms', () => {
    expect(lowestTerms([100_000, 50_000, 75_000])).toEqual([4, 2, 3]);
    expect(lowestTerms([])).toEqual([]);
  });

  test('of 42,949 endpoints fit into 32 bits whatever they weigh', () => {
    const weights = Array.from({ length: 42_949 }, (_, at) => 100_000 - (at % 2));
    expect(lowestTerms(weights)).toEqual(weights);
  });

  test('of more are cut down until they fit, with each share off by less than one in a billion', () => {
    const weights = Array.from({ length: 200_000 }, (_, at) => (at % 2 === 0 ? 99_999 : 1));
    const terms = lowestTerms(weights);
    const total = terms.reduce((sum, term) => sum + term, 0);
    expect(total).toBeLessThan(2 ** 32);
    expect(terms.every((term) => term >= 1)).toBe(true);
    expect(Math.abs((terms[0] as number) / total - 99_999 / (100_000 * 100_000))).toBeLessThan(1e-9);
    expect(takeTurn(rangeOf(terms.map((weight, index) => ({ index, weight }))), terms.length, 0)).toBe(0);
  });
});

describe('is no range', () => {
  const memory = (words: readonly number[] = []): Memory => {
    const tables = new Memory({ frontends: 1, slots: 8, backends: 1, services: 1 });
    for (let slot = 0; slot * 4 < words.length; slot++) {
      tables.putSlot(slot, Uint32Array.from(words.slice(slot * 4, slot * 4 + 4)));
    }
    return tables;
  };
  const whole = [...rangeOf(TWO, [10, 11, 11, 10, 11])];

  test('but this one is', () => {
    expect([...(readRange(memory(whole), { slotBase: 0, slotCount: 2 }) ?? [])]).toEqual(whole);
  });

  test.each([
    { title: 'without columns', at: { slotBase: 0, slotCount: 0 }, words: whole },
    { title: 'where nobody wrote', at: { slotBase: 0, slotCount: 2 }, words: [] },
    { title: 'with another number of columns', at: { slotBase: 0, slotCount: 1 }, words: whole },
    { title: 'that begins at a column', at: { slotBase: 1, slotCount: 1 }, words: whole },
    { title: 'whose columns leave the table', at: { slotBase: 0, slotCount: 8 }, words: whole },
    { title: 'whose lookup leaves the table', at: { slotBase: 0, slotCount: 2 }, words: whole.with(2, 21) },
    {
      title: 'that has a lookup beside its arms',
      at: { slotBase: 0, slotCount: 2, arms: true as const },
      words: whole,
    },
    { title: 'far outside of the table', at: { slotBase: 2 ** 32 - 1, slotCount: 1 }, words: whole },
  ])('$title', ({ at, words }) => {
    expect(readRange(memory(words), at)).toBeUndefined();
  });
});
