import type { ServiceView } from '../../agent/view.ts';
import { bucketsBetween, failedOf, haveBucketsFallen } from '../../core/counted.ts';
import { percentileUs } from '../../core/percentile.ts';
import type { ServiceStats } from '../../dataplane/dataplane.ts';
import type { Reading } from './reading.ts';

/** What happened between two readings. */
export interface Rates {
  readonly node: string;
  /** Between the readings; undefined after the first. */
  readonly intervalMs: number | undefined;
  readonly totals: Totals;
  readonly sameNode: SameNodeRates | undefined;
  readonly ports: readonly PortRates[];
}

export interface Totals extends Speeds {
  readonly active: number;
  readonly pending: number;
}

/** Of a Service port. */
export interface PortRates extends Pick<ServiceView, Identity>, Totals {
  /** Of connects between the readings; undefined where none was timed. */
  readonly connectP50Us: number | undefined;
  readonly connectP99Us: number | undefined;
  /** Of first responses, where those are measured. */
  readonly responseP50Us: number | undefined;
  readonly responseP99Us: number | undefined;
}

type Identity = 'id' | 'namespace' | 'service' | 'portName' | 'protocol' | 'port' | 'backends';

/** Undefined while there is only one reading. */
export type Speeds = Readonly<Record<SpeedName, number | undefined>>;

export type SpeedName =
  | 'attemptsPerS'
  | 'failedPerS'
  | 'rejectedPerS'
  | 'datagramsPerS'
  | 'bytesSentPerS'
  | 'bytesReceivedPerS';

/** Of connections that go socket to socket, on the whole node. */
export interface SameNodeRates {
  readonly attached: boolean;
  /** Empty, or why it is not done though somebody wants it. */
  readonly unavailable: string;
  /** Sockets now. */
  readonly joined: number;
  readonly messagesPerS: number | undefined;
  readonly bytesPerS: number | undefined;
  /** 0 to 1, of the messages of joined sockets: others went by TCP. Undefined where there was none. */
  readonly messageShare: number | undefined;
}

/**
 * A Service port that the reading before did not have has no rates yet: after a restart of the agent its counters may
 * be old. Counters that went back were reset, as those of a Service that was made again: they count from 0.
 */
export const ratesBetween = (before: Reading | undefined, after: Reading): Rates => {
  const intervalMs = before === undefined || before.atMs >= after.atMs ? undefined : after.atMs - before.atMs;
  const known = new Map(intervalMs === undefined ? [] : before?.services.map(({ id, stats }) => [id, stats]));
  const ports = after.services.map((view) => portRates(view, known.get(view.id), intervalMs));
  return {
    node: after.node,
    intervalMs,
    totals: totalsOf(ports),
    sameNode: sameNodeRates(before?.sameNode, after.sameNode, intervalMs),
    ports,
  };
};

export const totalsOf = (ports: readonly PortRates[]): Totals => {
  const sum = (name: SpeedName): number | undefined => {
    const values = ports.flatMap((port) => port[name] ?? []);
    return values.length === 0 && ports.length > 0 ? undefined : values.reduce((total, value) => total + value, 0);
  };
  return {
    active: ports.reduce((total, { active }) => total + active, 0),
    pending: ports.reduce((total, { pending }) => total + pending, 0),
    attemptsPerS: sum('attemptsPerS'),
    failedPerS: sum('failedPerS'),
    rejectedPerS: sum('rejectedPerS'),
    datagramsPerS: sum('datagramsPerS'),
    bytesSentPerS: sum('bytesSentPerS'),
    bytesReceivedPerS: sum('bytesReceivedPerS'),
  };
};

const portRates = (view: ServiceView, before: ServiceStats | undefined, intervalMs: number | undefined): PortRates => {
  const { id, namespace, service, portName, protocol, port, backends, stats } = view;
  const base = before === undefined || wasReset(before, stats) ? undefined : before;
  const perSecond = (read: (from: ServiceStats) => number): number | undefined =>
    before === undefined || intervalMs === undefined
      ? undefined
      : ((read(stats) - (base === undefined ? 0 : read(base))) * 1000) / intervalMs;
  const latencies = before === undefined ? [] : bucketsBetween(base?.connectLatency, stats.connectLatency);
  const responses =
    before === undefined ? [] : bucketsBetween(base?.firstResponses?.buckets, stats.firstResponses?.buckets);
  return {
    ...{ id, namespace, service, portName, protocol, port, backends },
    active: stats.active,
    pending: stats.pending,
    attemptsPerS: perSecond(({ attempts }) => attempts),
    failedPerS: perSecond(failedOf),
    rejectedPerS: perSecond(({ rejected }) => rejected),
    datagramsPerS: perSecond(({ datagrams }) => datagrams),
    bytesSentPerS: perSecond(({ bytesSent }) => bytesSent),
    bytesReceivedPerS: perSecond(({ bytesReceived }) => bytesReceived),
    connectP50Us: percentileUs(latencies, 0.5),
    connectP99Us: percentileUs(latencies, 0.99),
    responseP50Us: percentileUs(responses, 0.5),
    responseP99Us: percentileUs(responses, 0.99),
  };
};

/** All counters of a Service are reset at once, but not all show it. */
const wasReset = (before: ServiceStats, after: ServiceStats): boolean =>
  GROWING.some((name) => after[name] < before[name]) ||
  haveBucketsFallen(before.connectLatency, after.connectLatency) ||
  haveBucketsFallen(before.firstResponses?.buckets, after.firstResponses?.buckets);

const GROWING = [
  'attempts',
  'refused',
  'timedOut',
  'unreachable',
  'abandoned',
  'rejected',
  'datagrams',
  'bytesSent',
  'bytesReceived',
] as const satisfies readonly (keyof ServiceStats)[];

const sameNodeRates = (
  before: Reading['sameNode'],
  after: Reading['sameNode'],
  intervalMs: number | undefined,
): SameNodeRates | undefined => {
  if (after === undefined) return undefined;
  const { attached, unavailable, sockets } = after;
  const nothing = { messagesPerS: undefined, bytesPerS: undefined, messageShare: undefined };
  const shown = { attached, unavailable, joined: sockets.joined };
  if (before === undefined || intervalMs === undefined) return { ...shown, ...nothing };
  const byTcp = (status: NonNullable<Reading['sameNode']>): number =>
    Object.values(status.fallbacks).reduce((sum, times) => sum + times, 0);
  const isReset = after.messages < before.messages || after.bytes < before.bytes || byTcp(after) < byTcp(before);
  const since = (now: number, then: number): number => (isReset ? now : now - then);
  const messages = since(after.messages, before.messages);
  const all = messages + since(byTcp(after), byTcp(before));
  return {
    ...shown,
    messagesPerS: (messages * 1000) / intervalMs,
    bytesPerS: (since(after.bytes, before.bytes) * 1000) / intervalMs,
    messageShare: all === 0 ? undefined : messages / all,
  };
};
