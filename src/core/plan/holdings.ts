import { ShuntError } from '../../errors.ts';
import type { ChoiceRule } from '../model/desired.ts';
import { SLOT_WORDS } from './alias.ts';
import type { Draft } from './draft.ts';
import type { Port } from './have.ts';
import { identityKey } from './identity.ts';
import { memberKey, type Place, placeOf } from './place.ts';
import { type Arm, armsOf, membersOf, type RangeAt, readRange } from './range.ts';
import type { Range } from './ranges.ts';
import type { BackendWrite, ServiceWrite, TableReader } from './transaction.ts';

/**
 * What a port uses now. Planning takes out what the port keeps; the rest is retired. Groups of one place share what is
 * equal. Each place has records of its own, because a client keeps to a record until it is retired: one that another
 * place still uses would hold it where it must not be answered any more.
 */
export interface Holdings {
  /** By `memberKey`. */
  readonly backends: Map<string, BackendWrite>;
  /** By base: more than one per group after a transaction that was cut short. */
  readonly ranges: Map<number, HeldRange>;
  /** By `identityKey`: the records of arms. */
  readonly arms: Map<string, ServiceWrite>;
  /** By `memberKey`: indexes of the backends that the groups planned so far use. */
  readonly members: Map<string, number>;
  /** By place and list of endpoints or arms: the ranges that they use. */
  readonly planned: Map<string, Map<readonly unknown[], RangeAt>>;
  /** By `identityKey`. */
  readonly plannedArms: Map<string, PlannedArm>;
}

export interface PlannedArm {
  /** Its record. */
  readonly service: number;
  readonly id: string;
  readonly choice: ChoiceRule;
}

export interface HeldRange extends Range {
  readonly words: Uint32Array;
  /** Empty where it leads to backends. */
  readonly arms: readonly Arm[];
}

/**
 * Every backend of a range owns one of its columns.
 *
 * @throws SHUNT_E_INTERNAL when somebody else has written over the slots: they must be read anew.
 */
export const holdingsOf = (tables: TableReader, port: Port | undefined): Holdings => {
  const holds: Holdings = {
    backends: new Map(),
    ranges: new Map(),
    arms: new Map(),
    members: new Map(),
    planned: new Map(),
    plannedArms: new Map(),
  };
  const known = new Set<number>();
  for (const frontend of port?.frontends ?? []) {
    const { arms } = hold(tables, holds, known, placeOf(frontend), frontend) ?? NOTHING;
    for (const arm of arms) {
      const record = tables.service(arm.service);
      const key = identityKey(record.identity);
      const isTwin = (holds.arms.get(key)?.index ?? arm.service) !== arm.service;
      // Nobody asks by this key, so of two records with one identity the second is retired.
      holds.arms.set(isTwin ? `${key} ${arm.service}` : key, record);
      hold(tables, holds, known, placeOf(frontend, key), arm);
    }
  }
  return holds;
};

const NOTHING = { arms: [] } as const;

/** Undefined when it leads nowhere, or was held before. */
const hold = (
  tables: TableReader,
  { ranges, backends }: Holdings,
  known: Set<number>,
  place: Place,
  at: RangeAt,
): HeldRange | undefined => {
  const { slotBase: base, slotCount } = at;
  if (slotCount === 0 || ranges.has(base)) return undefined;
  const words = readRange(tables, at);
  if (words === undefined) {
    throw new ShuntError('SHUNT_E_INTERNAL', { detail: `somebody else has written over the slots from ${base} on` });
  }
  const range = { base, count: words.length / SLOT_WORDS, words, arms: at.arms ? armsOf(words, slotCount) : [] };
  ranges.set(base, range);
  for (const { index } of at.arms ? [] : membersOf(words, slotCount)) {
    // Whatever wrote these tables: a record is kept by one place at most.
    if (known.has(index)) continue;
    known.add(index);
    const backend = tables.backend(index);
    backends.set(memberKey(place, backend), backend);
  }
  return range;
};

export const retireHoldings = ({ retired }: Draft, holds: Holdings): void => {
  for (const { index } of holds.backends.values()) retired.backends.push(index);
  for (const { index } of holds.arms.values()) retired.services.push(index);
  for (const { base, count } of holds.ranges.values()) retired.slots.push({ base, count });
};
