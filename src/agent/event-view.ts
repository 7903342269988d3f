import type { EventOutcome, TakenEvent } from '../dataplane/dataplane.ts';

/** One connection or refusal, as it is shown. What is not known is left out. */
export interface EventView {
  readonly atMs: number;
  readonly outcome: EventOutcome;
  readonly protocol: 'TCP' | 'UDP';
  readonly from: EventSource;
  /** `namespace/name`. Absent once the Service is gone. */
  readonly service?: string;
  /** Of the Service port, as `ServiceView.id`. */
  readonly id?: string;
  /** What was asked. */
  readonly address: string;
  readonly port: number;
  /** Absent where it was rejected. */
  readonly endpoint?: { readonly address: string; readonly port: number };
  /** From `connect()` to the answer, or to giving up. */
  readonly connectMs?: number;
  /** From then to the end. */
  readonly durationMs?: number;
  /** Of TCP payload, at the end. */
  readonly bytesSent?: number;
  readonly bytesReceived?: number;
}

/** A Pod of this node where it is known, else only the cgroup. */
export interface EventSource {
  /** Its id, a number of 64 bits; absent where nobody knows. */
  readonly cgroup?: string;
  readonly namespace?: string;
  readonly pod?: string;
}

/** How much of everything is shown: counts of this node since the watch began. */
export interface SamplingView {
  /** One event in so many is shown, drawn by lot. */
  readonly sampling: number;
  readonly offered: number;
  readonly sampledOut: number;
  /** Lost for want of room between kernel and agent. */
  readonly dropped: number;
  /** Would have been shown, but this reader did not come after. */
  readonly skipped: number;
}

export type EventLine = EventView | SamplingView;

export interface EventFilter {
  /** `namespace` or `namespace/service`. */
  readonly only?: string | undefined;
  /** Empty: all. */
  readonly outcomes: ReadonlySet<EventOutcome>;
  /** `namespace` or `namespace/pod`. */
  readonly from?: string | undefined;
}

export interface EventNames {
  /** `namespace/service/port-name/PROTOCOL`. */
  serviceId(index: number, generation: number): string | undefined;
  /** `namespace/pod`. */
  podOf(cgroup: bigint): string | undefined;
}

export const eventView = (event: TakenEvent, nowMs: number, names: EventNames): EventView => {
  const { outcome, protocol, address, port, endpoint } = event;
  const id = names.serviceId(event.service, event.serviceGeneration);
  return {
    atMs: Math.round(nowMs - event.agoMs),
    outcome,
    protocol,
    from: sourceOf(event.cgroup, names),
    ...(id !== undefined && { service: id.split('/', 2).join('/'), id }),
    address,
    port,
    ...(endpoint !== undefined && { endpoint }),
    ...(event.connectNs > 0 && { connectMs: event.connectNs / 1e6 }),
    ...(event.lastedNs > 0 && { durationMs: event.lastedNs / 1e6 }),
    ...(hasTraffic(event) && { bytesSent: event.bytesSent, bytesReceived: event.bytesReceived }),
  };
};

const sourceOf = (cgroup: bigint, names: EventNames): EventSource => {
  if (cgroup === 0n) return {};
  const [namespace, pod] = names.podOf(cgroup)?.split('/') ?? [];
  return { cgroup: String(cgroup), ...(namespace !== undefined && pod !== undefined && { namespace, pod }) };
};

const hasTraffic = ({ protocol, outcome }: TakenEvent): boolean => protocol === 'TCP' && ENDS.has(outcome);

/** Of a connection that was established. */
const ENDS: ReadonlySet<EventOutcome> = new Set(['closed', 'reset', 'broken']);

export const isWanted = (event: EventView, { only, outcomes, from }: EventFilter): boolean =>
  (outcomes.size === 0 || outcomes.has(event.outcome)) &&
  (only === undefined || (event.id ?? '').startsWith(`${only}/`)) &&
  (from === undefined || isFrom(event.from, from));

const isFrom = ({ namespace, pod }: EventSource, from: string): boolean =>
  from.includes('/') ? `${namespace}/${pod}` === from : namespace === from;
