/** Returns the one kept copy of a text. */
export type Intern = (text: string) => string;

/**
 * Node and zone names repeat in every endpoint; one copy of each is kept. Names of nodes long gone are forgotten when
 * `sizeMax` texts are reached, which costs a second copy of those still in use and nothing else.
 */
export const createIntern = (sizeMax = 65_536): Intern => {
  const kept = new Map<string, string>();
  return (text) => {
    const known = kept.get(text);
    if (known !== undefined) {
      return known;
    }
    if (kept.size >= sizeMax) {
      kept.clear();
    }
    kept.set(text, text);
    return text;
  };
};
