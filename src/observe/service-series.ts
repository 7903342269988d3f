import type { ServiceStats } from '../dataplane/dataplane.ts';
import type { ObservedService } from './observed.ts';
import { METRICS, type Metric } from './registry.ts';
import { type Labels, labelText, TextBuffer } from './text-buffer.ts';

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

/**
 * Writes the series of all Services. The format wants all lines of a metric together, and a scrape of a large cluster
 * must not fill the memory with its Services: each is looked at once, and only what is written later is noted.
 */
export class ServiceSeries {
  /** Used again by the next scrape. */
  readonly #labels = new TextBuffer();

  write(services: Iterable<ObservedService>, buffer: TextBuffer): void {
    const notes = this.#note(services);
    for (const [index, family] of ALWAYS.entries()) {
      writeNoted(family, notes, notes.values[index] ?? [], buffer);
      writeSeries(family.whenUsed, notes.used, buffer);
    }
    for (const family of WHEN_USED) writeFamily(family, notes.used, buffer);
    writeLatency(notes.used, buffer);
    this.#labels.clear();
  }

  #note(services: Iterable<ObservedService>): Notes {
    const labels = this.#labels;
    const ends: number[] = [];
    const values = ALWAYS.map((): number[] => []);
    const used: Used[] = [];
    for (const service of services) {
      const { stats } = service;
      const text = labelText(serviceLabels(service));
      labels.text(text);
      ends.push(labels.length);
      for (const [index, { read }] of ALWAYS.entries()) values[index]?.push(stats === undefined ? 0 : read(stats));
      if (stats !== undefined) used.push({ labels: Buffer.from(text), stats });
    }
    return { labels: labels.written, ends, values, used };
  }
}

interface Notes {
  /** Of all Services, one behind the other, and where those of each end. */
  readonly labels: Uint8Array;
  readonly ends: readonly number[];
  /** Of each family of ALWAYS: the value of each Service. */
  readonly values: readonly (readonly number[])[];
  readonly used: readonly Used[];
}

interface Used {
  readonly labels: Uint8Array;
  readonly stats: ServiceStats;
}

export const serviceLabels = ({ namespace, service, port, protocol }: Omit<ObservedService, 'stats'>): Labels => [
  ['namespace', namespace],
  ['service', service],
  ['port', String(port)],
  ['protocol', protocol],
];

const writeNoted = (
  { metric, start, end }: Single,
  { labels, ends }: Notes,
  values: readonly number[],
  buffer: TextBuffer,
): void => {
  buffer.head(metric);
  let from = 0;
  for (const [index, to] of ends.entries()) {
    buffer.line(start, labels.subarray(from, to), end, values[index] ?? 0);
    from = to;
  }
};

const writeFamily = ({ metric, series }: Family, used: readonly Used[], buffer: TextBuffer): void => {
  buffer.head(metric);
  writeSeries(series, used, buffer);
};

const writeSeries = (series: readonly Series[], used: readonly Used[], buffer: TextBuffer): void => {
  for (const { start, end, read } of series) {
    for (const { labels, stats } of used) buffer.line(start, labels, end, read(stats));
  }
};

type Affixes = Pick<Series, 'start' | 'end'>;

const affixes = ({ name }: Metric, suffix: string, extra: string): Affixes => ({
  start: Buffer.from(`${name}${suffix}{`),
  end: Buffer.from(`${extra}} `),
});

/** A metric with one series for each Service; more of it only of those that are used. */
type Single = Series & { readonly metric: Metric; readonly whenUsed: readonly Series[] };

const single = (metric: Metric, read: Series['read']): Single => ({
  ...affixes(metric, '', ''),
  metric,
  read,
  whenUsed: [],
});

const simple = (metric: Metric, read: Series['read']): Family => ({ metric, series: [single(metric, read)] });

const forReason = (metric: Metric, reason: string, read: Series['read']): Series => ({
  ...affixes(metric, '', `,reason="${reason}"`),
  read,
});

const byReason = (metric: Metric, reasons: Readonly<Record<string, Series['read']>>): Family => ({
  metric,
  series: Object.entries(reasons).map(([reason, read]) => forReason(metric, reason, read)),
});

/** Their first increment must not be missed: `rate` sees none in a series that appears with its first value. */
const ALWAYS: readonly Single[] = [
  single(METRICS.attempted, (stats) => stats.attempts),
  {
    metric: METRICS.rejected,
    ...forReason(METRICS.rejected, 'no_endpoints', ({ rejected, rejectedNoPort, rejectedShare }) =>
      // As below: the kernel goes on counting.
      Math.max(0, rejected - rejectedNoPort - rejectedShare),
    ),
    whenUsed: [
      forReason(METRICS.rejected, 'no_port', (stats) => stats.rejectedNoPort),
      forReason(METRICS.rejected, 'route', (stats) => stats.rejectedShare),
    ],
  },
  single(METRICS.datagrams, (stats) => stats.datagrams),
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
  simple(METRICS.datagramsReceived, (stats) => stats.datagramsReceived),
  simple(METRICS.retransmits, (stats) => stats.retransmits),
  {
    metric: METRICS.rtt,
    series: [
      { ...affixes(METRICS.rtt, '_sum', ''), read: (stats) => stats.rttMicros / 1e6 },
      { ...affixes(METRICS.rtt, '_count', ''), read: (stats) => stats.rttSamples },
    ],
  },
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
const writeLatency = (used: readonly Used[], buffer: TextBuffer): void => {
  buffer.head(METRICS.connectDuration);
  for (const { labels: label, stats } of used) {
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
