import type { ChoiceRule, Scope } from '../model/desired.ts';

/**
 * A change of the kernel tables, as data. `Dataplane.apply` carries it out in the order of the fields below, and that
 * order is the safety argument: backends -> services -> slots -> frontends -> removals. A new record is complete before
 * anything leads to it, and nothing leads to a record any more before it is retired. So every prefix of a transaction,
 * also one cut by `kill -9`, leaves each frontend with its whole old choice or its whole new one.
 *
 * Records are only ever written at places that no frontend leads to; the exceptions are single aligned 32-bit fields
 * (weight, affinity time-out, algorithm, flags, generation), which change in one store.
 */
export interface Transaction {
  readonly backends: readonly BackendWrite[];
  readonly weights: readonly WeightWrite[];
  readonly services: readonly ServiceWrite[];
  readonly slots: readonly SlotsWrite[];
  /** What closes an address comes last, and is the first to be deleted: what it closes is never more than asked for. */
  readonly frontends: readonly FrontendWrite[];
  readonly frontendDeletes: readonly FrontendKey[];
  /** Their generation becomes even: whoever remembered them knows that they are gone. */
  readonly retiredBackends: readonly number[];
  readonly retiredServices: readonly number[];
}

export interface FrontendKey {
  /** Canonical text. */
  readonly address: string;
  /** `ANY` with port 0: whatever is asked of the address and has no frontend of its own. */
  readonly protocol: 'TCP' | 'UDP' | 'ANY';
  readonly port: number;
  /** Id of a Pod's cgroup, whose processes alone are meant. Absent: everybody. */
  readonly client?: bigint;
}

export interface FrontendWrite extends FrontendKey {
  readonly service: number;
  /** Where its range begins, with the header. */
  readonly slotBase: number;
  /** Columns of the range; 0: refuse. */
  readonly slotCount: number;
  readonly scope: Scope;
  /** `DesiredGroup.variant`. Absent: 0. */
  readonly variant?: number;
  /** The columns name arms instead of backends. */
  readonly arms?: true;
  /** Bit n: some Pod whose cgroup lies at level n has an entry of its own. Absent: 0. */
  readonly clientLevels?: number;
}

export interface BackendWrite {
  readonly index: number;
  readonly address: string;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP';
  /** Odd. */
  readonly generation: number;
  readonly weight: number;
  readonly service: number;
}

export interface WeightWrite {
  readonly index: number;
  readonly weight: number;
}

export interface ServiceWrite {
  readonly index: number;
  readonly identity: Identity;
  /** Odd. Unchanged when only the settings of a live Service change. */
  readonly generation: number;
  readonly affinityTimeoutS: number;
  /** Of its endpoints. Absent: `WeightedRandom`, by Pod. */
  readonly choice?: ChoiceRule;
  /** How long first answers take is measured. */
  readonly measured?: true;
}

/** 64-bit hash of `DesiredPort.id`, as two words. */
export type Identity = readonly [number, number];

export interface SlotsWrite {
  readonly base: number;
  /** A whole range, four words a slot: see range.ts. */
  readonly words: Uint32Array;
}

/** How many records a table can hold. */
export interface Capacity {
  readonly frontends: number;
  readonly slots: number;
  readonly backends: number;
  readonly services: number;
}

/** What the tables hold now. The kernel is the store: this is read from its memory, not from a copy of what was meant. */
export interface TableReader {
  readonly capacity: Capacity;
  /** Those of the moment of the call, each made when it is its turn. */
  frontends(): Iterable<FrontendWrite>;
  /** The words of `count` slots as they lie in memory, four a slot: a view, good until the tables grow. */
  slots(base: number, count: number): Uint32Array;
  backend(index: number): BackendWrite;
  service(index: number): ServiceWrite;
  /** Single words of these records, for walks over whole tables. */
  backendGeneration(index: number): number;
  backendService(index: number): number;
  serviceGeneration(index: number): number;
}
