import type { DesiredEndpoint, DesiredPort } from '../model/desired.ts';
import { exact } from '../model/exact.ts';
import { aliasTable, SLOT_WORDS } from './alias.ts';
import { type Draft, takeIndex, takeSlots } from './draft.ts';
import { frontendKey, nextGeneration, type Port } from './have.ts';
import { identityOf } from './identity.ts';
import type { Range } from './ranges.ts';
import type { BackendWrite, FrontendWrite, TableReader } from './transaction.ts';

/** Plans one port that at least one address leads to, from what it holds now; undefined: nothing yet. */
export const planPort = (draft: Draft, port: Port | undefined, want: DesiredPort): Port => {
  const service = planService(draft, port, want);
  const holds = holdingsOf(draft.have.tables, port);
  const frontends: FrontendWrite[] = [];
  for (const group of want.groups) {
    if (group.addresses.length === 0) continue;
    const members = planMembers(draft, holds, service, want.protocol, group.endpoints);
    const { base, count } = planSlots(draft, holds, members);
    for (const address of group.addresses) {
      const key = { address, port: want.port, protocol: want.protocol };
      frontends.push(planFrontend(draft, { ...key, service, slotBase: base, slotCount: count }));
    }
  }
  retireHoldings(draft, holds);
  return { service, frontends: exact(frontends) };
};

/** Takes everything from a port but its frontends: see `planDeletes`. */
export const planRemoval = (draft: Draft, port: Port): void => {
  retireHoldings(draft, holdingsOf(draft.have.tables, port));
  draft.retired.services.push(port.service);
};

/** What a port uses now. Planning takes out what the port keeps; the rest is retired. */
interface Holdings {
  /** By `endpointKey`. */
  readonly backends: Map<string, BackendWrite>;
  /** By base: more than one per family after a transaction that was cut short. */
  readonly ranges: Map<number, HeldRange>;
}

interface HeldRange extends Range {
  readonly words: Uint32Array;
}

/** Every backend of a range owns one of its columns. */
const holdingsOf = (tables: TableReader, port: Port | undefined): Holdings => {
  const backends = new Map<string, BackendWrite>();
  const ranges = new Map<number, HeldRange>();
  for (const { slotBase: base, slotCount: count } of port?.frontends ?? []) {
    if (count === 0 || ranges.has(base)) continue;
    const words = tables.slots(base, count);
    ranges.set(base, { base, count, words });
    for (let at = 0; at < words.length; at += SLOT_WORDS) {
      const backend = tables.backend(words[at + 1] as number);
      backends.set(endpointKey(backend), backend);
    }
  }
  return { backends, ranges };
};

const endpointKey = ({ address, port }: DesiredEndpoint): string => `${address} ${port}`;

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

interface Member {
  readonly index: number;
  readonly weight: number;
}

/**
 * A backend that stays keeps its index, and with it its counters and the clients that stick to it. Sorted by index:
 * equal sets give equal slots, in whatever order the endpoints come.
 */
const planMembers = (
  draft: Draft,
  holds: Holdings,
  service: number,
  protocol: DesiredPort['protocol'],
  endpoints: readonly DesiredEndpoint[],
): Member[] => {
  const { tables } = draft.have;
  const members = endpoints.map((endpoint): Member => {
    const { address, port, weight } = endpoint;
    const key = endpointKey(endpoint);
    const held = holds.backends.get(key);
    if (held === undefined) {
      const index = takeIndex(draft, 'backends');
      const generation = nextGeneration(tables.backendGeneration(index));
      draft.backends.push({ index, address, port, protocol, generation, weight, service });
      return { index, weight };
    }
    holds.backends.delete(key);
    if (held.weight !== weight) draft.weights.push({ index: held.index, weight });
    return { index: held.index, weight };
  });
  return members.sort((one, other) => one.index - other.index);
};

/** Keeps a range that says the same already; else writes another one, for the old may be read at this moment. */
const planSlots = (draft: Draft, holds: Holdings, members: readonly Member[]): Range => {
  const count = members.length;
  if (count === 0) return { base: 0, count };
  const words = aliasTable(
    members.map((member) => member.index),
    members.map((member) => member.weight),
  );
  for (const held of holds.ranges.values()) {
    if (!areEqual(held.words, words)) continue;
    holds.ranges.delete(held.base);
    return held;
  }
  const base = takeSlots(draft, count);
  draft.slots.push({ base, words });
  return { base, count };
};

const areEqual = (one: Uint32Array, other: Uint32Array): boolean =>
  one.length === other.length && one.every((word, at) => word === other[at]);

const planFrontend = (draft: Draft, wanted: FrontendWrite): FrontendWrite => {
  const key = frontendKey(wanted);
  const held = draft.have.frontends.get(key);
  const isHeld =
    held?.service === wanted.service && held.slotBase === wanted.slotBase && held.slotCount === wanted.slotCount;
  if (!isHeld) draft.frontends.push(wanted);
  const frontend = isHeld ? held : wanted;
  draft.owned.set(key, frontend);
  return frontend;
};

const retireHoldings = ({ retired }: Draft, holds: Holdings): void => {
  for (const { index } of holds.backends.values()) retired.backends.push(index);
  for (const { base, count } of holds.ranges.values()) retired.slots.push({ base, count });
};
