/**
 * Joins parts into a text that is kept, as a key of a Map for one. `${a}/${b}` stays a tree of its parts for as long as
 * nobody looks into it, with 32 bytes for each join.
 */
export const flat = (separator: string, ...parts: readonly string[]): string => parts.join(separator);
