import { emptyRetired, type Have, type Leftovers, type Port, type Retired } from './have.ts';
import { type FreeRanges, peekIndex, takeRange } from './ranges.ts';
import type {
  BackendWrite,
  Capacity,
  FrontendKey,
  FrontendWrite,
  ServiceWrite,
  SlotsWrite,
  WeightWrite,
} from './transaction.ts';

/**
 * A plan in the making. It looks at `have` and changes nothing there: what it takes of the free room is counted here
 * and taken for good by `committed`.
 */
export interface Draft {
  readonly have: Have;
  /** Of `have`, when the plan was made. */
  readonly revision: number;
  readonly backends: BackendWrite[];
  readonly weights: WeightWrite[];
  readonly services: ServiceWrite[];
  readonly slots: SlotsWrite[];
  readonly frontends: FrontendWrite[];
  /** Frontends that close an address: to be put after all others. */
  readonly closed: FrontendWrite[];
  readonly frontendDeletes: FrontendKey[];
  readonly retired: Retired;
  /** By id; undefined: the port goes. */
  readonly ports: Map<string, Port | undefined>;
  /** Keys of `Have.unclaimed` that now belong to one of `ports`. */
  readonly claims: Set<string>;
  /** By `frontendKey`: what the ports of this plan lead where, written or kept. */
  readonly owned: Map<string, FrontendWrite>;
  /** What will be left over afterwards. */
  leftovers: Leftovers;
  readonly freeSlots: FreeRanges;
  readonly taken: { backends: number; services: number };
  /** How much room did not suffice by. */
  readonly missing: { backends: number; services: number; slots: number };
}

export const createDraft = (have: Have): Draft => ({
  have,
  revision: have.revision,
  backends: [],
  weights: [],
  services: [],
  slots: [],
  frontends: [],
  closed: [],
  frontendDeletes: [],
  retired: emptyRetired(),
  ports: new Map(),
  claims: new Set(),
  owned: new Map(),
  leftovers: have.leftovers,
  freeSlots: have.free.slots.slice(),
  taken: { backends: 0, services: 0 },
  missing: { backends: 0, services: 0, slots: 0 },
});

/** Without room it answers with any index, and the plan ends as a `Shortage`. */
export const takeIndex = (draft: Draft, table: 'backends' | 'services'): number => {
  const index = peekIndex(draft.have.free[table], draft.taken[table]);
  if (index === undefined) draft.missing[table]++;
  else draft.taken[table]++;
  return index ?? 0;
};

/** As `takeIndex`. */
export const takeSlots = (draft: Draft, count: number): number => {
  const base = takeRange(draft.freeSlots, count);
  if (base < 0) draft.missing.slots += count;
  return Math.max(base, 0);
};

/** Capacities with which the draft would have fitted; undefined when it does. Tables that must grow get half as much again. */
export const neededCapacity = (draft: Draft): Capacity | undefined => {
  const { capacity } = draft.have.tables;
  const need = (table: keyof Capacity, missing: number): number =>
    missing > 0 ? Math.ceil((capacity[table] + missing) * 1.5) : capacity[table];
  const { backends, services, slots } = draft.missing;
  const frontends = missingFrontends(draft);
  if (frontends + backends + services + slots === 0) return undefined;
  return {
    frontends: need('frontends', frontends),
    slots: need('slots', slots),
    backends: need('backends', backends),
    services: need('services', services),
  };
};

/** Puts come before deletes, so the table must hold both for a moment. */
const missingFrontends = ({ have, owned }: Draft): number => {
  const held = (key: string): boolean => have.frontends.has(key) || have.leftovers.frontends.has(key);
  let size = have.frontends.size + have.leftovers.frontends.size;
  for (const key of owned.keys()) if (!held(key)) size++;
  return Math.max(0, size - have.tables.capacity.frontends);
};
