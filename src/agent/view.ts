import type { Decision } from '../core/explain.ts';
import type { Complaint } from '../core/model/objects.ts';
import type { Capacity, FrontendKey } from '../core/plan/transaction.ts';
import type { Counters, ServiceStats } from '../dataplane/dataplane.ts';

/** What the agent shows to the admin API, the metrics and the log. Plain data; reading it disturbs nothing. */
export interface AgentView {
  status(): AgentStatus;
  services(): readonly ServiceView[];
  /** The same one at a time, as they are asked for, within one turn of the event loop. */
  eachService(): Iterable<ServiceView>;
  /** Backends of one Service (`namespace/name`), or of all. */
  backends(service?: string): readonly BackendView[];
  explain(question: FrontendKey): Decision;
  complaints(): readonly Complaint[];
  verdicts(): Readonly<Record<string, number>>;
}

export interface AgentStatus {
  readonly version: string;
  readonly pid: number;
  readonly startedAtMs: number;
  readonly node: string;
  readonly source: { readonly name: string; readonly synced: boolean; readonly trouble: string };
  /** True once everything that existed at the start is in force in the kernel. */
  readonly ready: boolean;
  /** Empty, or why the agent is not healthy. */
  readonly unhealthy: string;
  readonly objects: { readonly services: number; readonly endpointSlices: number; readonly trafficPolicies: number };
  readonly complaints: { readonly errors: number; readonly warnings: number; readonly notes: number };
  readonly used: Capacity;
  readonly capacity: Capacity;
  readonly connections: { readonly used: number; readonly size: number };
  /** The last change set that was applied; undefined before the first. */
  readonly lastChange: ChangeSummary | undefined;
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
  readonly addresses: readonly string[];
  readonly backends: number;
  readonly affinityTimeoutS: number;
  readonly stats: ServiceStats;
}

export interface BackendView {
  readonly service: string;
  /** Of the Service port. */
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  /** 0..1, of the Service's connections in this address family. */
  readonly share: number;
  readonly stats: Counters;
}
