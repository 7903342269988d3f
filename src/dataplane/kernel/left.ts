import { decodeConnection, isLiveConnection, isPendingRecord } from '../../abi/connection.ts';
import type { RecordMemory } from '../../abi/memory.ts';
import type { LeftConnections } from '../dataplane.ts';
import { placesNow } from './places.ts';
import { isRetiredIn } from './stale-sockets.ts';

/** What lives of connections to backends that have been retired, added up by Service and backend. */
export const countLeft = (connections: RecordMemory, backends: RecordMemory): readonly LeftConnections[] => {
  const isRetired = isRetiredIn(backends);
  const found = placesNow(connections, (bytes, at) => isLiveConnection(bytes, at) && isRetired(bytes, at));
  const left = new Map<string, LeftConnections>();
  for (const { record } of found) {
    const { service, serviceGeneration, address, port } = decodeConnection(record);
    const key = `${service} ${serviceGeneration} ${address} ${port}`;
    const { active, pending } = left.get(key) ?? { active: 0, pending: 0 };
    const isPending = isPendingRecord(record);
    const counts = { active: active + (isPending ? 0 : 1), pending: pending + (isPending ? 1 : 0) };
    left.set(key, { service, serviceGeneration, address, port, ...counts });
  }
  return [...left.values()];
};
