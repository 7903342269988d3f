import type { ServiceStats } from '../dataplane/dataplane.ts';
import type { ObservedService } from './observed.ts';
import { METRICS, type Metric } from './registry.ts';
import type { Remainder, Remainders } from './remainders.ts';
import { type Affixes, affixes, headText, linesOf, serviceLabels, TEXT_LENGTH, zerosText } from './series-text.ts';

/** A metric of Services, and how each of its series is read. */
interface Family {
  readonly metric: Metric;
  readonly series: readonly Series[];
}

interface Series extends Affixes {
  readonly read: (used: Used) => number;
}

interface Used {
  readonly labels: string;
  readonly stats: ServiceStats;
  readonly remainder: Remainder;
}

/**
 * The series of all Services. The format wants all lines of a metric together, so each Service is looked at once and what
 * is written later is noted: of most, which nobody has used, the labels alone, and those in some long texts.
 */
export function* serviceSeries(services: Iterable<ObservedService>, remainders: Remainders): Generator<string> {
  const idle: string[] = [];
  const used: Used[] = [];
  let lines: string[] = [];
  let looks = 0;
  for (const service of services) {
    const labels = serviceLabels(service);
    const { stats } = service;
    if (stats === undefined) lines.push(labels);
    else used.push({ labels, stats, remainder: remainders.of(labels, stats) });
    if (++looks % LOOKS !== 0) continue;
    idle.push(lines.join('\n'));
    lines = [];
    yield '';
  }
  idle.push(lines.join('\n'));
  remainders.keep(used);
  for (const { metric, series } of FAMILIES) {
    yield headText(metric);
    for (const each of series) yield* linesOf(each, used, each.read);
    const [first] = series;
    if (ALWAYS.has(metric) && first !== undefined) for (const labels of idle) yield zerosText(first, labels);
  }
  yield* histogramOf(CONNECT, used);
  yield* histogramOf(FIRST_RESPONSE, used);
}

/** Looked at in a row: half a millisecond. */
const LOOKS = 250;

const one = (metric: Metric, read: (stats: ServiceStats) => number): Family => ({
  metric,
  series: [{ ...affixes(metric), read: ({ stats }) => read(stats) }],
});

const byReason = (
  metric: Metric,
  reasons: Readonly<Record<string, (stats: ServiceStats, remainder: Remainder) => number>>,
): Family => ({
  metric,
  series: Object.entries(reasons).map(([reason, read]) => ({
    ...affixes(metric, '', `,reason="${reason}"`),
    read: ({ stats, remainder }) => read(stats, remainder),
  })),
});

/**
 * Of these each Service has the first series, used or not: its first increment must not be missed, and `rate` sees none in
 * a series that appears with its first value.
 */
const ALWAYS: ReadonlySet<Metric> = new Set<Metric>([METRICS.attempted, METRICS.rejected, METRICS.datagrams]);

const FAMILIES: readonly Family[] = [
  one(METRICS.attempted, (stats) => stats.attempts),
  byReason(METRICS.rejected, {
    no_endpoints: (_, { noEndpoints }) => noEndpoints,
    no_port: (stats) => stats.rejectedNoPort,
    route: (stats) => stats.rejectedShare,
  }),
  one(METRICS.datagrams, (stats) => stats.datagrams),
  one(METRICS.established, (stats) => stats.established),
  byReason(METRICS.failed, {
    refused: (stats) => stats.refused,
    timed_out: (stats) => stats.timedOut,
    unreachable: (stats) => stats.unreachable,
    abandoned: (stats) => stats.abandoned,
  }),
  byReason(METRICS.closed, {
    closed: (_, { closed }) => closed,
    reset: (stats) => stats.reset,
    broken: (stats) => stats.broken,
  }),
  one(METRICS.active, (stats) => stats.active),
  one(METRICS.pending, (stats) => stats.pending),
  one(METRICS.bytesSent, (stats) => stats.bytesSent),
  one(METRICS.bytesReceived, (stats) => stats.bytesReceived),
  one(METRICS.datagramsReceived, (stats) => stats.datagramsReceived),
  one(METRICS.retransmits, (stats) => stats.retransmits),
  {
    metric: METRICS.rtt,
    series: [
      { ...affixes(METRICS.rtt, '_sum'), read: ({ stats }) => stats.rttMicros / 1e6 },
      { ...affixes(METRICS.rtt, '_count'), read: ({ stats }) => stats.rttSamples },
    ],
  },
];

/** Buckets of the kernel that become a `le`: 2^n microseconds from 32 us to 34 s, each four times the one before. */
const EXPONENTS = [5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25] as const;

/** A histogram of times, and how that of a Service is read: buckets of powers of two, and their sum. */
interface Histogram {
  readonly metric: Metric;
  readonly buckets: readonly (Affixes & { readonly to: number })[];
  readonly infinity: Affixes;
  readonly sum: Affixes;
  readonly count: Affixes;
  /** Undefined where it has none. */
  readonly read: (stats: ServiceStats) => { readonly ns: number; readonly buckets: readonly number[] } | undefined;
}

const histogram = (metric: Metric, read: Histogram['read']): Histogram => ({
  metric,
  buckets: EXPONENTS.map((exponent) => ({
    ...affixes(metric, '_bucket', `,le="${2 ** exponent / 1e6}"`),
    to: exponent + 1,
  })),
  infinity: affixes(metric, '_bucket', ',le="+Inf"'),
  sum: affixes(metric, '_sum'),
  count: affixes(metric, '_count'),
  read,
});

const CONNECT = histogram(METRICS.connectDuration, ({ connectNs: ns, connectLatency: buckets }) => ({ ns, buckets }));
const FIRST_RESPONSE = histogram(METRICS.firstResponse, ({ firstResponses }) => firstResponses);

/** `_count` is the sum of the buckets, not `established`: connected UDP has no handshake to time. */
function* histogramOf(shape: Histogram, used: readonly Used[]): Generator<string> {
  const { infinity, sum, count } = shape;
  yield headText(shape.metric);
  let text = '';
  for (const { labels, stats } of used) {
    const times = shape.read(stats);
    if (times === undefined) continue;
    let from = 0;
    let total = 0;
    for (const { start, end, to } of shape.buckets) {
      for (; from < to; from++) total += times.buckets[from] as number;
      text += `${start}${labels}${end}${total}\n`;
    }
    for (; from < times.buckets.length; from++) total += times.buckets[from] as number;
    text += `${infinity.start}${labels}${infinity.end}${total}\n${sum.start}${labels}${sum.end}${times.ns / 1e9}\n`;
    text += `${count.start}${labels}${count.end}${total}\n`;
    if (text.length < TEXT_LENGTH) continue;
    yield text;
    text = '';
  }
  yield text;
}
