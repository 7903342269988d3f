/** A copy with no room to spare, for lists that are kept: an array that grew by `push` has room for 16 more. */
export const exact = <T>(list: readonly T[]): readonly T[] => list.slice();
