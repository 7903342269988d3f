import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aliasTable, pick, SLOT_WORDS, shares, UNTIL } from '../../src/core/plan/alias.ts';

const weights = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 300 });
const random32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });

/** Backend indexes need not be small or dense. */
const backendsFor = (count: number): number[] => Array.from({ length: count }, (_, entry) => entry * 7 + 1_000_000);

describe('an alias table, for any weights', () => {
  test('gives each backend its weight, off by at most one random number per column', () => {
    fc.assert(
      fc.property(weights, (weights) => {
        const backends = backendsFor(weights.length);
        const result = shares(aliasTable(backends, weights), 0, weights.length);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        for (const [entry, weight] of weights.entries()) {
          const share = result.get(backends[entry] as number) ?? 0;
          expect(Math.abs(share - weight / total)).toBeLessThanOrEqual(weights.length * 2 ** -31);
        }
        expect([...result.values()].reduce((sum, share) => sum + share, 0)).toBe(1);
      }),
    );
  });

  test('gives column i to entry i', () => {
    fc.assert(
      fc.property(weights, (weights) => {
        const backends = backendsFor(weights.length);
        const words = aliasTable(backends, weights);
        expect(backends.map((_, column) => words[column * SLOT_WORDS + 1])).toEqual(backends);
      }),
    );
  });

  test('sums the weights up, so that each of them can be read from it', () => {
    fc.assert(
      fc.property(weights, (weights) => {
        const words = aliasTable(backendsFor(weights.length), weights);
        const until = (entry: number): number => (entry < 0 ? 0 : (words[entry * SLOT_WORDS + UNTIL] as number));
        expect(weights.map((_, entry) => until(entry) - until(entry - 1))).toEqual(weights);
      }),
    );
  });

  test('is picked from as 64-bit integer arithmetic does it, wherever it lies in the slots', () => {
    fc.assert(
      fc.property(weights, random32, fc.nat({ max: 50 }), (weights, random32, base) => {
        const table = aliasTable(backendsFor(weights.length), weights);
        const words = new Uint32Array(base * SLOT_WORDS + table.length);
        words.set(table, base * SLOT_WORDS);
        expect(pick(words, base, weights.length, random32)).toBe(pickAsTheKernel(table, weights.length, random32));
      }),
    );
  });

  test('has shares that are counts of random numbers: the first and the last one of each part are picked so', () => {
    fc.assert(
      fc.property(weights, fc.nat(), (weights, seed) => {
        const count = weights.length;
        const table = aliasTable(backendsFor(count), weights);
        const column = seed % count;
        const [threshold, backend, alias] = table.subarray(column * SLOT_WORDS);
        const first = ceilDivide(BigInt(column) << 32n, count);
        const turn = ceilDivide((BigInt(column) << 32n) + BigInt(threshold ?? 0), count);
        const end = ceilDivide(BigInt(column + 1) << 32n, count);
        expect(pick(table, 0, count, Number(first))).toBe(backend);
        expect(pick(table, 0, count, Number(turn - 1n))).toBe(backend);
        expect(pick(table, 0, count, Number(end - 1n))).toBe(end > turn ? alias : backend);
      }),
    );
  });
});

const pickAsTheKernel = (words: Uint32Array, count: number, random32: number): number | undefined => {
  const product = BigInt(random32) * BigInt(count);
  const [threshold, backend, alias] = words.subarray(Number(product >> 32n) * SLOT_WORDS);
  return (product & 0xffff_ffffn) < BigInt(threshold ?? 0) ? backend : alias;
};

const ceilDivide = (dividend: bigint, divisor: number): bigint => (dividend + BigInt(divisor) - 1n) / BigInt(divisor);
