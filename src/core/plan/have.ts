import type { Client } from '../model/desired.ts';
import { flat } from '../model/flat.ts';
import {
  createIndexes,
  type FreeIndexes,
  type FreeRanges,
  giveIndex,
  giveRange,
  growIndexes,
  type Range,
} from './ranges.ts';
import type { FrontendKey, FrontendWrite, TableReader } from './transaction.ts';

/**
 * What the kernel holds, as far as planning must know it without reading whole tables: who leads where, and what is
 * free. Endpoints, weights and shares stay in the tables. Made by `readHave`, changed by `committed`, `release` and
 * `grown` only.
 */
export interface Have {
  tables: TableReader;
  /** By id: ports that a plan of this agent has named. */
  readonly ports: Map<string, Port>;
  /** By identity: ports found at the start that no plan has named yet. `sweep` removes those that nobody ever names. */
  readonly unclaimed: Map<string, Port>;
  /** By `frontendKey`: the entry that the kernel holds now. Its `service` tells whose it is. */
  readonly frontends: Map<string, FrontendWrite>;
  readonly free: Free;
  /** Nothing leads here any more, but a program that began earlier may still be reading. */
  retired: Retired;
  leftovers: Leftovers;
  /** Counts changes of this value: a plan is good for the one that it was made from. */
  revision: number;
}

/** One port of one Service: its record, and the frontends that it put. */
export interface Port {
  readonly service: number;
  readonly frontends: readonly FrontendWrite[];
  /** Names of its arms by the index of their record. Absent: it has none, or nobody has named them since the start. */
  readonly arms?: ReadonlyMap<number, string>;
}

export interface Free {
  backends: FreeIndexes;
  services: FreeIndexes;
  slots: FreeRanges;
}

export interface Retired {
  readonly backends: number[];
  readonly services: number[];
  readonly slots: Range[];
}

/**
 * Found at the start and explained by nothing: records of a transaction that was cut short, and frontends that lead
 * nowhere with whatever they touch. They stay untouched until `sweep`; a plan may take over the frontends before.
 */
export interface Leftovers extends Retired {
  readonly frontends: Map<string, FrontendKey>;
}

export const emptyRetired = (): Retired => ({
  backends: [],
  services: [],
  slots: [],
});

export const emptyLeftovers = (): Leftovers => ({ ...emptyRetired(), frontends: new Map() });

/** Distinct for every frontend. */
export const frontendKey = ({ address, port, protocol, client }: FrontendKey): string =>
  client === undefined
    ? flat(' ', address, `${port}/${protocol}`)
    : flat(' ', address, `${port}/${protocol}`, `${client}`);

/**
 * The entry that programs take: at an address that is closed whatever else is asked, and of a client that has one its
 * own. Undefined: they leave it alone.
 */
export const frontendFor = (
  lookUp: (key: FrontendKey) => FrontendWrite | undefined,
  { address, port, protocol }: FrontendKey,
  client: Client | undefined,
): FrontendWrite | undefined => {
  const ofAll = lookUp({ address, port, protocol }) ?? lookUp({ address, ...CLOSING });
  if (client === undefined || ((ofAll?.clientLevels ?? 0) & (1 << client.level)) === 0) return ofAll;
  return lookUp({ address, port, protocol, client: client.cgroup }) ?? ofAll;
};

/** With an address: the key of what leads nowhere, but says that all else at that address refuses. */
export const CLOSING = { port: 0, protocol: 'ANY' } as const;

export const isClosing = ({ protocol }: FrontendKey): boolean => protocol === CLOSING.protocol;

/** Generations are odd while a record is in use; both changes add 1. */
export const isLive = (generation: number): boolean => generation % 2 === 1;

export const nextGeneration = (generation: number): number => (generation + 1) >>> 0;

/** Takes out what is retired now. Once the dataplane's `grace` that follows has passed, hand it to `release`. */
export const sealRetired = (have: Have): Retired => {
  const sealed = have.retired;
  have.retired = emptyRetired();
  return sealed;
};

/** Makes sealed room allocatable. The counters of its records still are those of their last owners: clear them now. */
export const release = (have: Have, sealed: Retired): { backends: readonly number[]; services: readonly number[] } => {
  for (const index of sealed.backends) giveIndex(have.free.backends, index);
  for (const index of sealed.services) giveIndex(have.free.services, index);
  for (const range of sealed.slots) giveRange(have.free.slots, range);
  have.revision++;
  return { backends: sealed.backends, services: sealed.services };
};

/** After `Dataplane.grow`: the same contents in larger tables. */
export const grown = (have: Have, tables: TableReader): void => {
  const before = have.tables.capacity;
  const { backends, services, slots } = tables.capacity;
  have.free.backends = growIndexes(have.free.backends, backends);
  have.free.services = growIndexes(have.free.services, services);
  if (slots > before.slots) giveRange(have.free.slots, { base: before.slots, count: slots - before.slots });
  have.tables = tables;
  have.revision++;
};

/** Nothing in use, nothing free: what `readHave` fills. */
export const createHave = (tables: TableReader): Have => ({
  tables,
  ports: new Map(),
  unclaimed: new Map(),
  frontends: new Map(),
  free: {
    backends: createIndexes(tables.capacity.backends),
    services: createIndexes(tables.capacity.services),
    slots: [],
  },
  retired: emptyRetired(),
  leftovers: emptyLeftovers(),
  revision: 0,
});
