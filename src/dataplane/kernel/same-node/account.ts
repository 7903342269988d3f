import {
  BACKEND,
  BACKEND_STATS,
  COUNTERS,
  REDIRECTED,
  REDIRECTED_GROWTH,
  REDIRECTED_KEY,
  SERVICE,
  SERVICE_STATS,
} from '../../../abi/layout.gen.ts';
import { loadWord, type RecordMemory } from '../../../abi/memory.ts';
import type { BpfMap } from '../../../native/map.ts';
import { programRun } from '../../../native/program.ts';
import type { Loaded } from '../load.ts';
import type { Joining } from './programs.ts';

/**
 * Adds what was redirected since the last time to the counters of Services, backends and callers, where all other bytes
 * are: so they outlive a growth of the tables, the programs and the agent. How much was added is noted before it is added: cut in
 * between, bytes of one moment are lost, and none are counted twice. A record that has a new owner gets none: the other of
 * the two, if it is what it was, does. `quiet`: by entry, at how many looks in a row it had not grown. What has been quiet
 * for long is taken out, as its cgroup may have gone: each Pod that ever asked would keep its place otherwise.
 */
export const account = (
  { maps: { redirected, accounted }, callers }: Pick<Joining, 'maps' | 'callers'>,
  { memory, lent }: Pick<Loaded, 'memory' | 'lent'>,
  quiet: Map<string, number>,
): void => {
  const now = entriesOf(redirected);
  if (now.length === 0) {
    quiet.clear();
    return;
  }
  const before = new Map(entriesOf(accounted).map((entry) => [entry.name, entry]));
  const owned = now.map((entry) => ({
    ...entry,
    ...ownersOf(entry.key, memory),
    last: lastOf(entry, before.get(entry.name)),
  }));
  const grown = owned.filter(({ last, ...entry }) => entry.sent !== last?.sent || entry.received !== last.received);
  noteQuiet(quiet, owned, grown);
  const isQuiet = (name: string): boolean => (quiet.get(name) ?? 0) >= QUIET_LOOKS;
  const gone = owned.filter(
    ({ name, service, backend }) => isQuiet(name) || (service === undefined && backend === undefined),
  );
  forget(redirected, gone);
  forget(
    accounted,
    gone.filter(({ name }) => before.has(name)),
  );
  note(
    accounted,
    grown.filter(({ service, backend }) => service !== undefined || backend !== undefined),
  );
  for (const { service, backend, last, ...entry } of grown) {
    const sent = entry.sent - (last?.sent ?? 0n);
    const received = entry.received - (last?.received ?? 0n);
    if (service !== undefined) {
      addBytes(lent.service_stats.look(), service * SERVICE_STATS.size, sent, received);
      programRun(callers, growthOf(entry.key, sent, received));
    }
    if (backend !== undefined) addBytes(lent.backend_stats.look(), backend * BACKEND_STATS.size, sent, received);
  }
};

/** What was taken out and came again has begun anew, though a cut has left what was noted of it. */
const lastOf = (now: Entry, noted: Entry | undefined): Entry | undefined =>
  noted !== undefined && noted.sent <= now.sent && noted.received <= now.received ? noted : undefined;

/** Of these and no others. */
const noteQuiet = (quiet: Map<string, number>, entries: readonly Entry[], grown: readonly Entry[]): void => {
  const before = new Map(quiet);
  quiet.clear();
  for (const { name } of entries) quiet.set(name, (before.get(name) ?? 0) + 1);
  for (const { name } of grown) quiet.set(name, 0);
};

const forget = (table: BpfMap, entries: readonly Entry[]): void => {
  if (entries.length > 0) table.delete(Buffer.concat(entries.map(({ key }) => key)), entries.length);
};

const note = (table: BpfMap, entries: readonly Entry[]): void => {
  if (entries.length === 0) return;
  const values = entries.map(({ value }) => value);
  table.update(Buffer.concat(entries.map(({ key }) => key)), Buffer.concat(values), entries.length);
};

interface Entry {
  readonly name: string;
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
    const key = keys.slice(index * REDIRECTED_KEY.size, (index + 1) * REDIRECTED_KEY.size);
    return {
      name: nameOf(key),
      key,
      value,
      sent: words[REDIRECTED.bytesSent / WORD_BYTES] as bigint,
      received: words[REDIRECTED.bytesReceived / WORD_BYTES] as bigint,
    };
  });
};

const growthOf = (key: Uint8Array, sent: bigint, received: bigint): Uint8Array => {
  const growth = new Uint8Array(REDIRECTED_GROWTH.size);
  growth.set(key, REDIRECTED_GROWTH.key);
  const words = new BigUint64Array(growth.buffer);
  words[(REDIRECTED_GROWTH.bytes + REDIRECTED.bytesSent) / WORD_BYTES] = sent;
  words[(REDIRECTED_GROWTH.bytes + REDIRECTED.bytesReceived) / WORD_BYTES] = received;
  return growth;
};

interface Owners {
  /** Indexes of the records; undefined of one that has a new owner. */
  readonly service: number | undefined;
  readonly backend: number | undefined;
}

const ownersOf = (key: Uint8Array, { services, backends }: Loaded['memory']): Owners => {
  const at = (offset: number): number => wordsOf(key)[offset / 4] as number;
  const service = at(REDIRECTED_KEY.service);
  const backend = at(REDIRECTED_KEY.backend);
  const ownsService =
    service < services.length &&
    loadWord(services, service, SERVICE.generation) === at(REDIRECTED_KEY.serviceGeneration);
  const ownsBackend =
    backend < backends.length &&
    loadWord(backends, backend, BACKEND.generation) === at(REDIRECTED_KEY.backendGeneration);
  return { service: ownsService ? service : undefined, backend: ownsBackend ? backend : undefined };
};

const wordsOf = (key: Uint8Array): Uint32Array => new Uint32Array(key.buffer, key.byteOffset, REDIRECTED_KEY.size / 4);

const nameOf = (key: Uint8Array): string => wordsOf(key).join();

/** `record` is where it begins. */
const addBytes = ({ bytes }: RecordMemory, record: number, sent: bigint, received: bigint): void => {
  const words = new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / WORD_BYTES);
  Atomics.add(words, (record + TOTAL + COUNTERS.bytesSent) / WORD_BYTES, sent);
  Atomics.add(words, (record + TOTAL + COUNTERS.bytesReceived) / WORD_BYTES, received);
};

/** Ten minutes of them. */
export const QUIET_LOOKS = 120;
const WORD_BYTES = 8;
/** In both kinds of records. */
const TOTAL = SERVICE_STATS.total satisfies typeof BACKEND_STATS.total;
