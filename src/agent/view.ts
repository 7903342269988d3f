import type { ServedQuestion } from '../core/explain/decision.ts';
import type { Decision } from '../core/explain.ts';
import type { Algorithm, Complaint, Family } from '../core/model/objects.ts';
import type { Capacity } from '../core/plan/transaction.ts';
import type { Counters, ProgramRuns, SameNodeStats, ServiceStats } from '../dataplane/dataplane.ts';
import type { StatusWriting, WatchStatus } from '../sources/source.ts';
import type { EventFilter, EventLine } from './event-view.ts';
import type { Pairs, WorkloadUsage } from './workload-totals.ts';

/** What the agent shows to the admin API, the metrics and the log. Plain data; reading it disturbs nothing. */
export interface AgentView {
  status(): AgentStatus;
  health(): AgentHealth;
  /**
   * Of a `namespace`, of one Service (`namespace/name`), of one port of it (its id), or all; so with backends. Large
   * clusters have many: each is made when it is asked for, and the event loop may have turns in between. What has gone by
   * then is left out.
   */
  services(only?: string): Iterable<ServiceView>;
  /** Without those that are `drained` or `earlier` where `left` is false: to find them it looks at a whole table. */
  backends(only?: string, left?: boolean): Iterable<BackendView>;
  /** Of all Service ports, or those with these ids, as far as there are any. */
  usage(ids?: Iterable<string>): Iterable<ServiceUsage>;
  /** By who asks; undefined where that is not counted. */
  workloads(): WorkloadsView | undefined;
  explain(question: ServedQuestion): Decision;
  /**
   * Connections and refusals from now on, one by one. Goes on until it is closed, or the agent stops. Who wants no more
   * than so many in 25 ms says so: above that it is one in so many.
   */
  events(filter: EventFilter, perLook?: number): EventStream;
  complaints(): readonly Complaint[];
  verdicts(): Readonly<Record<string, number>>;
  /** Programs that are not in force now. */
  detachedPrograms(): readonly string[];
  /** Empty while the kernel does not count runs of programs. */
  programRuns(): readonly ProgramRuns[];
}

export interface EventStream extends AsyncIterable<readonly EventLine[]> {
  /** Must be called when nobody reads any more: until then the kernel has to tell. */
  close(): void;
}

export interface WorkloadsView {
  /** What each workload of this node asked of each Service port, and `other`, which is all the rest. */
  readonly usage: Iterable<WorkloadUsage>;
  readonly pairs: Pairs;
}

export interface SourceHealth {
  readonly name: string;
  readonly synced: boolean;
  /** False while something in it never could be read: then nothing is removed only because nobody named it. */
  readonly whole: boolean;
  /** Empty, or why the source cannot be read or watched now. */
  readonly trouble: string;
}

/** What probes ask for every few seconds: it costs nothing, while a status looks at a whole table. */
export interface AgentHealth {
  readonly source: SourceHealth;
  /** True once everything that existed at the start and could be read is in force in the kernel. */
  readonly ready: boolean;
  /** Empty, or why the agent is not healthy. */
  readonly unhealthy: string;
}

export interface AgentStatus extends AgentHealth {
  readonly version: string;
  readonly pid: number;
  readonly startedAtMs: number;
  readonly node: string;
  readonly objects: ObjectCounts;
  /** Pods of this node, as clients for whom there are rules of their own. All 0 while there is no such rule. */
  readonly clients: ClientCounts;
  /** Connections that are joined socket to socket; undefined where that is never done. Its counters are the kernel's. */
  readonly sameNode: SameNodeStatus | undefined;
  /** Of what is written to the status of routes and policies; undefined for a source that takes none. */
  readonly statusWriting: StatusWriting | undefined;
  /** Of a source that watches a server, one for each resource; else empty. */
  readonly watches: readonly WatchStatus[];
  readonly complaints: { readonly errors: number; readonly warnings: number; readonly notes: number };
  readonly used: Capacity;
  readonly capacity: Capacity;
  readonly connections: { readonly used: number; readonly size: number };
  /** The last change set that was applied; undefined before the first. */
  readonly lastChange: ChangeSummary | undefined;
}

export type ObjectCounts = Readonly<
  Record<
    | 'services'
    | 'endpointSlices'
    | 'trafficPolicies'
    | 'destinationRules'
    | 'routes'
    | 'referenceGrants'
    | 'nodes'
    | 'pods',
    number
  >
>;

export interface SameNodeStatus extends SameNodeStats {
  /** The programs watch, because somebody on this node wants it. */
  readonly attached: boolean;
  /** Empty, or why it is not done though somebody wants it. */
  readonly unavailable: string;
  /** Pods by their addresses, and endpoints, that take part; 0: nobody asks for it. */
  readonly ends: number;
  /** Attempts to tell the kernel who takes part, or to join sockets, that failed. */
  readonly failures: number;
}

export interface ClientCounts {
  readonly found: number;
  /** Without a cgroup (yet): about to start, or ended. */
  readonly waiting: number;
  /** Too deep to be told apart from others. */
  readonly refused: number;
}

export interface ChangeSummary {
  readonly atMs: number;
  /** Event to kernel, waiting included. */
  readonly durationMs: number;
  readonly planMs: number;
  readonly applyMs: number;
  readonly ports: number;
  readonly writes: Writes;
}

/** Table entries written. All zero: the kernel held everything already. */
export interface Writes {
  readonly backends: number;
  readonly services: number;
  readonly slots: number;
  readonly frontends: number;
  readonly removed: number;
}

export interface ServiceView {
  /** `namespace/service/port-name/PROTOCOL`. */
  readonly id: string;
  readonly namespace: string;
  readonly service: string;
  readonly portName: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
  /** At `port`. */
  readonly addresses: readonly string[];
  /** At this node's own addresses; 0: none. */
  readonly nodePort: number;
  readonly backends: number;
  /** How endpoints are chosen; where several Services share the connections, each has its own, as its backends say. */
  readonly algorithm: Algorithm;
  /** Where one shares the connections of everybody among Services: `TCPRoute shop/canary`. */
  readonly route?: string;
  readonly affinityTimeoutS: number;
  readonly stats: ServiceStats;
}

/** What was counted for a Service port, if anything was. */
export interface ServiceUsage extends Pick<ServiceView, 'id' | 'namespace' | 'service' | 'protocol' | 'port'> {
  /** Undefined while nobody on this node has used it: all its counters are 0. */
  readonly stats: ServiceStats | undefined;
}

/**
 * An endpoint of a Service port, by one of the ways that lead to it, or a share that is refused.
 *
 * - `answering`: it gets new connections.
 * - `refused`: no endpoint answers for this share. Only where a route shares the connections.
 * - `drained`: it gets no new connections, but some that it got live. `earlier`: so, and it gets new ones by another choice.
 */
export interface BackendView {
  readonly service: string;
  /** Of the Service port. */
  readonly id: string;
  readonly state: 'answering' | 'refused' | 'drained' | 'earlier';
  /** Empty where it is refused. */
  readonly address: string;
  /** 0 where it is refused. */
  readonly port: number;
  /** Where it is refused: of the addresses that are asked; absent: of all. */
  readonly family?: Family;
  /** Where several Services share the connections: the one that it is an endpoint of, as `DesiredArm.id`. */
  readonly arm?: string;
  /** Which shares them, as `TCPRoute shop/canary`. */
  readonly route?: string;
  /** By which it is chosen among those of its arm, or of all. Of those that answer. */
  readonly algorithm?: Algorithm;
  /** Answers only clients with a choice of their own: which, as `DesiredGroup.variant`. */
  readonly variant?: number;
  /** Who they are, as `namespace checkout, ring=testers`. Absent while nobody can tell. */
  readonly clients?: string;
  readonly weight: number;
  /** 0..1, of the Service's connections in this address family, over all arms. */
  readonly share: number;
  /** What it really got. Absent where nothing is chosen any more, and while nobody knows. */
  readonly observed?: ObservedShare;
  /** Clients keep to what they were given, by session affinity: of those that come back nothing is chosen. */
  readonly affinity?: true;
  /** Where it is refused `rejected`, once for all rows that it is counted for; of what lives on `active` and `pending`; else all. */
  readonly stats: Partial<Counters>;
}

/**
 * Of the connections, and datagrams of unconnected UDP sockets, that were chosen for since shares of the Service port were
 * last changed, or the agent started.
 */
export interface ObservedShare {
  /** 0..1; to be compared with `BackendView.share`. 0 while there are none. */
  readonly share: number;
  /** How many there were, of all that share them. */
  readonly of: number;
  /** Since the epoch. */
  readonly sinceMs: number;
}
