/** The candidate with the fewest edits (insert, delete, replace, swap of neighbours) from `word`. */
export const nearest = (word: string, candidates: readonly string[]): string =>
  candidates.reduce((best, candidate) => (distance(word, candidate) < distance(word, best) ? candidate : best));

/** The candidate that `word` is most likely meant to be: some letters off at most; undefined when there is none. */
export const meantBy = (word: string, candidates: readonly string[]): string | undefined => {
  if (candidates.length === 0) return undefined;
  const found = nearest(word, candidates);
  return distance(word.toLowerCase(), found.toLowerCase()) <= Math.ceil(found.length / LETTERS_PER_MISTAKE)
    ? found
    : undefined;
};

const LETTERS_PER_MISTAKE = 5;

/** Those of `names` that are about as near to `word` as the nearest one is, at most three, nearest first. */
export const nearNames = (word: string, names: Iterable<Name>): readonly string[] => {
  const measured = Array.from(names, ({ text, compared }) => ({ text, edits: distance(word, compared) }));
  const near = measured.toSorted((a, b) => a.edits - b.edits);
  const least = near[0]?.edits ?? 0;
  return near
    .filter(({ edits }) => edits <= least + MORE_EDITS)
    .slice(0, NEAR_MAX)
    .map(({ text }) => text);
};

export interface Name {
  readonly text: string;
  /** The part of it that `word` may be meant to be. */
  readonly compared: string;
}

const MORE_EDITS = 1;
const NEAR_MAX = 3;

/** Optimal string alignment: Damerau-Levenshtein without editing a part twice. */
const distance = (a: string, b: string): number => {
  const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    rows.push(current);
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = at(row - 1, column - 1) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const swapped =
        a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1] ? at(row - 2, column - 2) + 1 : replaced;
      current.push(Math.min(at(row - 1, column) + 1, at(row, column - 1) + 1, replaced, swapped));
    }
  }
  return at(a.length, b.length);
};
