import type { Observed, ObservedChange, ObservedStatus } from './observed.ts';
import { Counter, collectOwnProcess, Histogram, Registry } from './prom-client.ts';
import { METRICS, type Metric } from './registry.ts';
import { ServiceSeries } from './service-series.ts';
import { labelText, numberText, TextBuffer } from './text-buffer.ts';
import { writeWatches } from './watch-series.ts';
import { writeWorkloads } from './workload-series.ts';

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

/** `body` lies in a buffer that the next scrape uses again once it was released. */
export interface Scrape {
  readonly type: string;
  readonly body: Uint8Array;
  readonly release: () => void;
}

const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8';

/** Series of Services and tables come from the view at each scrape; the agent's own are kept by prom-client. */
export const createMetrics = (
  observed: Observed,
  nowMs: () => number = Date.now,
  { istioMetrics = false }: { readonly istioMetrics?: boolean } = {},
): Metrics => {
  const { registry, ...records } = createOwn();
  const services = new ServiceSeries();
  let spare: TextBuffer | undefined;
  return {
    ...records,
    scrape: async () => {
      const ownText = await registry.metrics();
      const buffer = spare ?? new TextBuffer();
      spare = undefined;
      buffer.clear();
      services.write(observed.usage(), buffer);
      writeWorkloads(observed.workloads(), buffer, { istioMetrics });
      const status = observed.status();
      writeStatus(status, observed.verdicts(), buffer);
      writePrograms(observed, buffer);
      writeWatches(status.watches, nowMs(), buffer);
      buffer.text(ownText);
      // Two scrapes at once: each has a buffer of its own, and one of them is kept.
      const release = (): void => {
        buffer.clear();
        spare = buffer;
      };
      return { type: TEXT_FORMAT, body: buffer.written, release };
    },
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

const writeStatus = (status: ObservedStatus, verdicts: Readonly<Record<string, number>>, buffer: TextBuffer): void => {
  const { used, capacity, connections, objects, clients, sameNode, statusWriting, complaints, source, version } =
    status;
  const tables = (entries: ObservedStatus['used']) => TABLES.map((table) => [table, entries[table]] as const);
  writeFamily(METRICS.verdicts, Object.entries(verdicts), buffer);
  writeFamily(METRICS.tableEntries, tables(used), buffer);
  writeFamily(METRICS.tableCapacity, tables(capacity), buffer);
  writeFamily(METRICS.connectionsUsed, [['', connections.used]], buffer);
  writeFamily(METRICS.connectionsSize, [['', connections.size]], buffer);
  const kinds = [
    ['Service', objects.services],
    ['EndpointSlice', objects.endpointSlices],
    ['TrafficPolicy', objects.trafficPolicies],
    ['DestinationRule', objects.destinationRules],
    ['Route', objects.routes],
    ['ReferenceGrant', objects.referenceGrants],
    ['Node', objects.nodes],
    ['Pod', objects.pods],
  ] as const;
  writeFamily(METRICS.objects, kinds, buffer);
  const severities = [
    ['error', complaints.errors],
    ['warning', complaints.warnings],
    ['note', complaints.notes],
  ] as const;
  writeFamily(METRICS.complaints, severities, buffer);
  writeFamily(METRICS.clientPods, Object.entries(clients), buffer);
  if (sameNode !== undefined) writeSameNode(sameNode, buffer);
  if (statusWriting !== undefined) {
    writeFamily(METRICS.statusLeader, [['', statusWriting.isLeader ? 1 : 0]], buffer);
    writeFamily(METRICS.statusPending, [['', statusWriting.pending]], buffer);
    writeFamily(METRICS.statusWrites, Object.entries(statusWriting.writes), buffer);
  }
  writeFamily(METRICS.sourceSynced, [['', source.synced ? 1 : 0]], buffer);
  writeFamily(METRICS.sourceTrouble, [['', source.trouble === '' ? 0 : 1]], buffer);
  writeFamily(METRICS.buildInfo, [[version, 1]], buffer);
};

const writePrograms = (observed: Pick<Observed, 'detachedPrograms' | 'programRuns'>, buffer: TextBuffer): void => {
  writeFamily(METRICS.programsDetached, [['', observed.detachedPrograms().length]], buffer);
  const counted = observed.programRuns();
  if (counted.length === 0) return;
  writeFamily(
    METRICS.programRuns,
    counted.map(({ program, runs }) => [program, runs]),
    buffer,
  );
  writeFamily(
    METRICS.programRunSeconds,
    counted.map(({ program, ns }) => [program, ns / 1e9]),
    buffer,
  );
};

const writeSameNode = (sameNode: NonNullable<ObservedStatus['sameNode']>, buffer: TextBuffer): void => {
  writeFamily(METRICS.sameNodeAttached, [['', sameNode.attached ? 1 : 0]], buffer);
  writeFamily(METRICS.sameNodeSockets, Object.entries(sameNode.sockets), buffer);
  writeFamily(METRICS.sameNodeMessages, [['', sameNode.messages]], buffer);
  writeFamily(METRICS.sameNodeBytes, [['', sameNode.bytes]], buffer);
  writeFamily(METRICS.sameNodeFallbacks, Object.entries(sameNode.fallbacks), buffer);
  writeFamily(METRICS.sameNodeUnfit, Object.entries(sameNode.unfit), buffer);
  writeFamily(METRICS.sameNodeFailures, [['', sameNode.failures]], buffer);
};

/** A metric with one label at most. */
const writeFamily = (
  metric: Metric,
  values: readonly (readonly [label: string, value: number])[],
  buffer: TextBuffer,
) => {
  buffer.head(metric);
  const [name] = metric.labels;
  for (const [label, value] of values) {
    const labels = name === undefined ? '' : `{${labelText([[name, label]])}}`;
    buffer.text(`${metric.name}${labels} ${numberText(value)}\n`);
  }
};
