import { ALIAS, BACKEND, SLOT_WORDS } from './alias.ts';
import { isLive } from './have.ts';
import { type Arm, armsOf, HEADER_SLOTS, lookupOf, type RangeAt, readRange } from './range.ts';
import type { Range } from './ranges.ts';
import { reachOf } from './reach.ts';
import type { FrontendWrite, TableReader } from './transaction.ts';

export const UNUSED = 0;
/** A sound frontend leads here. */
export const USED = 1;
/** Only a broken frontend leads here. */
export const TOUCHED = 2;
/** Of services: sound frontends lead here as to an arm's record. */
export const USED_BY_ARM = 3;

export interface Marks {
  readonly slots: Uint8Array;
  readonly backends: Uint8Array;
  readonly services: Uint8Array;
  /** By base: ranges that sound frontends lead to, and the service of these. */
  readonly ranges: Map<number, RangeAt & { readonly owner: number }>;
  /** By the record of an arm: the service whose arm it is. */
  readonly armOwners: Map<number, number>;
}

export const createMarks = ({ capacity }: TableReader): Marks => ({
  slots: new Uint8Array(capacity.slots),
  backends: new Uint8Array(capacity.backends),
  services: new Uint8Array(capacity.services),
  ranges: new Map(),
  armOwners: new Map(),
});

/**
 * Does it lead to a live Service, and through ranges of its own only to live backends of that Service and to live
 * records of its own arms? Then marks them.
 */
export const isSound = (tables: TableReader, marks: Marks, frontend: FrontendWrite): boolean => {
  const { service } = frontend;
  if (!isLiveService(tables, service) || marks.services[service] === USED_BY_ARM) return false;
  const found: Found = { ranges: [], arms: [] };
  if (!follow(tables, marks, frontend, service, found)) return false;
  if (hasOverlap(found.ranges.map(({ range }) => range))) return false;
  for (const { at, range, owners } of found.ranges) {
    for (const index of owners) marks.backends[index] = USED;
    marks.slots.fill(USED, range.base, range.base + range.count);
    marks.ranges.set(range.base, { ...at, owner: service });
  }
  for (const arm of found.arms) {
    marks.services[arm.service] = USED_BY_ARM;
    marks.armOwners.set(arm.service, service);
  }
  marks.services[service] = USED;
  return true;
};

/** What nobody has marked yet. */
interface Found {
  readonly ranges: { readonly at: RangeAt; readonly range: Range; readonly owners: ReadonlySet<number> }[];
  readonly arms: Arm[];
}

const follow = (tables: TableReader, marks: Marks, at: RangeAt, service: number, found: Found): boolean => {
  const { slotBase: base, slotCount, arms } = at;
  if (slotCount === 0 || isKnownRange(marks, at, service)) return true;
  const words = readRange(tables, at);
  if (words === undefined) return false;
  const range = { base, count: words.length / SLOT_WORDS };
  if (marks.slots.subarray(base, base + range.count).includes(USED)) return false;
  const { owners, others } = targetsOf(words, slotCount);
  for (const index of others) if (!owners.has(index)) return false;
  if (arms) {
    found.ranges.push({ at, range, owners: new Set() });
    return isCounted(owners, slotCount) && areArms(tables, marks, armsOf(words, slotCount), service, found);
  }
  for (const index of owners) if (!serves(tables, index, service)) return false;
  found.ranges.push({ at, range, owners });
  return true;
};

const areArms = (tables: TableReader, marks: Marks, arms: readonly Arm[], service: number, found: Found): boolean =>
  arms.every((arm) => {
    if (arm.service === service || !isLiveService(tables, arm.service)) return false;
    if (marks.services[arm.service] === USED || (marks.armOwners.get(arm.service) ?? service) !== service) return false;
    found.arms.push(arm);
    return follow(tables, marks, arm, service, found);
  });

/** Every arm owns a column, as every backend does. */
const isCounted = (owners: ReadonlySet<number>, count: number): boolean =>
  owners.size === count && [...owners].every((arm) => arm < count);

const isLiveService = (tables: TableReader, service: number): boolean =>
  service < tables.capacity.services && isLive(tables.serviceGeneration(service));

/** Addresses of one group share a range. */
const isKnownRange = (marks: Marks, { slotBase, slotCount, arms }: RangeAt, service: number): boolean => {
  const known = marks.ranges.get(slotBase);
  return known?.owner === service && known.slotCount === slotCount && known.arms === arms;
};

const hasOverlap = (ranges: readonly Range[]): boolean =>
  ranges.length > 1 &&
  ranges
    .toSorted((one, other) => one.base - other.base)
    .some(({ base }, at, sorted) => {
      const before = sorted[at - 1];
      return before !== undefined && before.base + before.count > base;
    });

const serves = (tables: TableReader, backend: number, service: number): boolean =>
  backend < tables.capacity.backends &&
  isLive(tables.backendGeneration(backend)) &&
  tables.backendService(backend) === service;

/** Everything that a range can lead to. In what `rangeOf` makes, each backend owns a column. */
const targetsOf = (words: Uint32Array, slotCount: number) => {
  const owners = new Set<number>();
  const others = new Set<number>();
  for (let column = 0; column < slotCount; column++) {
    const at = (HEADER_SLOTS + column) * SLOT_WORDS;
    owners.add(words[at + BACKEND] as number);
    others.add(words[at + ALIAS] as number);
  }
  for (const index of lookupOf(words, slotCount)) others.add(index);
  return { owners, others };
};

/** Reserves what a broken frontend leads to: nothing may be written there before the frontend is gone. */
export const markTouched = (tables: TableReader, marks: Marks, frontend: FrontendWrite): void => {
  const touch = (mark: Uint8Array, index: number): void => {
    if (mark[index] === UNUSED) mark[index] = TOUCHED;
  };
  const { slots, backends, services } = reachOf(tables, frontend);
  for (const index of services) touch(marks.services, index);
  for (const index of backends) touch(marks.backends, index);
  for (const { base, count } of slots) for (let slot = base; slot < base + count; slot++) touch(marks.slots, slot);
};
