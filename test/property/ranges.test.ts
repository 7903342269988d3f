import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type FreeRanges, giveRange, type Range, takeRange } from '../../src/core/plan/ranges.ts';

const SIZE = 64;

test('any takes and gives leave free ranges that are sorted, coalesced and exactly what is not taken', () => {
  const acts = fc.array(fc.record({ count: fc.integer({ min: 1, max: 12 }), give: fc.nat() }), { maxLength: 80 });
  fc.assert(
    fc.property(acts, (acts) => {
      const free: FreeRanges = [{ base: 0, count: SIZE }];
      const taken: Range[] = [];
      for (const { count, give } of acts) {
        const fits = free.some((range) => range.count >= count);
        const base = takeRange(free, count);
        expect(base >= 0).toBe(fits);
        if (fits) taken.push({ base, count });
        if (give % 3 > 0 && taken.length > 0) giveRange(free, taken.splice(give % taken.length, 1)[0] as Range);
        expect(free).toEqual(gapsBetween(taken));
      }
    }),
  );
});

const gapsBetween = (taken: readonly Range[]): Range[] => {
  const gaps: Range[] = [];
  let base = 0;
  for (const range of [...taken, { base: SIZE, count: 0 }].sort((one, other) => one.base - other.base)) {
    if (range.base > base) gaps.push({ base, count: range.base - base });
    base = range.base + range.count;
  }
  return gaps;
};
