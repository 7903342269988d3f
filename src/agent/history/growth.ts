import { bucketsBetween, failedOf, haveBucketsFallen } from '../../core/counted.ts';
import type { ServiceStats } from '../../dataplane/dataplane.ts';

/** What counters of a Service port have grown by between two looks. */
export interface Growth extends Readonly<Record<GrowthName, number>> {
  /** As `ServiceStats.connectLatency`. */
  readonly latency: readonly number[];
}

export type GrowthName = (typeof NAMES)[number];

/** What is kept of the last look. An empty `latency` was not kept: what it has grown by is not known. */
export type Totals = Growth;

const NAMES = ['connections', 'failed', 'rejected', 'datagrams', 'sent', 'received'] as const;

export const totalsOf = (stats: ServiceStats): Totals => ({
  connections: stats.attempts,
  failed: failedOf(stats),
  rejected: stats.rejected,
  datagrams: stats.datagrams,
  sent: stats.bytesSent,
  received: stats.bytesReceived,
  latency: stats.connectLatency,
});

/** Counters that went back were reset, as those of a Service that was made again: they count from 0. */
export const growthBetween = (before: Totals, after: Totals): Growth => {
  if (isReset(before, after)) return after;
  const isKnown = before === NOTHING || before.latency.length > 0;
  const latency = isKnown ? bucketsBetween(before.latency, after.latency) : [];
  const growth: Writable = { ...after, latency };
  for (const name of NAMES) growth[name] -= before[name];
  return growth;
};

const isReset = (before: Totals, after: Totals): boolean =>
  NAMES.some((name) => after[name] < before[name]) || haveBucketsFallen(before.latency, after.latency);

export const sumOf = (one: Growth, other: Growth): Growth => {
  const [long, short] = one.latency.length < other.latency.length ? [other, one] : [one, other];
  const latency = long.latency.map((count, bucket) => count + (short.latency[bucket] ?? 0));
  const sum: Writable = { ...one, latency };
  for (const name of NAMES) sum[name] += other[name];
  return sum;
};

type Writable = { -readonly [Name in keyof Growth]: Growth[Name] };

export const NOTHING: Growth = Object.freeze({
  connections: 0,
  failed: 0,
  rejected: 0,
  datagrams: 0,
  sent: 0,
  received: 0,
  latency: [],
});

/** Connections, whatever became of them, and datagrams: by how much a Service is in use. */
export const usesOf = ({ connections, rejected, datagrams }: Growth): number => connections + rejected + datagrams;
