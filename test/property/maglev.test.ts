import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lookupSizeFor, type MaglevMember, maglev } from '../../src/core/plan/maglev.ts';

const someWeight = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 100_000 }));

/** Distinct, in any order; `index` is the place in the list. */
const someMembers = (maxLength: number, minLength = 1): fc.Arbitrary<MaglevMember[]> =>
  fc
    .uniqueArray(
      fc.record({
        address: fc.tuple(fc.nat(255), fc.nat(255)).map(([one, two]) => `10.1.${one}.${two}`),
        port: fc.constantFrom(8080, 8081),
        weight: someWeight,
      }),
      { minLength, maxLength, selector: ({ address, port }) => `${address} ${port}` },
    )
    .map((members) => members.map((member, index) => ({ ...member, index })));

describe('a Maglev table, for any endpoints and weights', () => {
  test('gives each its share, off by one entry, and nobody nothing', () => {
    fc.assert(
      fc.property(someMembers(60), (members) => {
        const table = maglev(members);
        const total = members.reduce((sum, { weight }) => sum + weight, 0);
        const counts = countsOf(table);
        for (const { index, weight } of members) {
          const wanted = (table.length * weight) / total;
          const held = counts.get(index) ?? 0;
          expect(held).toBeGreaterThanOrEqual(1);
          // Those that are due less than one entry have one at the cost of the others.
          expect(Math.abs(held - wanted)).toBeLessThanOrEqual(1 + wanted * SMALL_ONES_COST * members.length);
        }
      }),
    );
  });

  test('is the same in whatever order they come and whatever indexes they have', () => {
    const shuffled = someMembers(60).chain((members) =>
      fc.tuple(fc.constant(members), fc.shuffledSubarray(members, { minLength: members.length })),
    );
    fc.assert(
      fc.property(shuffled, fc.integer({ min: 1, max: 1000 }), (entry, factor) => {
        const [members, others] = entry;
        const elsewhere = others.map((member, at) => ({
          ...member,
          index: at * 3 + 7,
          weight: member.weight * factor,
        }));
        expect(socketsOf(maglev(elsewhere), elsewhere)).toEqual(socketsOf(maglev(members), members));
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    { minLength: 2, maxLength: 63, numRuns: 100 },
    { minLength: 65, maxLength: 255, numRuns: 20 },
  ])('moves few clients of the others when one of $minLength to $maxLength comes or goes', (sizes) => {
    const { minLength, maxLength, numRuns } = sizes;
    fc.assert(
      fc.property(someMembers(maxLength, minLength), fc.nat(), (members, roll) => {
        const gone = members[roll % members.length] as MaglevMember;
        const rest = members.filter((member) => member !== gone);
        const [more, less] = [maglev(members), maglev(rest)];
        const ofOthers = [...more.keys()].filter((at) => more[at] !== gone.index);
        const moved = ofOthers.filter((at) => more[at] !== less[at]).length;
        expect(moved / more.length).toBeLessThanOrEqual(MOVED_MAX);
      }),
      { numRuns },
    );
  });

  test('moves hardly more clients than it must when a weight changes', () => {
    fc.assert(
      fc.property(someMembers(63), fc.nat(), someWeight, (members, roll, weight) => {
        const changed = members.map((member, at) => (at === roll % members.length ? { ...member, weight } : member));
        const [before, after] = [maglev(members), maglev(changed)];
        const [had, has] = [countsOf(before), countsOf(after)];
        const moved = before.filter((backend, at) => backend !== after[at]).length;
        const must = members.reduce((sum, { index }) => sum + Math.max(0, at(had, index) - at(has, index)), 0);
        expect((moved - must) / before.length).toBeLessThanOrEqual(MOVED_MAX);
      }),
    );
  });
});

test('its size is a prime with room for each of the backends', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4095 }), (count) => {
      const size = lookupSizeFor(count);
      expect(size).toBeGreaterThanOrEqual(count * 256);
      for (let divisor = 2; divisor * divisor <= size; divisor++) expect(size % divisor).not.toBe(0);
    }),
    { numRuns: 30 },
  );
});

/** Of all clients. */
const MOVED_MAX = 0.02;

/** One entry, of at least 65,521. */
const SMALL_ONES_COST = 1 / 65_521;

const countsOf = (table: Uint32Array): Map<number, number> => {
  const counts = new Map<number, number>();
  for (const backend of table) counts.set(backend, (counts.get(backend) ?? 0) + 1);
  return counts;
};

const at = (counts: ReadonlyMap<number, number>, index: number): number => counts.get(index) ?? 0;

const socketsOf = (table: Uint32Array, members: readonly MaglevMember[]): readonly string[] => {
  const sockets = new Map(members.map(({ index, address, port }) => [index, `${address} ${port}`]));
  return Array.from(table, (index) => sockets.get(index) ?? 'nobody');
};
