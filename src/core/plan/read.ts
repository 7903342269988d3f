import { exact } from '../model/exact.ts';
import { ALIAS, BACKEND, SLOT_WORDS } from './alias.ts';
import { createHave, frontendKey, type Have, isLive, type Port } from './have.ts';
import { identityKey } from './identity.ts';
import { HEADER_SLOTS, readRange } from './range.ts';
import { type FreeIndexes, giveIndex, type Range } from './ranges.ts';
import type { FrontendWrite, TableReader } from './transaction.ts';

/**
 * Reads the tables: at the start, and again after an apply that failed. What leads to nothing valid counts as absent,
 * so that planning writes it anew.
 *
 * Unused slots and records may have had a reader a moment ago, so they start out retired, not free: before the first
 * plan, seal, wait for the dataplane's grace, and release. Only records that never had a user are free at once.
 */
export const readHave = (tables: TableReader): Have => {
  const reading = readInPortions(tables);
  for (;;) {
    const portion = reading.next();
    if (portion.done) return portion.value;
  }
};

/** The same, with pauses in which anything may happen that does not write to the tables: large ones take some 100 ms. */
export function* readInPortions(tables: TableReader): Generator<undefined, Have> {
  const have = createHave(tables);
  const marks = createMarks(tables);
  const sound: FrontendWrite[] = [];
  const broken: FrontendWrite[] = [];
  for (const frontend of tables.frontends()) {
    (isSound(tables, marks, frontend) ? sound : broken).push(frontend);
    if ((sound.length + broken.length) % PORTION_FRONTENDS === 0) yield;
  }
  for (const frontend of broken) have.leftovers.frontends.set(frontendKey(frontend), frontend);
  for (const frontend of broken) markTouched(tables, marks, frontend);
  yield;
  yield* readPorts(have, sound);
  yield* sortRecords(have, marks);
  yield;
  sortSlots(have, marks.slots);
  return have;
}

/** Some milliseconds of looking at their backends. */
const PORTION_FRONTENDS = 256;
const PORTION_RECORDS = 16_384;

const UNUSED = 0;
/** A sound frontend leads here. */
const USED = 1;
/** Only a broken frontend leads here. */
const TOUCHED = 2;

interface Marks {
  readonly slots: Uint8Array;
  readonly backends: Uint8Array;
  readonly services: Uint8Array;
  /** By base: ranges that sound frontends lead to. */
  readonly ranges: Map<number, FrontendWrite>;
}

const createMarks = ({ capacity }: TableReader): Marks => ({
  slots: new Uint8Array(capacity.slots),
  backends: new Uint8Array(capacity.backends),
  services: new Uint8Array(capacity.services),
  ranges: new Map(),
});

/** Does it lead to a live Service, and through a range of its own only to live backends of that Service? Then marks them. */
const isSound = (tables: TableReader, marks: Marks, frontend: FrontendWrite): boolean => {
  const { service, slotBase, slotCount } = frontend;
  if (service >= tables.capacity.services || !isLive(tables.serviceGeneration(service))) return false;
  if (slotCount > 0 && !isKnownRange(marks, frontend)) {
    const words = readRange(tables, frontend);
    if (words === undefined) return false;
    const end = slotBase + words.length / SLOT_WORDS;
    if (marks.slots.subarray(slotBase, end).includes(USED)) return false;
    const { owners, aliases } = backendsOf(words, slotCount);
    for (const index of aliases) if (!owners.has(index)) return false;
    for (const index of owners) if (!serves(tables, index, service)) return false;
    for (const index of owners) marks.backends[index] = USED;
    marks.slots.fill(USED, slotBase, end);
    marks.ranges.set(slotBase, frontend);
  }
  marks.services[service] = USED;
  return true;
};

/** Addresses of one group share a range. */
const isKnownRange = (marks: Marks, { service, slotBase, slotCount }: FrontendWrite): boolean => {
  const known = marks.ranges.get(slotBase);
  return known?.service === service && known.slotCount === slotCount;
};

const serves = (tables: TableReader, backend: number, service: number): boolean =>
  backend < tables.capacity.backends &&
  isLive(tables.backendGeneration(backend)) &&
  tables.backendService(backend) === service;

/** Every backend that a range can lead to. In the tables that `aliasTable` makes, each of them owns a column. */
const backendsOf = (words: Uint32Array, slotCount: number) => {
  const owners = new Set<number>();
  const aliases = new Set<number>();
  for (let column = 0; column < slotCount; column++) {
    const at = (HEADER_SLOTS + column) * SLOT_WORDS;
    owners.add(words[at + BACKEND] as number);
    aliases.add(words[at + ALIAS] as number);
  }
  return { owners, aliases };
};

/** Reserves what a broken frontend leads to: nothing may be written there before the frontend is gone. */
const markTouched = (tables: TableReader, marks: Marks, frontend: FrontendWrite): void => {
  const touch = (mark: Uint8Array, index: number): void => {
    if (mark[index] === UNUSED) mark[index] = TOUCHED;
  };
  touch(marks.services, frontend.service);
  const { slotBase } = frontend;
  if (frontend.slotCount === 0 || slotBase >= tables.capacity.slots) return;
  const end = Math.min(slotBase + HEADER_SLOTS + frontend.slotCount, tables.capacity.slots);
  for (let slot = slotBase; slot < end; slot++) touch(marks.slots, slot);
  const { owners, aliases } = backendsOf(tables.slots(slotBase, end - slotBase), end - slotBase - HEADER_SLOTS);
  for (const backend of [...owners, ...aliases]) touch(marks.backends, backend);
};

function* readPorts(have: Have, sound: readonly FrontendWrite[]): Generator<undefined> {
  const byService = new Map<number, FrontendWrite[]>();
  let read = 0;
  for (const frontend of sound) {
    have.frontends.set(frontendKey(frontend), frontend);
    const own = byService.get(frontend.service);
    if (own === undefined) byService.set(frontend.service, [frontend]);
    else own.push(frontend);
    if (++read % (8 * PORTION_FRONTENDS) === 0) yield;
  }
  for (const [service, own] of byService) {
    const port: Port = { service, frontends: exact(own) };
    const identity = identityKey(have.tables.service(service).identity);
    // Of two ports with one identity the second is kept where no id leads: `sweep` will remove it.
    have.unclaimed.set(have.unclaimed.has(identity) ? `${identity} ${service}` : identity, port);
    if (++read % (8 * PORTION_FRONTENDS) === 0) yield;
  }
}

/** Downwards, so that the lowest index lies on top of the free ones. */
function* sortRecords(have: Have, marks: Marks): Generator<undefined> {
  const { tables, free, retired, leftovers } = have;
  const sort = (mark: number, index: number, generation: number, to: SortedRecords): void => {
    if (mark === USED) return;
    if (mark === TOUCHED || isLive(generation)) to.leftovers.push(index);
    else if (generation > 0) to.retired.push(index);
    else giveIndex(to.free, index);
  };
  const backends = { free: free.backends, retired: retired.backends, leftovers: leftovers.backends };
  const services = { free: free.services, retired: retired.services, leftovers: leftovers.services };
  for (let index = tables.capacity.backends - 1; index >= 0; index--) {
    sort(marks.backends[index] as number, index, tables.backendGeneration(index), backends);
    if (index % PORTION_RECORDS === 0) yield;
  }
  for (let index = tables.capacity.services - 1; index >= 0; index--) {
    sort(marks.services[index] as number, index, tables.serviceGeneration(index), services);
    if (index % PORTION_RECORDS === 0) yield;
  }
}

interface SortedRecords {
  readonly free: FreeIndexes;
  readonly retired: number[];
  readonly leftovers: number[];
}

const sortSlots = (have: Have, marks: Uint8Array): void => {
  for (let base = 0, end = 0; base < marks.length; base = end) {
    while (end < marks.length && marks[end] === marks[base]) end++;
    const range: Range = { base, count: end - base };
    if (marks[base] === UNUSED) have.retired.slots.push(range);
    if (marks[base] === TOUCHED) have.leftovers.slots.push(range);
  }
};
