import { FALLBACK_NAMES, SAME_NODE_STATS, UNFIT_NAMES } from '../../../abi/layout.gen.ts';
import type { BpfMap } from '../../../native/map.ts';
import type { SameNodeStats } from '../../same-node.ts';

/** Summed up over all CPUs. */
export const readStats = (table: BpfMap): Omit<SameNodeStats, 'sockets'> => {
  const words = sumsIn(table);
  const at = (offset: number): number => words[offset / WORD_BYTES] as number;
  const named = (names: readonly string[], offset: number): Record<string, number> =>
    Object.fromEntries(names.map((name, index) => [name, at(offset + index * WORD_BYTES)]));
  const { not: _, ...unfit } = named(UNFIT_NAMES, SAME_NODE_STATS.unfit);
  return {
    messages: at(SAME_NODE_STATS.messages),
    bytes: at(SAME_NODE_STATS.bytes),
    fallbacks: named(FALLBACK_NAMES, SAME_NODE_STATS.fallbacks),
    unfit,
  };
};

const sumsIn = (table: BpfMap): readonly number[] => {
  const sums = new Array<number>(SAME_NODE_STATS.size / WORD_BYTES).fill(0);
  const value = table.lookup(FIRST);
  if (value === undefined) return sums;
  const words = new BigUint64Array(value.buffer);
  for (const [index, word] of words.entries())
    sums[index % sums.length] = (sums[index % sums.length] as number) + Number(word);
  return sums;
};

const FIRST = new Uint8Array(4);
const WORD_BYTES = 8;

const none = (names: readonly string[]): Record<string, number> => Object.fromEntries(names.map((name) => [name, 0]));

export const NO_STATS: SameNodeStats = Object.freeze({
  sockets: { candidate: 0, joined: 0, unfit: 0 },
  messages: 0,
  bytes: 0,
  fallbacks: none(FALLBACK_NAMES),
  unfit: none(UNFIT_NAMES.filter((name) => name !== 'not')),
});
