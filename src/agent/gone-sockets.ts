import { type Cluster, inputFor } from '../core/cluster.ts';
import { aliveEndpoints, aliveKey } from '../core/desire/alive.ts';
import type { Have } from '../core/plan/have.ts';
import type { StaleSocket } from '../dataplane/dataplane.ts';

/**
 * Those of the sockets whose backend is gone for good: its Service port is no longer programmed, or no EndpointSlice of
 * it lists the endpoint as serving. The others keep what they are connected to. What the cluster says and the tables
 * do not say yet, or the other way round, is left for the next time.
 */
export const goneSockets = (cluster: Cluster, have: Have, sockets: readonly StaleSocket[]): readonly StaleSocket[] => {
  if (sockets.length === 0) return [];
  const asked = new Set(sockets.map(({ service }) => service));
  // Many sockets, few Services: the endpoints of each are looked at once. Undefined: nobody can tell.
  const alive = new Map<number, ReadonlySet<string> | undefined>();
  for (const [id, { service }] of have.ports) if (asked.has(service)) alive.set(service, aliveOf(cluster, id));
  return sockets.filter(({ service, serviceGeneration, address, port }) => {
    if (have.tables.serviceGeneration(service) !== serviceGeneration) return true;
    return alive.get(service)?.has(aliveKey(address, port)) === false;
  });
};

/** `id` is a DesiredPort's: `namespace/service/port-name/PROTOCOL`. */
const aliveOf = (cluster: Cluster, id: string): ReadonlySet<string> | undefined => {
  const [namespace = '', service = '', name = ''] = id.split('/');
  const input = inputFor(cluster, `${namespace}/${service}`);
  return input && aliveEndpoints(input, { name, protocol: 'UDP' });
};
