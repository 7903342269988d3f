/** What the agent answers to its page: plain JSON. Times are milliseconds, `atMs` those of a clock that never goes back. */

export interface Overview {
  readonly node: string;
  readonly version: string;
  /** When the counters were read. */
  readonly atMs: number;
  readonly health: Health;
  /** Of the history, one more when charts have something new. */
  readonly step: number;
  /** Of all Service ports. */
  readonly ports: number;
  /** Of those, on this node, since the counters began. */
  readonly used: number;
  /** How many there are of what was searched for; without a search, as `used`. */
  readonly found: number;
  /** Some of these, those in use most first. */
  readonly rows: readonly Row[];
  /** Undefined where it is not counted by who asks. */
  readonly pairs?: Pairs;
}

export interface Health {
  readonly ready: boolean;
  /** Empty, or why the agent is not healthy. */
  readonly unhealthy: string;
  readonly source: { readonly name: string; readonly trouble: string };
  /** Programs that are not in force now. */
  readonly detached: readonly string[];
  readonly complaints: { readonly errors: number; readonly warnings: number; readonly notes: number };
}

/** A Service port. */
export interface Row {
  /** `namespace/service/port-name/PROTOCOL`. */
  readonly id: string;
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP';
  readonly counts: Counts;
  /** 99 % of the connects of the last 5 s took no longer. Absent where there was none. */
  readonly connectP99Us?: number;
}

/** Since the counters began. */
export interface Counts {
  /** Sent to an endpoint. */
  readonly connections: number;
  /** Of these, those that came to nothing. */
  readonly failed: number;
  /** Refused by Shunt itself. */
  readonly rejected: number;
  readonly datagrams: number;
  readonly sent: number;
  readonly received: number;
  /** Open now. */
  readonly active: number;
}

export interface Pairs {
  readonly atMs: number;
  readonly shown: readonly Pair[];
  readonly more: number;
}

/** What a workload asked of a Service port. */
export interface Pair {
  /** Empty for `other`, which is all the rest, and `unknown`. */
  readonly namespace: string;
  /** `Deployment/web`. */
  readonly workload: string;
  /** `shop/cart:80`, `kube-system/kube-dns:53/udp`. */
  readonly port: string;
  readonly counts: Pick<Counts, 'connections' | 'failed' | 'rejected'>;
}

export interface Detail {
  readonly atMs: number;
  readonly service: ServiceDetail;
  readonly backends: readonly Backend[];
  readonly more: number;
}

export interface ServiceDetail {
  readonly id: string;
  readonly namespace: string;
  readonly service: string;
  readonly portName: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
  readonly addresses: readonly string[];
  readonly nodePort: number;
  readonly algorithm: string;
  readonly route?: string;
  readonly affinityTimeoutS: number;
  readonly counts: Counts;
}

export interface Backend {
  /** The same over changes of its share. */
  readonly key: string;
  /** Shares of one group sum up to 1: of an address family, or of clients with a choice of their own. */
  readonly group: string;
  readonly state: 'answering' | 'refused' | 'drained' | 'earlier';
  readonly address: string;
  readonly port: number;
  readonly arm?: string;
  readonly clients?: string;
  /** 0..1 */
  readonly share: number;
  /** Of the connections since shares last changed, or the agent started, where it has counted some. */
  readonly observed?: ObservedShare;
  readonly connections: number;
  readonly failed: number;
  readonly rejected: number;
  readonly active: number;
}

export interface ObservedShare {
  /** 0..1 */
  readonly share: number;
  /** How many there were, of all of the group. */
  readonly of: number;
  readonly forMs: number;
}

export interface HistoryView {
  /** Counts steps. */
  readonly step: number;
  readonly stepMs: number;
  /** Absent where nothing is kept of this Service port. */
  readonly series?: Series;
}

/** The newest step last; null: not known. */
export type Series = Readonly<Record<SeriesName, readonly (number | null)[]>>;

/** A second, but for the latencies. */
export type SeriesName =
  | 'connections'
  | 'failed'
  | 'rejected'
  | 'datagrams'
  | 'sent'
  | 'received'
  | 'connectP50Us'
  | 'connectP99Us';

export interface Explained {
  readonly outcome: 'sent' | 'refused' | 'left alone';
  /** As `shunt explain` prints it. */
  readonly lines: readonly string[];
}

export interface ComplaintView {
  readonly severity: 'error' | 'warning' | 'note';
  readonly object: string;
  readonly path: string;
  readonly message: string;
}

export interface Failure {
  readonly error: { readonly code: string; readonly message: string; readonly help: string };
}

/** One connection or refusal. */
export interface FlowEvent {
  readonly atMs: number;
  readonly outcome: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly from: { readonly cgroup?: string; readonly namespace?: string; readonly pod?: string };
  readonly service?: string;
  readonly address: string;
  readonly port: number;
  readonly endpoint?: { readonly address: string; readonly port: number };
  readonly connectMs?: number;
  readonly durationMs?: number;
  readonly bytesSent?: number;
  readonly bytesReceived?: number;
}

/** How much of everything is shown, since the page asked. */
export interface Sampling {
  readonly sampling: number;
  readonly offered: number;
  readonly sampledOut: number;
  readonly dropped: number;
  readonly skipped: number;
}

export type EventLine = FlowEvent | Sampling;
