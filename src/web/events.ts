import { bytes, count, latency, timeOfDay } from './figures.ts';
import type { EventLine, FlowEvent, Sampling } from './wire.ts';

/** What the page holds of events: the newest first, and no more than can be looked at. */
export interface Events {
  readonly shown: readonly NumberedEvent[];
  readonly sampling: Sampling | undefined;
  readonly next: number;
}

export interface NumberedEvent extends FlowEvent {
  readonly number: number;
}

export const NO_EVENTS: Events = { shown: [], sampling: undefined, next: 0 };

const SHOWN_MAX = 100;

export const withLines = (events: Events, lines: readonly EventLine[]): Events => {
  const flows = lines.filter((line) => 'outcome' in line);
  const numbered = flows.map((flow, index) => ({ ...flow, number: events.next + index }));
  return {
    shown: [...numbered.toReversed(), ...events.shown].slice(0, SHOWN_MAX),
    sampling: lines.findLast((line) => 'sampling' in line) ?? events.sampling,
    next: events.next + flows.length,
  };
};

/** What is not shown of what happened since; says so also when nothing is left out. */
export const lossesText = (sampling: Sampling | undefined, sinceMs: number): string => {
  if (sampling === undefined) return '';
  const { sampling: every, sampledOut, dropped, skipped } = sampling;
  const losses = [
    ...(every > 1 ? [`Of many events one in ${count(every)} is shown.`] : []),
    ...(sampledOut > 0 ? [`${count(sampledOut)} were not drawn.`] : []),
    ...(dropped > 0 ? [`${count(dropped)} found no room.`] : []),
    ...(skipped > 0 ? [`${count(skipped)} came faster than this page read them.`] : []),
  ];
  const text = losses.length === 0 ? 'Every event is shown.' : losses.join(' ');
  return `${text} Counted since ${timeOfDay(sinceMs).slice(0, 8)}.`;
};

export type EventKind = 'well' | 'ended' | 'failed';

export const kindOf = (outcome: string): EventKind => {
  if (outcome === 'established') return 'well';
  return outcome === 'closed' ? 'ended' : 'failed';
};

/** Who asks, as far as it is known. */
export const sourceText = ({ namespace, pod, cgroup }: FlowEvent['from']): string => {
  if (pod !== undefined) return `${namespace}/${pod}`;
  return cgroup === undefined ? 'unknown' : `cgroup ${cgroup}`;
};

export const figuresText = ({ connectMs, durationMs, bytesSent, bytesReceived, outcome }: FlowEvent): string =>
  [
    ...(connectMs === undefined ? [] : [`${NEVER.has(outcome) ? 'waited' : 'connect'} ${latency(connectMs * 1000)}`]),
    ...(durationMs === undefined ? [] : [`lasted ${latency(durationMs * 1000)}`]),
    ...(bytesSent === undefined ? [] : [`sent ${bytes(bytesSent)}`]),
    ...(bytesReceived === undefined ? [] : [`received ${bytes(bytesReceived)}`]),
  ].join(', ');

const NEVER: ReadonlySet<string> = new Set(['refused', 'timed_out', 'unreachable', 'abandoned']);

const FAILURES = [
  'refused',
  'timed_out',
  'unreachable',
  'abandoned',
  'reset',
  'broken',
  'rejected_no_endpoint',
  'rejected_no_port',
  'rejected_share',
] as const;

export interface EventWish {
  readonly outcomes: string;
  /** `namespace` or `namespace/service`. */
  readonly only: string;
  /** `namespace` or `namespace/pod`. */
  readonly from: string;
}

/** As the agent reads it. */
export const eventQuery = ({ outcomes, only, from }: EventWish): string => {
  const query = new URLSearchParams();
  if (outcomes === 'failed') query.set('outcome', FAILURES.join(','));
  else if (outcomes !== '') query.set('outcome', outcomes);
  if (only !== '') query.set(only.includes('/') ? 'service' : 'namespace', only);
  if (from !== '') query.set('from', from);
  return query.toString();
};
