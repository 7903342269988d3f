import { aliasTable, BACKEND, SLOT_WORDS, UNTIL } from './alias.ts';
import type { TableReader } from './transaction.ts';

/**
 * Ranges of slots as they lie in the kernel's memory (bpf/abi.h):
 *
 *     header   total, stride, size of the lookup, 0
 *     columns  threshold, backend, alias, until: one for each member
 *     arms     service, slot base, slot count, 0: one for each column, whose `backend` and `alias` are numbers of arms
 *     lookup   four words a slot: word j is the backend of the clients whose hash % size is j
 *
 * Arms and a lookup exclude each other, and most ranges have neither.
 */
export const HEADER_SLOTS = 1;

/** Words of the header. */
const TOTAL = 0;
const STRIDE = 1;
const LOOKUP_SIZE = 2;

/** Weights above are made smaller: programs sum them up in 32 bits. */
const TOTAL_MAX = 2 ** 32 - 1;

export interface Member {
  /** Of a backend, or of an arm of the same range. */
  readonly index: number;
  /** A whole number from 1 on. */
  readonly weight: number;
}

/** Where a frontend or an arm leads; `slotCount` is the number of columns, 0: nowhere. */
export interface RangeAt {
  readonly slotBase: number;
  readonly slotCount: number;
  readonly arms?: true;
}

/** An arm as its slot has it. It has no arms again. */
export interface Arm extends RangeAt {
  /** Record of its own: how it chooses, and its turn. */
  readonly service: number;
  readonly arms?: never;
}

/** A range of backends, of at least one. `lookup`: indexes of backends, as `maglev` gives them. */
export const rangeOf = (members: readonly Member[], lookup: ArrayLike<number> = []): Uint32Array =>
  layOut(members, lookup.length, lookup);

/** A range that shares among arms, at least one. */
export const rangeOfArms = (arms: readonly (Arm & { readonly weight: number })[]): Uint32Array =>
  layOut(
    arms.map(({ weight }, index) => ({ index, weight })),
    0,
    arms.flatMap(({ service, slotBase, slotCount }) => [service, slotBase, slotCount, 0]),
  );

const layOut = (members: readonly Member[], lookupSize: number, rest: ArrayLike<number>): Uint32Array => {
  const columns = aliasTable(
    members.map(({ index }) => index),
    lowestTerms(members.map(({ weight }) => weight)),
  );
  const total = columns.at(-1) as number;
  const columnsAt = HEADER_SLOTS * SLOT_WORDS;
  const restAt = columnsAt + columns.length;
  const words = new Uint32Array(restAt + lookupSlots(rest.length) * SLOT_WORDS);
  words.set([total, strideFor(total), lookupSize]);
  words.set(columns, columnsAt);
  words.set(rest, restAt);
  return words;
};

/** The words of a whole range; undefined when it is none, or not inside the table. It may lead anywhere. */
export const readRange = (tables: TableReader, at: RangeAt): Uint32Array | undefined => {
  const { slotBase, slotCount, arms } = at;
  const room = tables.capacity.slots - slotBase;
  if (slotCount === 0 || room <= 0) return undefined;
  const length = lengthOf(tables, at);
  if (length > room) return undefined;
  const words = tables.slots(slotBase, length);
  if (arms && words[LOOKUP_SIZE] !== 0) return undefined;
  const total = words[TOTAL] as number;
  return total > 0 && total === words[slotCount * SLOT_WORDS + UNTIL] ? words : undefined;
};

/** In slots, for a base inside the table, as the header has it. */
export const lengthOf = (tables: TableReader, { slotBase, slotCount, arms }: RangeAt): number => {
  if (arms) return HEADER_SLOTS + slotCount * 2;
  const size = tables.slots(slotBase, HEADER_SLOTS)[LOOKUP_SIZE] as number;
  return HEADER_SLOTS + slotCount + lookupSlots(size);
};

export const lookupSlots = (size: number): number => Math.ceil(size / SLOT_WORDS);

/** Backends, or numbers of arms, with their weights in lowest terms: the columns of a range that is whole. */
export const membersOf = (words: Uint32Array, slotCount: number): Member[] => {
  let before = 0;
  return Array.from({ length: slotCount }, (_, column) => {
    const at = (HEADER_SLOTS + column) * SLOT_WORDS;
    const until = words[at + UNTIL] as number;
    const member = { index: words[at + BACKEND] as number, weight: until - before };
    before = until;
    return member;
  });
};

/** Those that lie in these words. */
export const armsOf = (words: Uint32Array, slotCount: number): Arm[] => {
  const arms: Arm[] = [];
  for (let arm = 0; arm < slotCount; arm++) {
    const at = (HEADER_SLOTS + slotCount + arm) * SLOT_WORDS;
    const [service, slotBase, count] = words.subarray(at, at + SLOT_WORDS);
    if (service === undefined || slotBase === undefined || count === undefined) break;
    arms.push({ service, slotBase, slotCount: count });
  }
  return arms;
};

/** Of a range without arms; empty when it has none. */
export const lookupOf = (words: Uint32Array, slotCount: number): Uint32Array => {
  const at = (HEADER_SLOTS + slotCount) * SLOT_WORDS;
  return words.subarray(at, at + (words[LOOKUP_SIZE] as number));
};

export const totalOf = (words: Uint32Array): number => words[TOTAL] as number;

/**
 * The backend whose turn it is: the steps of bpf/pick/round-robin.h. Over any `total` turns in a row each point comes
 * once, so each backend comes as often as it weighs; the stride spreads its turns.
 */
export const takeTurn = (words: Uint32Array, slotCount: number, turn: number): number => {
  const point = pointOf(turn, words[TOTAL] as number, words[STRIDE] as number);
  let low = 0;
  let high = slotCount - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((words[(HEADER_SLOTS + middle) * SLOT_WORDS + UNTIL] as number) > point) high = middle;
    else low = middle + 1;
  }
  return words[(HEADER_SLOTS + low) * SLOT_WORDS + BACKEND] as number;
};

/** A stride that divides the total comes round to where it began: each lap begins one point further on. */
const pointOf = (turn: number, total: number, stride: number): number => {
  const way = (BigInt(turn) % BigInt(total)) * BigInt(stride);
  const laps = total % stride === 0 ? way / BigInt(total) : 0n;
  return Number((way % BigInt(total)) + laps);
};

/**
 * Coprime to the total, so that a walk by it comes to every point; and near the golden section of it, which spreads any
 * stretch of the walk more evenly than any other step. How evenly a whole number does it shows in the quotients of
 * Euclid's algorithm (a large one: the walk comes back near to where it was too early), so that of those nearby the one
 * with the smallest is taken. Only 1 and 3 are coprime to 4, and 1 and 5 to 6: there 2 spreads better, which divides them.
 */
export const strideFor = (total: number): number => {
  if (total >= STRIDES_KEPT) return searchStride(total);
  const known = strides[total] as number;
  if (known > 0) return known;
  const found = searchStride(total);
  strides[total] = found;
  return found;
};

/** Of sums that most Services have, once found: a search takes as long as all the rest of planning a port. */
const STRIDES_KEPT = 4096;
const strides = new Uint16Array(STRIDES_KEPT);

const searchStride = (total: number): number => {
  if (total === 4 || total === 6) return 2;
  const golden = Math.round(total * GOLDEN_SECTION);
  const last = Math.min(golden + STRIDES_TRIED, total - 1);
  let best = { stride: 1, quotients: total };
  for (let stride = Math.max(1, golden - STRIDES_TRIED); stride <= last; stride++) {
    const quotients = sumOfQuotients(total, stride);
    if (quotients < best.quotients) best = { stride, quotients };
  }
  return best.stride;
};

const GOLDEN_SECTION = (Math.sqrt(5) - 1) / 2;
/** Either way. Of 40 numbers in a row one at least is coprime to any that is below 2^32 (Jacobsthal's function). */
const STRIDES_TRIED = 20;

/** Infinity when the two have a divisor in common. */
const sumOfQuotients = (one: number, other: number): number => {
  let [large, small, sum] = [one, other, 0];
  while (small > 0) {
    sum += Math.floor(large / small);
    [large, small] = [small, large % small];
  }
  return large === 1 ? sum : Number.POSITIVE_INFINITY;
};

/**
 * In lowest terms. Only where even those add up to more than 32 bits (which takes more than 42,000 endpoints of the
 * largest weights) they are cut down, at least to 1: off by less than one part in 2^32 of the whole for each.
 */
export const lowestTerms = (weights: readonly number[]): readonly number[] => {
  const common = weights.reduce(divisor, 0);
  const terms = common > 1 ? weights.map((weight) => weight / common) : weights;
  const total = terms.reduce((sum, term) => sum + term, 0);
  if (total <= TOTAL_MAX) return terms;
  const scale = (TOTAL_MAX - terms.length) / total;
  return terms.map((term) => Math.max(1, Math.floor(term * scale)));
};

const divisor = (one: number, other: number): number => {
  let [large, small] = [one, other];
  while (small > 0) [large, small] = [small, large % small];
  return large;
};
