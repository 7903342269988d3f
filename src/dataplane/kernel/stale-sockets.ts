import { setImmediate as nextTurn } from 'node:timers/promises';
import { type DatagramConnection, decodeDatagramConnection, isDatagramConnection } from '../../abi/connection.ts';
import { BACKEND, CONNECTION, CONNECTION_OVERFLOW, CONNECTION_SET, CONNECTION_WAYS } from '../../abi/layout.gen.ts';
import { counterAt, loadWord, type RecordMemory } from '../../abi/memory.ts';

export interface ConnectionTables {
  /** Asked again in each turn of the event loop: a growth may come in between. */
  connections(): RecordMemory;
  backends(): RecordMemory;
  /** Those of connected UDP sockets that found no place in `connections`, as records one behind the other. */
  overflow(): Promise<Uint8Array>;
}

/**
 * Connected UDP sockets whose backend's record is not what they remember. Records change while they are read, and what
 * is half old and half new could say anything: so only what reads the same twice counts.
 */
export const findStaleSockets = async (tables: ConnectionTables): Promise<readonly DatagramConnection[]> => {
  const first = await staleRecords(tables);
  if (first.length === 0) return [];
  const second = new Set((await staleRecords(tables)).map(textOf));
  return first.filter((record) => second.has(textOf(record))).map(decodeDatagramConnection);
};

/** Some 2 ms, when every place is in use. */
const SETS_IN_ONE_TURN = 4096;

const staleRecords = async (tables: ConnectionTables): Promise<Uint8Array[]> => {
  const found: Uint8Array[] = [];
  for (let from = 0; from < tables.connections().length; from += SETS_IN_ONE_TURN) {
    collect(tables.connections(), tables.backends(), from, found);
    await nextTurn();
  }
  const overflow = await tables.overflow();
  for (let at = 0; at < overflow.length; at += CONNECTION_OVERFLOW.size) {
    const record = overflow.subarray(at, at + CONNECTION_OVERFLOW.size);
    if (isStale(record, CONNECTION_OVERFLOW.connection, tables.backends())) found.push(record);
  }
  return found;
};

const collect = (sets: RecordMemory, backends: RecordMemory, from: number, found: Uint8Array[]): void => {
  const to = Math.min(from + SETS_IN_ONE_TURN, sets.length);
  for (let set = from; set < to; set++) {
    for (let way = 0; way < CONNECTION_WAYS; way++) {
      const cookie = CONNECTION_SET.cookie + way * COOKIE_BYTES;
      if (counterAt(sets, set, cookie) === 0) continue;
      const connection = set * sets.size + CONNECTION_SET.way + way * CONNECTION.size;
      if (isStale(sets.bytes, connection, backends)) found.push(copy(sets, set * sets.size + cookie, connection));
    }
  }
};

const COOKIE_BYTES = 8;

const copy = ({ bytes }: RecordMemory, cookie: number, connection: number): Uint8Array => {
  const record = new Uint8Array(CONNECTION_OVERFLOW.size);
  record.set(bytes.subarray(cookie, cookie + COOKIE_BYTES), CONNECTION_OVERFLOW.cookie);
  record.set(bytes.subarray(connection, connection + CONNECTION.size), CONNECTION_OVERFLOW.connection);
  return record;
};

const isStale = (bytes: Uint8Array, connection: number, backends: RecordMemory): boolean => {
  if (!isDatagramConnection(bytes, connection)) return false;
  const backend = wordAt(bytes, connection + CONNECTION.backend);
  if (backend >= backends.length) return false;
  return loadWord(backends, backend, BACKEND.generation) !== wordAt(bytes, connection + CONNECTION.backendGeneration);
};

const wordAt = (bytes: Uint8Array, offset: number): number =>
  ((bytes[offset] as number) |
    ((bytes[offset + 1] as number) << 8) |
    ((bytes[offset + 2] as number) << 16) |
    ((bytes[offset + 3] as number) << 24)) >>>
  0;

const textOf = (record: Uint8Array): string => Buffer.from(record).toString('latin1');
