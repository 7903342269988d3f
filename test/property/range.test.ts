import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lowestTerms, membersOf, rangeOf, strideFor, takeTurn, totalOf } from '../../src/core/plan/range.ts';

const someWeights = fc.array(fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 1000 })), {
  minLength: 1,
  maxLength: 40,
});

/** Backend indexes need not be small or dense. */
const membersFor = (weights: readonly number[]) =>
  weights.map((weight, entry) => ({ index: entry * 7 + 1_000_000, weight }));

describe('a range, for any weights', () => {
  test('is read back as what it was made from, in lowest terms', () => {
    fc.assert(
      fc.property(someWeights, (weights) => {
        const words = rangeOf(membersFor(weights));
        expect(membersOf(words, weights.length)).toEqual(membersFor(lowestTerms(weights)));
      }),
    );
  });

  test('depends on the proportions of the weights only', () => {
    fc.assert(
      fc.property(someWeights, fc.integer({ min: 2, max: 9 }), (weights, factor) => {
        const scaled = weights.map((weight) => weight * factor);
        expect(rangeOf(membersFor(scaled))).toEqual(rangeOf(membersFor(weights)));
      }),
    );
  });
});

describe('taking turns, for any weights', () => {
  test('gives each backend exactly its weight in every window of as many turns as all weigh', () => {
    fc.assert(
      fc.property(someWeights, fc.nat({ max: 2 ** 40 }), (weights, first) => {
        const words = rangeOf(membersFor(weights));
        const taken = new Map<number, number>();
        for (let turn = first; turn < first + totalOf(words); turn++) {
          const backend = takeTurn(words, weights.length, turn);
          taken.set(backend, (taken.get(backend) ?? 0) + 1);
        }
        const members = membersOf(words, weights.length);
        expect([...taken].sort()).toEqual(members.map(({ index, weight }) => [index, weight]).sort());
      }),
      { numRuns: 50 },
    );
  });

  test('spreads the turns of each backend: at no time is any of them far from its share', () => {
    fc.assert(
      fc.property(someWeights, (weights) => {
        const words = rangeOf(membersFor(weights));
        const total = totalOf(words);
        const members = membersOf(words, weights.length);
        const taken = new Map(members.map(({ index }) => [index, 0]));
        for (let turn = 0; turn < total; turn++) {
          const backend = takeTurn(words, weights.length, turn);
          taken.set(backend, (taken.get(backend) ?? 0) + 1);
          for (const { index, weight } of members) {
            const off = Math.abs((taken.get(index) ?? 0) - ((turn + 1) * weight) / total);
            expect(off).toBeLessThan(OFF_MAX);
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  test('goes by a stride that comes to every point and lies near the golden section', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 - 1 }), (total) => {
        fc.pre(total !== 4 && total !== 6);
        const stride = strideFor(total);
        expect(greatestCommonDivisor(stride, total)).toBe(1);
        expect(Math.abs(stride - total * ((Math.sqrt(5) - 1) / 2))).toBeLessThanOrEqual(21);
      }),
      { numRuns: 2000 },
    );
  });
});

const OFF_MAX = 4;

const greatestCommonDivisor = (one: number, other: number): number =>
  other === 0 ? one : greatestCommonDivisor(other, one % other);
