import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { encodeFrontendKeys } from '../../src/abi/codec.ts';
import { listSets } from '../../src/dataplane/kernel/pins.ts';
import { BpfMap } from '../../src/native/map.ts';
import { quantile } from '../statistics.ts';
import { type BenchCluster, toggle } from './cluster.ts';
import type { EventsOrder } from './server.ts';

export interface EventsAnswer {
  /** From the write of the event to the table entry that leads to the new endpoints; ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Events that never showed. */
  readonly lost: number;
  /** How far the last event was behind its time: the server itself must keep up. */
  readonly behindMs: number;
}

/**
 * Sends changes of EndpointSlices at a rate, each to another Service, and looks at the kernel's table all the time: an
 * event is in force when the entry of its Service leads elsewhere than before. Keeps one CPU busy.
 */
export const sendEvents = async (
  { toggled }: BenchCluster,
  { events, perSecond, bpfRoot }: EventsOrder,
  version: number,
  watch: ServerResponse,
): Promise<EventsAnswer> => {
  const [set] = listSets(bpfRoot);
  using frontends = BpfMap.openPinned(join(set?.path ?? bpfRoot, 'frontends'));
  const waiting: Waiting[] = [];
  const latencies: number[] = [];
  const startedMs = performance.now();
  let behindMs = 0;
  let sent = 0;
  let lost = 0;
  while (sent < events || waiting.length > 0) {
    const dueMs = startedMs + (sent * 1000) / perSecond;
    if (sent < events && performance.now() >= dueMs) {
      behindMs = Math.max(behindMs, performance.now() - dueMs);
      waiting.push(sendOne(toggled, version, sent++, watch, frontends));
    }
    await new Promise(setImmediate);
    for (let index = waiting.length - 1; index >= 0; index--) {
      const one = waiting[index] as Waiting;
      const nowMs = performance.now();
      const isSeen = read(frontends, one.key) !== one.before;
      if (isSeen) latencies.push(nowMs - one.sentMs);
      else if (nowMs - one.sentMs > LOST_MS) lost++;
      else continue;
      waiting.splice(index, 1);
    }
  }
  return {
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    maxMs: Math.max(...latencies),
    lost,
    behindMs,
  };
};

interface Waiting {
  readonly key: Uint8Array;
  /** What the table said when the event was sent. */
  readonly before: string;
  readonly sentMs: number;
}

const sendOne = (
  toggled: BenchCluster['toggled'],
  version: number,
  index: number,
  watch: ServerResponse,
  frontends: BpfMap,
): Waiting => {
  const number = version + 1 + index;
  const one = toggled[number % toggled.length];
  if (one === undefined) throw new RangeError('there is nothing to change');
  const key = encodeFrontendKeys([{ address: one.address, port: one.port, protocol: 'TCP' }]);
  const before = read(frontends, key);
  one.ready = !one.ready;
  const event = toggle(one, number);
  const sentMs = performance.now();
  watch.write(event);
  return { key, before, sentMs };
};

const read = (frontends: BpfMap, key: Uint8Array): string => Buffer.from(frontends.lookup(key) ?? []).toString('hex');

/** After that it will not show any more. */
const LOST_MS = 5000;
