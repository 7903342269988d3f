import { decodeConnection, isDatagramConnection, type RememberedConnection } from '../../abi/connection.ts';
import { BACKEND, CONNECTION, CONNECTION_OVERFLOW } from '../../abi/layout.gen.ts';
import { loadWord, type RecordMemory } from '../../abi/memory.ts';
import { findPlaces, unchanged, type Wanted } from './places.ts';

export interface ConnectionTables {
  /** Asked again in each turn of the event loop: a growth may come in between. */
  connections(): RecordMemory;
  backends(): RecordMemory;
  /** Those of connected UDP sockets that found no place in `connections`, as records one behind the other. */
  overflow(): Promise<Uint8Array>;
}

/**
 * Connected UDP sockets whose backend's record is not what they remember. Records change while they are read: only what
 * reads the same a turn of the event loop later counts.
 */
export const findStaleSockets = async (tables: ConnectionTables): Promise<readonly RememberedConnection[]> => {
  const stale = await findPlaces(
    () => tables.connections(),
    () => isStaleIn(tables.backends()),
  );
  const overflow = staleOverflow(await tables.overflow(), tables.backends());
  const again = overflow.length > 0 ? staleOverflow(await tables.overflow(), tables.backends()) : [];
  const texts = new Set(again.map(textOf));
  const records = overflow.filter((record) => texts.has(textOf(record)));
  for (const { record } of await unchanged(stale, () => tables.connections())) records.push(record);
  return records.map(decodeConnection);
};

const staleOverflow = (records: Uint8Array, backends: RecordMemory): readonly Uint8Array[] => {
  const isStale = isStaleIn(backends);
  const found: Uint8Array[] = [];
  for (let at = 0; at < records.length; at += CONNECTION_OVERFLOW.size) {
    const record = records.subarray(at, at + CONNECTION_OVERFLOW.size);
    if (isStale(record, CONNECTION_OVERFLOW.connection)) found.push(record);
  }
  return found;
};

const isStaleIn = (backends: RecordMemory): Wanted => {
  const isRetired = isRetiredIn(backends);
  return (bytes, connection) => isDatagramConnection(bytes, connection) && isRetired(bytes, connection);
};

/** Whether the backend's record is not what the connection remembers. */
export const isRetiredIn =
  (backends: RecordMemory): Wanted =>
  (bytes, connection) => {
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
