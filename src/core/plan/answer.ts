import type { ChoiceRule } from '../model/desired.ts';
import { shares as aliasShares } from './alias.ts';
import { algorithmOf } from './choice.ts';
import { armsOf, HEADER_SLOTS, membersOf, type RangeAt, readRange, totalOf } from './range.ts';
import type { FrontendWrite, TableReader } from './transaction.ts';

/** A share of a frontend's connections, and who gets it. */
export interface Part {
  /** Record of the arm; without arms, of the port. */
  readonly service: number;
  /** 0..1, of all connections. */
  readonly share: number;
  /** By index: its share of all connections. Empty: this part is refused. */
  readonly backends: ReadonlyMap<number, number>;
}

/**
 * One part for each arm, or a single one. A choice by weight gives exactly these shares, and taking turns does so in
 * every window; of the others that look at load or at the client it is what the weights ask for.
 */
export const partsOf = (tables: TableReader, frontend: FrontendWrite): readonly Part[] => {
  const { service, slotCount, arms } = frontend;
  if (!arms) return [{ service, share: 1, backends: sharesOf(tables, frontend, tables.service(service).choice, 1) }];
  const words = readRange(tables, frontend);
  if (words === undefined) return [{ service, share: 1, backends: new Map() }];
  const shares = aliasShares(words, HEADER_SLOTS, slotCount);
  return armsOf(words, slotCount).map((arm, number) => {
    const share = shares.get(number) ?? 0;
    const { choice } = tables.service(arm.service);
    return { service: arm.service, share, backends: sharesOf(tables, arm, choice, share) };
  });
};

/** 0..1, of all connections. */
export const refusedShare = (parts: readonly Part[]): number =>
  parts.reduce((sum, { share, backends }) => (backends.size === 0 ? sum + share : sum), 0);

/** Programs refuse what is no range. */
const sharesOf = (
  tables: TableReader,
  at: RangeAt,
  choice: ChoiceRule | undefined,
  whole: number,
): ReadonlyMap<number, number> => {
  const words = readRange(tables, at);
  if (words === undefined) return new Map();
  if (algorithmOf(choice) !== 'WeightedRandom') {
    const total = totalOf(words);
    return new Map(membersOf(words, at.slotCount).map(({ index, weight }) => [index, (whole * weight) / total]));
  }
  const shares = aliasShares(words, HEADER_SLOTS, at.slotCount);
  return whole === 1 ? shares : new Map(Array.from(shares, ([index, share]) => [index, whole * share]));
};
