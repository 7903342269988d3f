import type { EventSource, EventView, SamplingView } from '../agent/event-view.ts';
import type { EventOutcome } from '../dataplane/dataplane.ts';
import { bytes, count, milliseconds, socketText } from './numbers.ts';
import type { Format, Style } from './style.ts';

/** When, what became of it, who asked whom, where it went, and what is known of times and bytes. */
export const eventLine = (event: EventView, style: Style): string => {
  const { atMs, outcome, protocol, from, service, address, port, endpoint } = event;
  const asked = socketText(address, port);
  const words = [
    style('dim', timeOfDay(atMs)),
    style(FORMATS[outcome], outcome.replaceAll('_', ' ').padEnd(OUTCOME_WIDTH)),
    protocol,
    sourceText(from),
    '->',
    service === undefined ? asked : `${service} ${asked}`,
    ...(endpoint === undefined ? [] : ['->', socketText(endpoint.address, endpoint.port)]),
    ...figuresOf(event).map((figure) => style('dim', figure)),
  ];
  return `${words.join(' ')}\n`;
};

const figuresOf = ({ connectMs, durationMs, bytesSent, bytesReceived, outcome }: EventView): readonly string[] => [
  ...(connectMs === undefined ? [] : [`${NEVER.has(outcome) ? 'waited' : 'connect'} ${short(connectMs)}`]),
  ...(durationMs === undefined ? [] : [`lasted ${short(durationMs)}`]),
  ...(bytesSent === undefined ? [] : [`sent ${bytes(bytesSent)}`]),
  ...(bytesReceived === undefined ? [] : [`received ${bytes(bytesReceived)}`]),
];

/** Handshakes within a node take some ten microseconds. */
const short = (ms: number): string => {
  if (ms < 1) return `${Math.round(ms * 1000)} us`;
  return ms < 10_000 ? milliseconds(ms) : `${(ms / 1000).toFixed(1)} s`;
};

const sourceText = ({ namespace, pod, cgroup }: EventSource): string => {
  if (pod !== undefined) return `${namespace}/${pod}`;
  return cgroup === undefined ? 'unknown' : `cgroup ${cgroup}`;
};

/** Of this machine's clock and zone, as logs have it. */
const timeOfDay = (atMs: number): string => {
  const at = new Date(atMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const ms = String(at.getMilliseconds()).padStart(3, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${ms}`;
};

/** What is not shown; empty when everything is. */
export const lossesText = ({ sampling, sampledOut, dropped, skipped }: SamplingView): string =>
  [
    ...(sampling > 1 ? [`one event in ${count(sampling)} is shown`] : []),
    ...(sampledOut > 0 ? [`${count(sampledOut)} were not drawn`] : []),
    ...(dropped > 0 ? [`${count(dropped)} found no room`] : []),
    ...(skipped > 0 ? [`${count(skipped)} came faster than they were read here`] : []),
  ].join(', ');

const NEVER: ReadonlySet<EventOutcome> = new Set(['refused', 'timed_out', 'unreachable', 'abandoned']);

const FORMATS: Readonly<Record<EventOutcome, Format>> = {
  established: 'green',
  closed: 'dim',
  reset: 'yellow',
  broken: 'yellow',
  refused: 'red',
  timed_out: 'red',
  unreachable: 'red',
  abandoned: 'yellow',
  rejected_no_endpoint: 'red',
  rejected_no_port: 'red',
  rejected_share: 'red',
};

const OUTCOME_WIDTH = Math.max(...Object.keys(FORMATS).map(({ length }) => length));
