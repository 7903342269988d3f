import { decodeConnection, isLiveConnection, isPendingRecord } from '../../abi/connection.ts';
import type { RecordMemory } from '../../abi/memory.ts';
import type { LeftConnections } from '../dataplane.ts';
import { sumLeft } from '../left.ts';
import { placesNow } from './places.ts';
import { isRetiredIn } from './stale-sockets.ts';

/** What lives of connections to backends that have been retired. */
export const countLeft = (connections: RecordMemory, backends: RecordMemory): readonly LeftConnections[] => {
  const isRetired = isRetiredIn(backends);
  const found = placesNow(connections, (bytes, at) => isLiveConnection(bytes, at) && isRetired(bytes, at));
  return sumLeft(found.map(({ record }) => ({ ...decodeConnection(record), isPending: isPendingRecord(record) })));
};
