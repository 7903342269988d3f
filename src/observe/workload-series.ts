import type { CallerCounts } from '../dataplane/dataplane.ts';
import { writeIstio } from './istio-series.ts';
import type { ObservedWorkload, ObservedWorkloads } from './observed.ts';
import { METRICS, type Metric } from './registry.ts';
import { serviceLabels } from './service-series.ts';
import { labelText, type TextBuffer } from './text-buffer.ts';

/** Writes the series of each workload and Service port. They are some thousands at most. */
export const writeWorkloads = (
  workloads: ObservedWorkloads | undefined,
  buffer: TextBuffer,
  { istioMetrics }: { readonly istioMetrics: boolean },
): void => {
  if (workloads === undefined) return;
  const used = [...workloads.usage];
  const noted = used.map((usage) => ({ labels: labelsOf(usage), counts: usage.counts }));
  for (const { metric, start, read } of FAMILIES) {
    buffer.head(metric);
    for (const { labels, counts } of noted) buffer.line(start, labels, END, read(counts));
  }
  buffer.head(METRICS.workloadPairs);
  for (const state of ['shown', 'other'] as const)
    buffer.text(`${METRICS.workloadPairs.name}{${labelText([['state', state]])}} ${workloads.pairs[state]}\n`);
  if (istioMetrics) writeIstio(used, buffer);
};

const labelsOf = ({ workload, ...asked }: ObservedWorkload): Uint8Array =>
  Buffer.from(
    labelText([['workload_namespace', workload.namespace], ['workload', workload.name], ...serviceLabels(asked)]),
  );

const family = (metric: Metric, read: (counts: CallerCounts) => number) => ({
  metric,
  start: Buffer.from(`${metric.name}{`),
  read,
});

const END = Buffer.from('} ');

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
