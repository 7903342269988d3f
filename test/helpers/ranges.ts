import { ARM, CHOICE_HEADER, SLOT } from '../../src/abi/layout.gen.ts';
import { aliasTable } from '../../src/core/plan/alias.ts';

/** A range of bpf/abi.h, written down by hand. */
export interface RangeOf {
  readonly entries: readonly number[];
  readonly weights: readonly number[];
  /** Coprime to the sum of the weights; 1 if not given. */
  readonly stride?: number;
  readonly lookup?: readonly number[];
  readonly arms?: readonly ArmOf[];
}

export interface ArmOf {
  readonly service: number;
  readonly base: number;
  readonly count: number;
}

export const rangeWords = ({ entries, weights, stride = 1, lookup = [], arms = [] }: RangeOf): Uint32Array => {
  const columns = aliasTable(entries, weights);
  let until = 0;
  for (const [column, weight] of weights.entries()) {
    until += weight;
    columns[wordOf(column * SLOT.size + SLOT.until)] = until;
  }
  const header = new Uint32Array(wordOf(CHOICE_HEADER.size));
  header[wordOf(CHOICE_HEADER.total)] = until;
  header[wordOf(CHOICE_HEADER.stride)] = stride;
  header[wordOf(CHOICE_HEADER.lookupSize)] = lookup.length;
  const padding = new Array((4 - (lookup.length % 4)) % 4).fill(0);
  return Uint32Array.from([...header, ...columns, ...lookup, ...padding, ...arms.flatMap(armWords)]);
};

const armWords = ({ service, base, count }: ArmOf): number[] => {
  const words = new Array(wordOf(ARM.size)).fill(0);
  words[wordOf(ARM.service)] = service;
  words[wordOf(ARM.slotBase)] = base;
  words[wordOf(ARM.slotCount)] = count;
  return words;
};

const wordOf = (bytes: number): number => bytes / 4;
