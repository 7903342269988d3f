import type { ServiceStats } from '../dataplane/dataplane.ts';
import type { ObservedService } from './observed.ts';
import { METRICS, type Metric } from './registry.ts';
import { labelText, type TextBuffer } from './text-buffer.ts';

/** A metric of Services, and how each of its series is read. */
interface Family {
  readonly metric: Metric;
  readonly series: readonly Series[];
}

interface Series {
  /** What stands before and after the labels of the Service. */
  readonly start: Uint8Array;
  readonly end: Uint8Array;
  readonly read: (stats: ServiceStats) => number;
}

/** Writes the series of all Services. Keeps the bytes of their labels, those of the Services of the last scrape. */
export class ServiceSeries {
  #labels: ReadonlyMap<string, Uint8Array> = new Map();

  write(services: readonly ObservedService[], buffer: TextBuffer): void {
    const labels = this.#labelsOf(services);
    const used = services.flatMap((service, index) => (isUsed(service.stats) ? [index] : []));
    const all = [...services.keys()];
    for (const family of ALWAYS) writeFamily(family, services, labels, all, buffer);
    for (const family of WHEN_USED) writeFamily(family, services, labels, used, buffer);
    writeLatency(services, labels, used, buffer);
  }

  #labelsOf(services: readonly ObservedService[]): readonly Uint8Array[] {
    const labels = services.map((service) => this.#labels.get(service.id) ?? encodeLabels(service));
    this.#labels = new Map(services.map(({ id }, index) => [id, labels[index] as Uint8Array]));
    return labels;
  }
}

const encodeLabels = ({ namespace, service, port, protocol }: ObservedService): Uint8Array => {
  const labels = [
    ['namespace', namespace],
    ['service', service],
    ['port', String(port)],
    ['protocol', protocol],
  ] as const;
  return Buffer.from(labelText(labels));
};

const isUsed = ({ attempts, datagrams, rejected }: ServiceStats): boolean => attempts + datagrams + rejected > 0;

/** The format wants all lines of a metric together: Services are gone through once for each. */
const writeFamily = (
  { metric, series }: Family,
  services: readonly ObservedService[],
  labels: readonly Uint8Array[],
  indexes: readonly number[],
  buffer: TextBuffer,
): void => {
  buffer.head(metric);
  for (const { start, end, read } of series) {
    for (const index of indexes) {
      const { stats } = services[index] as ObservedService;
      buffer.line(start, labels[index] as Uint8Array, end, read(stats));
    }
  }
};

type Affixes = Pick<Series, 'start' | 'end'>;

const affixes = ({ name }: Metric, suffix: string, extra: string): Affixes => ({
  start: Buffer.from(`${name}${suffix}{`),
  end: Buffer.from(`${extra}} `),
});

const simple = (metric: Metric, read: Series['read']): Family => ({
  metric,
  series: [{ ...affixes(metric, '', ''), read }],
});

const byReason = (metric: Metric, reasons: Readonly<Record<string, Series['read']>>): Family => ({
  metric,
  series: Object.entries(reasons).map(([reason, read]) => ({ ...affixes(metric, '', `,reason="${reason}"`), read })),
});

/** Their first increment must not be missed: `rate` sees none in a series that appears with its first value. */
const ALWAYS: readonly Family[] = [
  simple(METRICS.attempted, (stats) => stats.attempts),
  simple(METRICS.rejected, (stats) => stats.rejected),
  simple(METRICS.datagrams, (stats) => stats.datagrams),
];

const WHEN_USED: readonly Family[] = [
  simple(METRICS.established, (stats) => stats.established),
  byReason(METRICS.failed, {
    refused: (stats) => stats.refused,
    timed_out: (stats) => stats.timedOut,
    unreachable: (stats) => stats.unreachable,
    abandoned: (stats) => stats.abandoned,
  }),
  byReason(METRICS.closed, {
    // Read while the kernel counts: never let the difference of three counters go below zero.
    closed: (stats) => Math.max(0, stats.closed - stats.reset - stats.broken),
    reset: (stats) => stats.reset,
    broken: (stats) => stats.broken,
  }),
  simple(METRICS.active, (stats) => stats.active),
  simple(METRICS.pending, (stats) => stats.pending),
  simple(METRICS.bytesSent, (stats) => stats.bytesSent),
  simple(METRICS.bytesReceived, (stats) => stats.bytesReceived),
];

/** Buckets of the kernel that become a `le`: 2^n microseconds from 32 us to 34 s, each four times the one before. */
const EXPONENTS = [5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25] as const;

const latency = (suffix: string, extra = ''): Affixes => affixes(METRICS.connectDuration, suffix, extra);

const LATENCY = {
  buckets: EXPONENTS.map((exponent) => latency('_bucket', `,le="${2 ** exponent / 1e6}"`)),
  infinity: latency('_bucket', ',le="+Inf"'),
  sum: latency('_sum'),
  count: latency('_count'),
};

/** `_count` is the sum of the buckets, not `established`: connected UDP has no handshake to time. */
const writeLatency = (
  services: readonly ObservedService[],
  labels: readonly Uint8Array[],
  indexes: readonly number[],
  buffer: TextBuffer,
): void => {
  buffer.head(METRICS.connectDuration);
  for (const index of indexes) {
    const { stats } = services[index] as ObservedService;
    const label = labels[index] as Uint8Array;
    let from = 0;
    let total = 0;
    for (const [position, { start, end }] of LATENCY.buckets.entries()) {
      const to = (EXPONENTS[position] as number) + 1;
      for (; from < to; from++) total += stats.connectLatency[from] ?? 0;
      buffer.line(start, label, end, total);
    }
    for (; from < stats.connectLatency.length; from++) total += stats.connectLatency[from] ?? 0;
    buffer.line(LATENCY.infinity.start, label, LATENCY.infinity.end, total);
    buffer.line(LATENCY.sum.start, label, LATENCY.sum.end, stats.connectNs / 1e9);
    buffer.line(LATENCY.count.start, label, LATENCY.count.end, total);
  }
};
