/** Free room of the kernel tables: ranges of slots, and single indexes of backends and services. */

export interface Range {
  readonly base: number;
  readonly count: number;
}

/** Sorted by base; neighbours never touch. */
export type FreeRanges = Range[];

/** First fit. -1: no range is long enough. */
export const takeRange = (free: FreeRanges, count: number): number => {
  const at = free.findIndex((range) => range.count >= count);
  const range = free[at];
  if (range === undefined) return -1;
  if (range.count === count) free.splice(at, 1);
  else free[at] = { base: range.base + count, count: range.count - count };
  return range.base;
};

/** Coalesces with the neighbours. */
export const giveRange = (free: FreeRanges, { base, count }: Range): void => {
  const at = firstFrom(free, base);
  const before = free[at - 1];
  const after = free[at];
  const joinsBefore = before !== undefined && before.base + before.count === base;
  const joinsAfter = after !== undefined && base + count === after.base;
  const start = joinsBefore ? before.base : base;
  const end = joinsAfter ? after.base + after.count : base + count;
  free.splice(at - Number(joinsBefore), Number(joinsBefore) + Number(joinsAfter), { base: start, count: end - start });
};

const firstFrom = (free: FreeRanges, base: number): number => {
  let low = 0;
  let high = free.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((free[middle] as Range).base < base) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** A stack of indexes, the next one to take on top; those never used are taken from the lowest on. */
export interface FreeIndexes {
  readonly stack: Uint32Array;
  count: number;
}

/** Room for `capacity` indexes, none of them free yet. */
export const createIndexes = (capacity: number): FreeIndexes => ({
  stack: new Uint32Array(capacity),
  count: 0,
});

export const giveIndex = (free: FreeIndexes, index: number): void => {
  free.stack[free.count++] = index;
};

/** The index that would be taken after `taken` others: plans look ahead, only `dropIndexes` takes. */
export const peekIndex = (free: FreeIndexes, taken: number): number | undefined =>
  taken < free.count ? free.stack[free.count - 1 - taken] : undefined;

export const dropIndexes = (free: FreeIndexes, taken: number): void => {
  free.count -= taken;
};

/** The same free indexes, and below them on the stack those that a table of `capacity` has more. */
export const growIndexes = (free: FreeIndexes, capacity: number): FreeIndexes => {
  const grown = createIndexes(capacity);
  for (let index = capacity - 1; index >= free.stack.length; index--) giveIndex(grown, index);
  grown.stack.set(free.stack.subarray(0, free.count), grown.count);
  grown.count += free.count;
  return grown;
};
