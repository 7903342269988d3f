import { identityOf } from './identity.ts';
import { lowestTerms, type Member } from './range.ts';

/**
 * Consistent hashing as in Maglev (Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer",
 * NSDI 2016, section 3.4): a table of as many entries as each client's hash is divided by. Every backend has an order of
 * its own, a permutation, in which it wants the entries; they take turns, each with the next entry that is still free.
 *
 * The table follows from addresses, ports, weights and the number of those that are listed: it is the same on every node,
 * in whatever order the endpoints come and whatever indexes they have there.
 */
export const maglev = (members: readonly MaglevMember[], listed = members.length): Uint32Array => {
  const size = lookupSizeFor(Math.max(listed, members.length));
  const table = new Uint32Array(members.length === 0 ? 0 : size);
  const walks = walksOf(members, size);
  const isTaken = new Uint8Array(table.length);
  const turns = createTurns(walks);
  for (let filled = 0; filled < table.length; filled++) {
    const walk = takeTurn(turns);
    while (isTaken[walk.at] === 1) walk.at = step(walk, size);
    isTaken[walk.at] = 1;
    table[walk.at] = walk.index;
  }
  return table;
};

export interface MaglevMember extends Member {
  /** Canonical text. */
  readonly address: string;
  readonly port: number;
}

/**
 * A prime, so that every step of a permutation comes to all entries. The larger it is for its backends, the fewer
 * clients move that need not: with 256 entries each and more, less than one in a hundred, and shares are that exact.
 * Another size moves nearly all of them, so there are few sizes, far apart, and growth within one moves hardly any.
 * `count`: of those that are listed, ready or not, so that no size depends on who is ready.
 */
export const lookupSizeFor = (count: number): number =>
  SIZES.find((size) => size >= count * ENTRIES_EACH) ?? (SIZES.at(-1) as number);

/** Beyond 4,095 backends the largest table, which takes 4 MiB, has fewer entries for each. */
const SIZES = [65_521, 262_139, 1_048_573] as const;
const ENTRIES_EACH = 256;

/** A backend on its way through its permutation. */
interface Walk {
  readonly index: number;
  readonly weight: number;
  readonly skip: number;
  at: number;
  taken: number;
  /** When it takes its next entry: with twice the weight, twice as often. */
  dueAt: number;
}

/** In an order that has nothing to do with the addresses, nor with who else is there. */
const walksOf = (members: readonly MaglevMember[], size: number): readonly Walk[] => {
  const weights = lowestTerms(members.map(({ weight }) => weight));
  return members
    .map(({ address, port, index }, at) => ({
      hash: identityOf(`${address} ${port}`),
      text: `${address} ${port}`,
      walk: { index, weight: weights[at] as number },
    }))
    .sort((a, b) => a.hash[0] - b.hash[0] || a.hash[1] - b.hash[1] || (a.text < b.text ? -1 : 1))
    .map(({ hash: [offset, skip], walk }) => ({
      ...walk,
      at: offset % size,
      skip: (skip % (size - 1)) + 1,
      taken: 0,
      dueAt: 0,
    }));
};

const step = ({ at, skip }: Walk, size: number): number => (at + skip >= size ? at + skip - size : at + skip);

/** A binary heap of numbers of walks: whose turn is due first, and of equals the first of the list, is on top. */
interface Turns {
  readonly walks: readonly Walk[];
  readonly heap: Uint32Array;
}

/** All are due at once for the first entry, so that nobody goes without, be it as light as it may. */
const createTurns = (walks: readonly Walk[]): Turns => ({ walks, heap: Uint32Array.from(walks.keys()) });

/** Entry k of a backend is due in the middle of its k-th share of the time: a share is rounded, not cut. */
const takeTurn = (turns: Turns): Walk => {
  const walk = turns.walks[turns.heap[0] as number] as Walk;
  walk.taken++;
  walk.dueAt = (walk.taken + 0.5) / walk.weight;
  sink(turns);
  return walk;
};

const sink = ({ walks, heap }: Turns): void => {
  const sinking = heap[0] as number;
  let at = 0;
  for (let child = 1; child < heap.length; child = 2 * at + 1) {
    const right = child + 1;
    if (right < heap.length && isBefore(walks, heap[right] as number, heap[child] as number)) child = right;
    if (isBefore(walks, sinking, heap[child] as number)) break;
    heap[at] = heap[child] as number;
    at = child;
  }
  heap[at] = sinking;
};

const isBefore = (walks: readonly Walk[], one: number, other: number): boolean => {
  const lead = (walks[one] as Walk).dueAt - (walks[other] as Walk).dueAt;
  return lead < 0 || (lead === 0 && one < other);
};
