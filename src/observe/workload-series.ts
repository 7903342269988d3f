import type { CallerCounts } from '../dataplane/dataplane.ts';
import { istioSeries } from './istio-series.ts';
import type { ObservedWorkload, ObservedWorkloads } from './observed.ts';
import { METRICS, type Metric } from './registry.ts';
import { affixes, escapeLabel, familyText, headText, linesOf, serviceLabels } from './series-text.ts';

/** The series of each workload and Service port. They are some thousands at most. */
export function* workloadSeries(
  workloads: ObservedWorkloads | undefined,
  { istioMetrics }: { readonly istioMetrics: boolean },
): Generator<string> {
  if (workloads === undefined) return;
  yield '';
  const noted: Noted[] = [];
  const used: ObservedWorkload[] = [];
  for (const usage of workloads.usage) {
    noted.push({ labels: labelsOf(usage), counts: usage.counts });
    if (istioMetrics) used.push(usage);
  }
  yield '';
  for (const { metric, start, end, read } of FAMILIES) {
    yield headText(metric);
    yield* linesOf({ start, end }, noted, read);
  }
  const { shown, other } = workloads.pairs;
  yield familyText(METRICS.workloadPairs, Object.entries({ shown, other }));
  if (istioMetrics) yield* istioSeries(used);
}

interface Noted {
  readonly labels: string;
  readonly counts: CallerCounts;
}

const labelsOf = (usage: ObservedWorkload): string => {
  const { namespace, name } = usage.workload;
  const own = ['workload_namespace="', escapeLabel(namespace), '",workload="', escapeLabel(name), '",'];
  return [...own, serviceLabels(usage)].join('');
};

const family = (metric: Metric, read: (counts: CallerCounts) => number) => ({
  metric,
  ...affixes(metric),
  read: ({ counts }: Noted) => read(counts),
});

const FAMILIES = [
  family(METRICS.workloadAttempted, ({ attempts }) => attempts),
  family(METRICS.workloadEstablished, ({ established }) => established),
  family(METRICS.workloadFailed, ({ failed }) => failed),
  family(METRICS.workloadClosed, ({ closed }) => closed),
  family(METRICS.workloadBroken, ({ broken }) => broken),
  family(METRICS.workloadRejected, ({ rejected }) => rejected),
  family(METRICS.workloadBytesSent, ({ bytesSent }) => bytesSent),
  family(METRICS.workloadBytesReceived, ({ bytesReceived }) => bytesReceived),
] as const;
