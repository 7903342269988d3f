import type { CallerEntry, CallerKey, CallerTable } from '../abi/callers.ts';
import type { RememberedConnection } from '../abi/connection.ts';
import type { Counters, FirstResponses } from '../abi/counters.ts';
import type { Capacity, TableReader, Transaction } from '../core/plan/transaction.ts';
import type { FlowEvents } from './flow-events.ts';
import type { SameNode } from './same-node.ts';

export {
  type CallerCounts,
  type CallerEntry,
  type CallerKey,
  type CallerSums,
  type CallerTable,
  noCounts,
} from '../abi/callers.ts';
export type { Counters, FirstResponses } from '../abi/counters.ts';
export {
  EVENT_OUTCOMES,
  type EventCounts,
  type EventOutcome,
  type EventWish,
  type FlowEvents,
  type TakenEvent,
} from './flow-events.ts';
export type { SameNode, SameNodeStats } from './same-node.ts';

/** The tables and the programs that read them: the kernel's, or in tests one in memory that keeps the kernel's rules. */
export interface Dataplane {
  readonly tables: TableReader;
  readonly stats: StatsReader;
  /** False while these tables are new, and no program counts in them: everything is 0. */
  readonly hasCounted: boolean;
  readonly events: FlowEvents;
  /**
   * Carries out a transaction in order. When the kernel refuses a part (SHUNT_E_APPLY), everything before it is in
   * force and nothing after it; `tables` tells exactly what holds.
   */
  apply(transaction: Transaction): void;
  /** Resolves when every program run that was under way has ended: what was retired before has no reader any more. */
  grace(): Promise<void>;
  /** Sets the counters of free records to zero, for their next owner. Only after `grace`. */
  clearStats(records: { readonly backends: readonly number[]; readonly services: readonly number[] }): void;
  /** Replaces the tables by larger ones with the same contents, while connections go on. `tables` changes. */
  grow(capacity: Capacity): Promise<void>;
  /** Puts the programs of this version in force, reading these tables. Until then those of the last run go on with theirs. */
  activate(): Promise<void>;
  /** Programs that were attached and are no more, or elsewhere: somebody removed them. `activate` attaches them again. */
  lostPrograms(): readonly string[];
  /** Programs of this version that are not in force now, for whatever reason. Only looks. */
  detachedPrograms(): readonly string[];
  /** Of each program of this version, in force or not; empty while the kernel does not count. */
  programRuns(): readonly ProgramRuns[];
  /** How connected UDP sockets are ended here. */
  readonly socketEnding: SocketEnding;
  /** Connected UDP sockets that were sent to a backend whose record has been retired. Leaves the event loop its turns. */
  staleSockets(): Promise<readonly StaleSocket[]>;
  /**
   * Wakes those of them that still are connected to that backend with ECONNABORTED; they are not connected any more.
   * In the background; must have ended before `close`.
   */
  endSockets(sockets: readonly StaleSocket[]): Promise<Ended>;
  /**
   * Ends, in the counters and in the table of places, TCP connections whose sockets are gone though nobody told: another
   * sockops program had taken the news away. It takes two calls to be sure of one. In the background; must have ended
   * before `close`. Absent where nothing can be lost.
   */
  endLost?(): Promise<EndedLost>;
  /**
   * Counts what TCP connections that go on have carried since the last time. One call at a time, in the background; must
   * have ended before `close`. Absent where they are counted only when they end.
   */
  countLive?(): Promise<void>;
  /** Absent where nobody counts by who asks. */
  readonly callers?: Callers;
  /** Absent where connections are never joined socket to socket. */
  readonly sameNode?: SameNode;
  /** Of Services that ask for it: why their first responses are not measured all the same, if so. */
  readonly firstResponse?: { readonly unavailable: string | undefined };
  /** Lets go of the tables; the kernel keeps routing. */
  close(): void;
}

/** How often it has run since it was loaded, and how long that took, as far as it was counted. */
export interface ProgramRuns {
  readonly program: string;
  readonly runs: number;
  readonly ns: number;
}

/** `bpf`: bpf_sock_destroy (6.5). `netlink`: SOCK_DESTROY of sock_diag(7). `none`: this kernel has neither. */
export type SocketEnding = 'bpf' | 'netlink' | 'none';

/** What a socket remembers; it may have dissolved its connection since. */
export type StaleSocket = RememberedConnection;

export interface Ended {
  readonly sockets: readonly StaleSocket[];
  /** Why not everything was looked at; undefined if it was. */
  readonly failure: unknown;
}

export interface EndedLost {
  /** How many. */
  readonly connections: number;
  /** Why it could not be told which are lost; undefined if it could. */
  readonly failure: unknown;
}

/** Counters by who asks and whom. */
export interface Callers {
  /** All of them. Looks at a whole table, which takes some milliseconds. */
  read(): CallerTable;
  /** Takes these out, and returns what had been counted for them by then. Who counts for one later begins anew. */
  forget(keys: readonly CallerKey[]): readonly CallerEntry[];
}

/** Counters, read from shared memory without a system call. Field names are those of bpf/abi.h. */
export interface StatsReader {
  /** Whether the counters of a Service are not all 0: a hundredth of the cost of reading them. */
  isUsed(index: number): boolean;
  service(index: number): ServiceStats;
  backend(index: number): Counters;
  /** How often a backend was chosen: its connections, and datagrams of unconnected sockets. */
  chosen(index: number): number;
  readonly single: SingleCounters;
  /** By name, such as `refused_no_endpoint`. */
  verdicts(): Readonly<Record<string, number>>;
  /** By backend, what lives of connections to backends whose record has been retired. Looks at a whole table. */
  left(): readonly LeftConnections[];
  /** Places used and available in the `connections` table. */
  connections(): { readonly used: number; readonly size: number };
}

/** Read one by one, by system calls: for few of them a whole table in memory would be too much. */
export interface SingleCounters {
  /** As that of all counters, and so the next. */
  isUsed(service: number): boolean;
  chosen(backend: number): number;
  rejected(service: number): number;
}

/** Without those that found no place in the `connections` table: they are few, and far away. */
export interface LeftConnections {
  /** Record of the Service port that was asked. */
  readonly service: number;
  readonly serviceGeneration: number;
  readonly address: string;
  readonly port: number;
  readonly active: number;
  readonly pending: number;
}

export interface ServiceStats extends Counters {
  readonly retransmits: number;
  /** Smoothed round-trip times, summed up, and how many. */
  readonly rttMicros: number;
  readonly rttSamples: number;
  /** Of those rejected: the Service has no such port; no endpoint answers for the share of a route. */
  readonly rejectedNoPort: number;
  readonly rejectedShare: number;
  /** Bucket i: connects faster than 2^i microseconds and not faster than half of that. */
  readonly connectLatency: readonly number[];
  /** Absent where nobody asks for them, and none was ever measured. */
  readonly firstResponses?: FirstResponses;
}
