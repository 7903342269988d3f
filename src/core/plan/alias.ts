/**
 * Alias tables (Walker 1977, Vose 1991): one random number and one read choose among any number of backends, exactly
 * by weight. Column i belongs to entry i, which shares it with at most one other, its alias.
 */

/** Words of a `struct slot` (bpf/abi.h). In a column: threshold, backend, alias, until. */
export const SLOT_WORDS = 4;
export const BACKEND = 1;
export const ALIAS = 2;
export const UNTIL = 3;

/** Longer tables would take the product in `pick` beyond 2^53. */
export const SLOTS_MAX = 2 ** 21;

const RANDOMS = 2 ** 32;
const CERTAIN = RANDOMS - 1;

/**
 * The columns for backends with these weights (whole numbers from 1 on, in all below 2^32; both lists of one length).
 * `until` of a column is the sum of the weights of the entries up to its own.
 *
 * Entry i brings weight * count, every column takes the sum of the weights: whole numbers, so only the final threshold
 * is rounded, to 2^-32. One sweep does it (Hübschle-Schneider and Sanders, "Parallel Weighted Random Sampling"): light
 * entries are topped up by the current heavy one, and once that has become light itself, by the next.
 */
export const aliasTable = (backends: ArrayLike<number>, weights: ArrayLike<number>): Uint32Array => {
  const count = weights.length;
  const words = new Uint32Array(count * SLOT_WORDS);
  const full = sum(weights);
  const brings = (entry: number): number => (weights[entry] as number) * count;
  const seek = (entry: number, heavier: boolean): number => {
    while (entry < count && brings(entry) > full !== heavier) entry++;
    return entry;
  };
  const fill = (column: number, own: number, alias: number): void => {
    const at = column * SLOT_WORDS;
    words[at] = own === full ? CERTAIN : Math.round((own / full) * RANDOMS);
    words[at + BACKEND] = backends[column] as number;
    words[at + ALIAS] = backends[own === full ? column : alias] as number;
  };

  let light = seek(0, false);
  let heavy = seek(0, true);
  let rest = heavy < count ? brings(heavy) : 0;
  while (heavy < count) {
    if (rest > full) {
      fill(light, brings(light), heavy);
      rest -= full - brings(light);
      light = seek(light + 1, false);
    } else {
      const next = seek(heavy + 1, true);
      fill(heavy, rest, next);
      if (next < count) rest += brings(next) - full;
      heavy = next;
    }
  }
  // Nobody is left to top anyone up, so the remaining entries bring exactly one column each.
  for (; light < count; light = seek(light + 1, false)) fill(light, full, light);
  sumUp(words, weights);
  return words;
};

const sumUp = (words: Uint32Array, weights: ArrayLike<number>): void => {
  let until = 0;
  for (let entry = 0; entry < weights.length; entry++) {
    until += weights[entry] as number;
    words[entry * SLOT_WORDS + UNTIL] = until;
  }
};

/** The backend that the kernel takes for a random number in 0..2^32-1; the same steps as in bpf/choose.h. */
export const pick = (words: Uint32Array, base: number, count: number, random32: number): number => {
  const product = random32 * count;
  const at = (base + Math.floor(product / RANDOMS)) * SLOT_WORDS;
  const fraction = product % RANDOMS;
  return words[fraction < (words[at] as number) ? at + BACKEND : at + ALIAS] as number;
};

/** Share of each backend: the exact fraction of the 2^32 random numbers for which `pick` takes it from `base` on. */
export const shares = (words: Uint32Array, base: number, count: number): Map<number, number> => {
  const result = new Map<number, number>();
  const add = (backend: number, randoms: number): void => {
    if (randoms > 0) result.set(backend, (result.get(backend) ?? 0) + randoms / RANDOMS);
  };
  // The random numbers r of a column are those with column * 2^32 <= r * count < (column + 1) * 2^32.
  for (let column = 0; column < count; column++) {
    const at = (base + column) * SLOT_WORDS;
    const first = Math.ceil((column * RANDOMS) / count);
    const turn = Math.ceil((column * RANDOMS + (words[at] as number)) / count);
    const end = Math.ceil(((column + 1) * RANDOMS) / count);
    add(words[at + BACKEND] as number, turn - first);
    add(words[at + ALIAS] as number, end - turn);
  }
  return result;
};

const sum = (numbers: ArrayLike<number>): number => {
  let total = 0;
  for (let index = 0; index < numbers.length; index++) total += numbers[index] as number;
  return total;
};
