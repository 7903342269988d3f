import { exact } from '../model/exact.ts';
import { createHave, frontendKey, type Have, isLive, type Port } from './have.ts';
import { identityKey } from './identity.ts';
import { type FreeIndexes, giveIndex, type Range } from './ranges.ts';
import { createMarks, isSound, type Marks, markTouched, TOUCHED, UNUSED, USED, USED_BY_ARM } from './sound.ts';
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
    if (mark === USED || mark === USED_BY_ARM) return;
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
