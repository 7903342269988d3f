import { type Cluster, inputFor } from '../core/cluster.ts';
import { isAlive } from '../core/desire/alive.ts';
import type { Have } from '../core/plan/have.ts';
import type { StaleSocket } from '../dataplane/dataplane.ts';

/**
 * Those of the sockets whose backend is gone for good: its Service port is no longer programmed, or no EndpointSlice of
 * it lists the endpoint as serving. The others keep what they are connected to. What the cluster says and the tables
 * do not say yet, or the other way round, is left for the next time.
 */
export const goneSockets = (cluster: Cluster, have: Have, sockets: readonly StaleSocket[]): readonly StaleSocket[] => {
  if (sockets.length === 0) return [];
  const ids = new Map(Array.from(have.ports, ([id, { service }]) => [service, id]));
  const isGone = (socket: StaleSocket): boolean => {
    if (have.tables.serviceGeneration(socket.service) !== socket.serviceGeneration) return true;
    const id = ids.get(socket.service);
    return id !== undefined && !mayAnswer(cluster, id, socket);
  };
  // Many sockets, few endpoints: each is looked for once.
  const known = new Map<string, boolean>();
  return sockets.filter((socket) => {
    const key = `${socket.service} ${socket.serviceGeneration} ${socket.address} ${socket.port}`;
    const gone = known.get(key) ?? isGone(socket);
    known.set(key, gone);
    return gone;
  });
};

/** `id` is a DesiredPort's: `namespace/service/port-name/PROTOCOL`. */
const mayAnswer = (cluster: Cluster, id: string, socket: StaleSocket): boolean => {
  const [namespace = '', service = '', name = ''] = id.split('/');
  const input = inputFor(cluster, `${namespace}/${service}`);
  return input === undefined || isAlive(input, { name, protocol: 'UDP' }, socket);
};
