import {
  BACKEND,
  BACKEND_STATS,
  COUNTERS,
  REDIRECTED,
  REDIRECTED_KEY,
  SERVICE,
  SERVICE_STATS,
} from '../../../abi/layout.gen.ts';
import { loadWord, type RecordMemory } from '../../../abi/memory.ts';
import type { BpfMap } from '../../../native/map.ts';
import type { Loaded } from '../load.ts';

export interface AccountTables {
  readonly redirected: BpfMap;
  readonly accounted: BpfMap;
}

/**
 * Adds what was redirected since the last time to the counters of Services and backends, where all other bytes are: so
 * they outlive a growth of the tables, the programs and the agent. How much was added is noted before it is added: cut in
 * between, bytes of one moment are lost, and none are counted twice. What belongs to a record that has a new owner is
 * dropped.
 */
export const account = (
  { redirected, accounted }: AccountTables,
  { memory, lent }: Pick<Loaded, 'memory' | 'lent'>,
): void => {
  const now = entriesOf(redirected);
  if (now.length === 0) return;
  const before = new Map(entriesOf(accounted).map((entry) => [nameOf(entry.key), entry]));
  for (const entry of now) {
    const last = before.get(nameOf(entry.key));
    if (!isCurrent(entry.key, memory)) {
      redirected.delete(entry.key, 1);
      if (last !== undefined) accounted.delete(entry.key, 1);
      continue;
    }
    const sent = entry.sent - (last?.sent ?? 0n);
    const received = entry.received - (last?.received ?? 0n);
    if (sent === 0n && received === 0n) continue;
    accounted.update(entry.key, entry.value, 1);
    const [service, , backend] = wordsOf(entry.key);
    addBytes(lent.service_stats.look(), service * SERVICE_STATS.size + SERVICE_STATS.total, sent, received);
    addBytes(lent.backend_stats.look(), backend * BACKEND_STATS.size + BACKEND_STATS.total, sent, received);
  }
};

interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly sent: bigint;
  readonly received: bigint;
}

const entriesOf = (table: BpfMap): readonly Entry[] => {
  const { keys, values, count } = table.readAll();
  return Array.from({ length: count }, (_, index) => {
    const value = values.slice(index * REDIRECTED.size, (index + 1) * REDIRECTED.size);
    const words = new BigUint64Array(value.buffer);
    return {
      key: keys.slice(index * REDIRECTED_KEY.size, (index + 1) * REDIRECTED_KEY.size),
      value,
      sent: words[REDIRECTED.bytesSent / WORD_BYTES] as bigint,
      received: words[REDIRECTED.bytesReceived / WORD_BYTES] as bigint,
    };
  });
};

const isCurrent = (key: Uint8Array, { services, backends }: Loaded['memory']): boolean => {
  const [service, serviceGeneration, backend, backendGeneration] = wordsOf(key);
  return (
    service < services.length &&
    backend < backends.length &&
    loadWord(services, service, SERVICE.generation) === serviceGeneration &&
    loadWord(backends, backend, BACKEND.generation) === backendGeneration
  );
};

const wordsOf = (key: Uint8Array): readonly [number, number, number, number] =>
  [...new Uint32Array(key.buffer, key.byteOffset, REDIRECTED_KEY.size / 4)] as [number, number, number, number];

const nameOf = (key: Uint8Array): string => wordsOf(key).join();

const addBytes = ({ bytes }: RecordMemory, base: number, sent: bigint, received: bigint): void => {
  const words = new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / WORD_BYTES);
  Atomics.add(words, (base + COUNTERS.bytesSent) / WORD_BYTES, sent);
  Atomics.add(words, (base + COUNTERS.bytesReceived) / WORD_BYTES, received);
};

const WORD_BYTES = 8;
