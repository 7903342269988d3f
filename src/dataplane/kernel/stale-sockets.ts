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
 * is half old and half new could say anything: so only what reads the same a turn of the event loop later counts.
 */
export const findStaleSockets = async (tables: ConnectionTables): Promise<readonly DatagramConnection[]> => {
  const stale = await stalePlaces(tables);
  const overflow = staleOverflow(await tables.overflow(), tables.backends());
  const again = overflow.length > 0 ? staleOverflow(await tables.overflow(), tables.backends()) : [];
  const texts = new Set(again.map(textOf));
  const found = overflow.filter((record) => texts.has(textOf(record))).map(decodeDatagramConnection);
  for (let from = 0; from < stale.length; from += PLACES_IN_ONE_TURN) {
    await nextTurn();
    const sets = tables.connections();
    for (const { place, record } of stale.slice(from, from + PLACES_IN_ONE_TURN))
      if (Buffer.compare(copy(sets, place), record) === 0) found.push(decodeDatagramConnection(record));
  }
  return found;
};

/** Some 0.2 ms when every place is in use. */
const SETS_IN_ONE_TURN = 4096;
/** Some 2 ms. */
const PLACES_IN_ONE_TURN = 2048;

/** A place in `connections`: the ways of its sets, counted through. */
interface StalePlace {
  readonly place: number;
  readonly record: Uint8Array;
}

const stalePlaces = async (tables: ConnectionTables): Promise<readonly StalePlace[]> => {
  const found: StalePlace[] = [];
  for (let from = 0; from < tables.connections().length; from += SETS_IN_ONE_TURN) {
    collect(tables.connections(), tables.backends(), from, found);
    await nextTurn();
  }
  return found;
};

const collect = (sets: RecordMemory, backends: RecordMemory, from: number, found: StalePlace[]): void => {
  const to = Math.min(from + SETS_IN_ONE_TURN, sets.length) * CONNECTION_WAYS;
  for (let place = from * CONNECTION_WAYS; place < to; place++) {
    if (counterAt(sets, 0, cookieOf(sets, place)) === 0) continue;
    if (isStale(sets.bytes, connectionOf(sets, place), backends)) found.push({ place, record: copy(sets, place) });
  }
};

const COOKIE_BYTES = 8;

/** Where a place's cookie and connection begin, in bytes. */
const cookieOf = ({ size }: RecordMemory, place: number): number =>
  Math.floor(place / CONNECTION_WAYS) * size + CONNECTION_SET.cookie + (place % CONNECTION_WAYS) * COOKIE_BYTES;

const connectionOf = ({ size }: RecordMemory, place: number): number =>
  Math.floor(place / CONNECTION_WAYS) * size + CONNECTION_SET.way + (place % CONNECTION_WAYS) * CONNECTION.size;

/** In the form that socket storage has: the cookie, then the connection. */
const copy = (sets: RecordMemory, place: number): Uint8Array => {
  const record = new Uint8Array(CONNECTION_OVERFLOW.size);
  const cookie = cookieOf(sets, place);
  const connection = connectionOf(sets, place);
  record.set(sets.bytes.subarray(cookie, cookie + COOKIE_BYTES), CONNECTION_OVERFLOW.cookie);
  record.set(sets.bytes.subarray(connection, connection + CONNECTION.size), CONNECTION_OVERFLOW.connection);
  return record;
};

const staleOverflow = (records: Uint8Array, backends: RecordMemory): readonly Uint8Array[] => {
  const found: Uint8Array[] = [];
  for (let at = 0; at < records.length; at += CONNECTION_OVERFLOW.size) {
    const record = records.subarray(at, at + CONNECTION_OVERFLOW.size);
    if (isStale(record, CONNECTION_OVERFLOW.connection, backends)) found.push(record);
  }
  return found;
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
