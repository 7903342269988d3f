import type { Capacity } from '../core/plan/transaction.ts';
import type { CallerCounts, ProgramRuns, ServiceStats } from '../dataplane/dataplane.ts';

/** What metrics and log look at. The agent's view is one of these. */
export interface Observed {
  status(): ObservedStatus;
  /** One at a time, as they are asked for; the event loop has turns in between. */
  usage(): Iterable<ObservedService>;
  /** By who asks; undefined where that is not counted. */
  workloads(): ObservedWorkloads | undefined;
  verdicts(): Readonly<Record<string, number>>;
  /** Programs that are not in force now. */
  detachedPrograms(): readonly string[];
  /** Empty while the kernel does not count runs of programs. */
  programRuns(): readonly ProgramRuns[];
}

export interface ObservedStatus {
  readonly version: string;
  readonly source: { readonly synced: boolean; readonly trouble: string };
  readonly watches: readonly ObservedWatch[];
  readonly objects: Readonly<
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
  readonly clients: Readonly<Record<'found' | 'waiting' | 'refused', number>>;
  /** Undefined where no two sockets are ever joined. */
  readonly sameNode:
    | {
        readonly attached: boolean;
        readonly failures: number;
        readonly sockets: Readonly<Record<string, number>>;
        readonly messages: number;
        readonly bytes: number;
        readonly fallbacks: Readonly<Record<string, number>>;
        readonly unfit: Readonly<Record<string, number>>;
      }
    | undefined;
  /** Undefined when the source takes no status. */
  readonly statusWriting:
    | { readonly isLeader: boolean; readonly pending: number; readonly writes: Readonly<Record<string, number>> }
    | undefined;
  readonly complaints: { readonly errors: number; readonly warnings: number; readonly notes: number };
  readonly used: Capacity;
  readonly capacity: Capacity;
  readonly connections: { readonly used: number; readonly size: number };
}

/** A watch of one resource of a server. */
export interface ObservedWatch {
  readonly resource: string;
  readonly synced: boolean;
  readonly objects: number;
  /** Since the epoch; undefined before the first. */
  readonly lastEventAtMs: number | undefined;
  readonly lastBookmarkAtMs: number | undefined;
  readonly syncs: Readonly<Record<string, number>>;
  readonly reconnects: Readonly<Record<string, number>>;
  readonly badLines: number;
  readonly waiting: number;
}

export interface ObservedService {
  readonly namespace: string;
  readonly service: string;
  readonly protocol: string;
  readonly port: number;
  /** Undefined while nobody has used it. */
  readonly stats: ServiceStats | undefined;
}

export interface ObservedWorkloads {
  readonly usage: Iterable<ObservedWorkload>;
  /** How many pairs of a workload and a Service port have series of their own, and how many share those of `other`. */
  readonly pairs: Readonly<Record<'shown' | 'other', number>>;
}

/** What a workload asked of a Service port. */
export interface ObservedWorkload extends Omit<ObservedService, 'stats'> {
  /** `namespace` is empty for `node`, `unknown` and `other`. */
  readonly workload: { readonly namespace: string; readonly name: string };
  readonly counts: CallerCounts;
}

/** One change set that was applied. */
export interface ObservedChange {
  readonly durationMs: number;
  readonly planMs: number;
  readonly applyMs: number;
  readonly ports: number;
  readonly writes: {
    readonly backends: number;
    readonly services: number;
    readonly slots: number;
    readonly frontends: number;
    readonly removed: number;
  };
}
