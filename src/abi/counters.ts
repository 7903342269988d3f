import { COUNTERS, LATENCY_BUCKETS, SERVICE_STATS } from './layout.gen.ts';
import { counterAt, type RecordMemory } from './memory.ts';

/** struct counters of bpf/abi.h, and what is going on now: their differences. */
export interface Counters {
  readonly attempts: number;
  readonly established: number;
  readonly refused: number;
  readonly timedOut: number;
  readonly unreachable: number;
  readonly abandoned: number;
  readonly closed: number;
  readonly reset: number;
  readonly broken: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly connectNs: number;
  readonly datagrams: number;
  readonly datagramsReceived: number;
  readonly rejected: number;
  readonly pending: number;
  readonly active: number;
}

/**
 * The kernel goes on counting while this reads. Ends are read before beginnings, so that what is going on now
 * (beginnings less ends) is never less than nothing.
 */
export const readCounters = (memory: RecordMemory, index: number): Counters => {
  const at = (offset: number): number => counterAt(memory, index, offset);
  const closed = at(COUNTERS.closed);
  const reset = at(COUNTERS.reset);
  const broken = at(COUNTERS.broken);
  const refused = at(COUNTERS.refused);
  const timedOut = at(COUNTERS.timedOut);
  const unreachable = at(COUNTERS.unreachable);
  const abandoned = at(COUNTERS.abandoned);
  const established = at(COUNTERS.established);
  const attempts = at(COUNTERS.attempts);
  return {
    attempts,
    established,
    refused,
    timedOut,
    unreachable,
    abandoned,
    closed,
    reset,
    broken,
    bytesSent: at(COUNTERS.bytesSent),
    bytesReceived: at(COUNTERS.bytesReceived),
    connectNs: at(COUNTERS.connectNs),
    datagrams: at(COUNTERS.datagrams),
    datagramsReceived: at(COUNTERS.datagramsReceived),
    rejected: at(COUNTERS.rejected),
    pending: attempts - established - refused - timedOut - unreachable - abandoned,
    active: established - closed,
  };
};

export const readChosen = (memory: RecordMemory, index: number): number =>
  counterAt(memory, index, COUNTERS.attempts) + counterAt(memory, index, COUNTERS.datagrams);

/** Whatever is counted, the first to be counted is one of these. Word by word: a scrape asks it of every Service there is. */
export const isUsed = ({ words, size }: RecordMemory, index: number): boolean => {
  const attempts = (index * size + COUNTERS.attempts) >>> 2;
  const datagrams = (index * size + COUNTERS.datagrams) >>> 2;
  const rejected = (index * size + COUNTERS.rejected) >>> 2;
  const low = (words[attempts] as number) | (words[datagrams] as number) | (words[rejected] as number);
  const high = (words[attempts + 1] as number) | (words[datagrams + 1] as number) | (words[rejected + 1] as number);
  return (low | high) !== 0;
};

/** What only Services have: of TCP connections, counted as their bytes are; and why they were rejected, if not for want of endpoints. */
export const readQuality = (memory: RecordMemory, index: number) => ({
  retransmits: counterAt(memory, index, SERVICE_STATS.retransmits),
  rttMicros: counterAt(memory, index, SERVICE_STATS.rttUs),
  rttSamples: counterAt(memory, index, SERVICE_STATS.rttSamples),
  rejectedNoPort: counterAt(memory, index, SERVICE_STATS.rejectedNoPort),
  rejectedShare: counterAt(memory, index, SERVICE_STATS.rejectedShare),
});

export const readConnectLatency = (memory: RecordMemory, index: number): number[] =>
  readHistogram(memory, index, SERVICE_STATS.connectLatency);

/** How long first answers took: their sum, and buckets of powers of two as those of connects. */
export interface FirstResponses {
  readonly ns: number;
  readonly buckets: readonly number[];
}

/** Undefined if none was ever measured. */
export const readFirstResponses = (memory: RecordMemory, index: number): FirstResponses | undefined => {
  const ns = counterAt(memory, index, SERVICE_STATS.firstResponseNs);
  return ns === 0 ? undefined : { ns, buckets: readHistogram(memory, index, SERVICE_STATS.firstResponse) };
};

export const NO_RESPONSES: FirstResponses = Object.freeze({
  ns: 0,
  buckets: Object.freeze(new Array<number>(LATENCY_BUCKETS).fill(0)),
});

const readHistogram = (memory: RecordMemory, index: number, offset: number): number[] => {
  const buckets = new Array<number>(LATENCY_BUCKETS);
  for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++)
    buckets[bucket] = counterAt(memory, index, offset + bucket * 8);
  return buckets;
};
