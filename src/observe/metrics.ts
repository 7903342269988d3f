import type { Observed, ObservedChange, ObservedStatus } from './observed.ts';
import { Counter, collectOwnProcess, Histogram, Registry } from './prom-client.ts';
import { METRICS, type Metric } from './registry.ts';
import { Remainders } from './remainders.ts';
import { familyText, inPieces } from './series-text.ts';
import { serviceSeries } from './service-series.ts';
import { watchSeries } from './watch-series.ts';
import { workloadSeries } from './workload-series.ts';

export interface Metrics {
  recordChange(change: ObservedChange): void;
  recordFailure(): void;
  recordSocketsEnded(count: number): void;
  recordLostEnded(count: number): void;
  recordSocketsFailure(): void;
  /** From the trigger time of an EndpointSlice to the kernel, for each one that was applied. */
  recordProgrammed(durationsMs: readonly number[]): void;
  scrape(): Promise<Scrape>;
}

/** `body` is made while it is sent: a piece is good until the next one is asked for. */
export interface Scrape {
  readonly type: string;
  readonly body: Iterable<Uint8Array>;
}

const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8';

/** Series of Services and tables come from the view at each scrape; the agent's own are kept by prom-client. */
export const createMetrics = (
  observed: Observed,
  nowMs: () => number = Date.now,
  { istioMetrics = false }: { readonly istioMetrics?: boolean } = {},
): Metrics => {
  const { registry, ...records } = createOwn();
  const remainders = new Remainders();
  function* texts(own: string): Generator<string> {
    yield* serviceSeries(observed.usage(), remainders);
    yield* workloadSeries(observed.workloads(), { istioMetrics });
    yield '';
    const status = observed.status();
    yield* statusSeries(status, observed.verdicts());
    yield* programSeries(observed);
    yield watchSeries(status.watches, nowMs());
    yield own;
  }
  return {
    ...records,
    scrape: async () => ({ type: TEXT_FORMAT, body: inPieces(texts(await registry.metrics())) }),
  };
};

/** Seconds. Small changes take well under a millisecond, the first one of a large cluster half a second. */
const APPLY_BUCKETS = [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
const PROGRAMMING_BUCKETS = [...APPLY_BUCKETS, 10, 30, 60];

const steps = (from: number, width: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, step) => from + width * step);

/** Those of kube-proxy (pkg/proxy/metrics), so that one quantile may be taken over nodes with either. */
const NETWORK_BUCKETS = [...steps(0.25, 0.25, 2), ...steps(1, 1, 59), ...steps(60, 5, 12), ...steps(120, 30, 7)];

const createOwn = () => {
  const registry = new Registry();
  collectOwnProcess(registry);
  const common = ({ name, help, labels }: Metric) => ({ name, help, labelNames: [...labels], registers: [registry] });
  const changes = new Counter(common(METRICS.changes));
  const failures = new Counter(common(METRICS.changeFailures));
  const socketsEnded = new Counter(common(METRICS.socketsEnded));
  const lostEnded = new Counter(common(METRICS.lostEnded));
  const socketsFailures = new Counter(common(METRICS.socketsFailures));
  const writes = new Counter(common(METRICS.tableWrites));
  const removals = new Counter(common(METRICS.tableRemovals));
  const apply = new Histogram({ ...common(METRICS.applyDuration), buckets: APPLY_BUCKETS });
  const programming = new Histogram({ ...common(METRICS.programmingDuration), buckets: PROGRAMMING_BUCKETS });
  const network = new Histogram({ ...common(METRICS.networkProgramming), buckets: NETWORK_BUCKETS });
  for (const table of TABLES) writes.inc({ table }, 0);
  return {
    registry,
    recordChange: ({ durationMs, applyMs, writes: written }: ObservedChange): void => {
      changes.inc();
      for (const table of TABLES) writes.inc({ table }, written[table]);
      removals.inc(written.removed);
      apply.observe(applyMs / 1000);
      programming.observe(durationMs / 1000);
    },
    recordFailure: () => failures.inc(),
    recordSocketsEnded: (count: number) => socketsEnded.inc(count),
    recordLostEnded: (count: number) => lostEnded.inc(count),
    recordSocketsFailure: () => socketsFailures.inc(),
    recordProgrammed: (durationsMs: readonly number[]): void => {
      for (const durationMs of durationsMs) network.observe(durationMs / 1000);
    },
  };
};

const TABLES = ['frontends', 'slots', 'backends', 'services'] as const;

function* statusSeries(status: ObservedStatus, verdicts: Readonly<Record<string, number>>): Generator<string> {
  const { used, capacity, connections, objects, clients, sameNode, statusWriting, complaints, source, version } =
    status;
  const tables = (entries: ObservedStatus['used']) => TABLES.map((table) => [table, entries[table]] as const);
  yield familyText(METRICS.verdicts, Object.entries(verdicts));
  yield familyText(METRICS.tableEntries, tables(used));
  yield familyText(METRICS.tableCapacity, tables(capacity));
  yield familyText(METRICS.connectionsUsed, [['', connections.used]]);
  yield familyText(METRICS.connectionsSize, [['', connections.size]]);
  yield familyText(METRICS.objects, [
    ['Service', objects.services],
    ['EndpointSlice', objects.endpointSlices],
    ['TrafficPolicy', objects.trafficPolicies],
    ['DestinationRule', objects.destinationRules],
    ['Route', objects.routes],
    ['ReferenceGrant', objects.referenceGrants],
    ['Node', objects.nodes],
    ['Pod', objects.pods],
  ]);
  yield familyText(METRICS.complaints, [
    ['error', complaints.errors],
    ['warning', complaints.warnings],
    ['note', complaints.notes],
  ]);
  yield familyText(METRICS.clientPods, Object.entries(clients));
  if (sameNode !== undefined) yield* sameNodeSeries(sameNode);
  if (statusWriting !== undefined) {
    yield familyText(METRICS.statusLeader, [['', statusWriting.isLeader ? 1 : 0]]);
    yield familyText(METRICS.statusPending, [['', statusWriting.pending]]);
    yield familyText(METRICS.statusWrites, Object.entries(statusWriting.writes));
  }
  yield familyText(METRICS.sourceSynced, [['', source.synced ? 1 : 0]]);
  yield familyText(METRICS.sourceTrouble, [['', source.trouble === '' ? 0 : 1]]);
  yield familyText(METRICS.buildInfo, [[version, 1]]);
}

function* programSeries(observed: Pick<Observed, 'detachedPrograms' | 'programRuns'>): Generator<string> {
  yield familyText(METRICS.programsDetached, [['', observed.detachedPrograms().length]]);
  const counted = observed.programRuns();
  if (counted.length === 0) return;
  const runs = counted.map(({ program, runs }) => [program, runs] as const);
  const seconds = counted.map(({ program, ns }) => [program, ns / 1e9] as const);
  yield familyText(METRICS.programRuns, runs);
  yield familyText(METRICS.programRunSeconds, seconds);
}

function* sameNodeSeries(sameNode: NonNullable<ObservedStatus['sameNode']>): Generator<string> {
  yield familyText(METRICS.sameNodeAttached, [['', sameNode.attached ? 1 : 0]]);
  yield familyText(METRICS.sameNodeSockets, Object.entries(sameNode.sockets));
  yield familyText(METRICS.sameNodeMessages, [['', sameNode.messages]]);
  yield familyText(METRICS.sameNodeBytes, [['', sameNode.bytes]]);
  yield familyText(METRICS.sameNodeFallbacks, Object.entries(sameNode.fallbacks));
  yield familyText(METRICS.sameNodeUnfit, Object.entries(sameNode.unfit));
  yield familyText(METRICS.sameNodeFailures, [['', sameNode.failures]]);
}
