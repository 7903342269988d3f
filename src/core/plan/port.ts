import { ShuntError } from '../../errors.ts';
import type { DesiredEndpoint, DesiredGroup, DesiredPort, Scope } from '../model/desired.ts';
import { exact } from '../model/exact.ts';
import { SLOT_WORDS } from './alias.ts';
import { type Draft, takeIndex, takeSlots } from './draft.ts';
import { CLOSING, frontendKey, nextGeneration, type Port } from './have.ts';
import { identityOf } from './identity.ts';
import { type Member, membersOf, type RangeAt, rangeOf, readRange } from './range.ts';
import type { Range } from './ranges.ts';
import type { BackendWrite, FrontendWrite, TableReader } from './transaction.ts';

/** Plans one port that at least one address leads to, from what it holds now; undefined: nothing yet. */
export const planPort = (draft: Draft, port: Port | undefined, want: DesiredPort): Port => {
  const service = planService(draft, port, want);
  const holds = holdingsOf(draft.have.tables, port);
  const { protocol } = want;
  const frontends: FrontendWrite[] = [];
  for (const group of want.groups) {
    const { addresses, port: number, scope, endpoints } = group;
    if (addresses.length === 0) continue;
    const range = holds.planned.get(endpoints) ?? planRange(draft, holds, service, protocol, group);
    holds.planned.set(endpoints, range);
    const { slotBase, slotCount } = range;
    for (const address of addresses) {
      const wanted = { address, port: number, protocol, service, slotBase, slotCount, scope };
      frontends.push(planFrontend(draft, draft.frontends, wanted));
    }
  }
  for (const address of want.closed) {
    frontends.push(planFrontend(draft, draft.closed, { ...CLOSED, address, service }));
  }
  retireHoldings(draft, holds);
  return { service, frontends: exact(frontends) };
};

/** Every port and protocol of an address that has no frontend of its own refuses. */
const CLOSED = { ...CLOSING, slotBase: 0, slotCount: 0, scope: 'cluster' } as const;

/** Takes everything from a port but its frontends: see `planDeletes`. */
export const planRemoval = (draft: Draft, port: Port): void => {
  retireHoldings(draft, holdingsOf(draft.have.tables, port));
  draft.retired.services.push(port.service);
};

/**
 * What a port uses now. Planning takes out what the port keeps; the rest is retired. Groups of one scope share what is
 * equal. Each scope has records of its own, because a client keeps to a record until it is retired: one that another
 * scope still uses would hold it where it must not be answered any more.
 */
interface Holdings {
  /** By `memberKey`. */
  readonly backends: Map<string, BackendWrite>;
  /** By base: more than one per group after a transaction that was cut short. */
  readonly ranges: Map<number, HeldRange>;
  /** By `memberKey`: indexes of the backends that the groups planned so far use. */
  readonly members: Map<string, number>;
  /** By their list of endpoints: the ranges that they use. */
  readonly planned: Map<readonly DesiredEndpoint[], RangeAt>;
}

interface HeldRange extends Range {
  readonly words: Uint32Array;
}

/** Every backend of a range owns one of its columns. */
const holdingsOf = (tables: TableReader, port: Port | undefined): Holdings => {
  const backends = new Map<string, BackendWrite>();
  const ranges = new Map<number, HeldRange>();
  const known = new Set<number>();
  for (const { slotBase: base, slotCount: count, scope } of port?.frontends ?? []) {
    if (count === 0 || ranges.has(base)) continue;
    const words = readRange(tables, { slotBase: base, slotCount: count });
    if (words === undefined)
      throw new ShuntError('SHUNT_E_INTERNAL', { detail: `the slots from ${base} on have changed` });
    ranges.set(base, { base, count: words.length / SLOT_WORDS, words });
    for (const { index } of membersOf(words, count)) {
      // Whatever wrote these tables: a record is kept by one scope at most.
      if (known.has(index)) continue;
      known.add(index);
      const backend = tables.backend(index);
      backends.set(memberKey(scope, backend), backend);
    }
  }
  return { backends, ranges, members: new Map(), planned: new Map() };
};

const memberKey = (scope: Scope, { address, port }: DesiredEndpoint): string => `${scope} ${address} ${port}`;

/** The record is kept over every change; a new time-out is one word of it. */
const planService = (draft: Draft, port: Port | undefined, want: DesiredPort): number => {
  const { tables } = draft.have;
  const { affinityTimeoutS } = want;
  if (port === undefined) {
    const index = takeIndex(draft, 'services');
    const generation = nextGeneration(tables.serviceGeneration(index));
    draft.services.push({ index, identity: identityOf(want.id), generation, affinityTimeoutS });
    return index;
  }
  const held = tables.service(port.service);
  if (held.affinityTimeoutS !== affinityTimeoutS) draft.services.push({ ...held, affinityTimeoutS });
  return port.service;
};

/**
 * A backend that stays keeps its index, and with it its counters and the clients that stick to it. Sorted by index:
 * equal sets give equal slots, in whatever order the endpoints come.
 */
const planMembers = (
  draft: Draft,
  holds: Holdings,
  service: number,
  protocol: DesiredPort['protocol'],
  { scope, endpoints }: DesiredGroup,
): Member[] => {
  const members = endpoints.map((endpoint): Member => {
    const { weight } = endpoint;
    const key = memberKey(scope, endpoint);
    const known = holds.members.get(key);
    if (known !== undefined) return { index: known, weight };
    const held = holds.backends.get(key);
    holds.backends.delete(key);
    if (held !== undefined && held.weight !== weight) draft.weights.push({ index: held.index, weight });
    const index = held?.index ?? addBackend(draft, service, protocol, endpoint);
    holds.members.set(key, index);
    return { index, weight };
  });
  return members.sort((one, other) => one.index - other.index);
};

const addBackend = (
  draft: Draft,
  service: number,
  protocol: DesiredPort['protocol'],
  { address, port, weight }: DesiredEndpoint,
): number => {
  const index = takeIndex(draft, 'backends');
  const generation = nextGeneration(draft.have.tables.backendGeneration(index));
  draft.backends.push({ index, address, port, protocol, generation, weight, service });
  return index;
};

const planRange = (
  draft: Draft,
  holds: Holdings,
  service: number,
  protocol: DesiredPort['protocol'],
  group: DesiredGroup,
): RangeAt => {
  const { addresses, port } = group;
  const [address = ''] = addresses;
  const members = planMembers(draft, holds, service, protocol, group);
  const held = draft.have.frontends.get(frontendKey({ address, port, protocol }));
  return planSlots(draft, holds, members, held?.slotBase);
};

/**
 * Keeps a range that says the same already, that of the group itself before that of another; else writes another one,
 * for the old may be read at this moment.
 */
const planSlots = (draft: Draft, holds: Holdings, members: readonly Member[], own: number | undefined): RangeAt => {
  const count = members.length;
  if (count === 0) return { slotBase: 0, slotCount: 0 };
  const words = rangeOf(members);
  const isSame = (held: HeldRange | undefined): held is HeldRange => held !== undefined && areEqual(held.words, words);
  const ownRange = own === undefined ? undefined : holds.ranges.get(own);
  const kept = isSame(ownRange) ? ownRange : [...holds.ranges.values()].find(isSame);
  if (kept !== undefined) {
    holds.ranges.delete(kept.base);
    return { slotBase: kept.base, slotCount: count };
  }
  const slotBase = takeSlots(draft, words.length / SLOT_WORDS);
  draft.slots.push({ base: slotBase, words });
  return { slotBase, slotCount: count };
};

const areEqual = (one: Uint32Array, other: Uint32Array): boolean =>
  one.length === other.length && one.every((word, at) => word === other[at]);

const planFrontend = (draft: Draft, puts: FrontendWrite[], wanted: FrontendWrite): FrontendWrite => {
  const key = frontendKey(wanted);
  const held = draft.have.frontends.get(key);
  const isHeld =
    held?.service === wanted.service &&
    held.slotBase === wanted.slotBase &&
    held.slotCount === wanted.slotCount &&
    held.scope === wanted.scope;
  if (!isHeld) puts.push(wanted);
  const frontend = isHeld ? held : wanted;
  draft.owned.set(key, frontend);
  return frontend;
};

const retireHoldings = ({ retired }: Draft, holds: Holdings): void => {
  for (const { index } of holds.backends.values()) retired.backends.push(index);
  for (const { base, count } of holds.ranges.values()) retired.slots.push({ base, count });
};
