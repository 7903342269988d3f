import type { Cluster } from '../cluster.ts';
import { endpointCount } from '../model/packed-slice.ts';
import { HEADER_SLOTS } from './range.ts';
import type { Capacity } from './transaction.ts';

/** Room for half as much again: the cluster changes, and what is retired waits before it is used again. */
const HEADROOM = 1.5;

/**
 * The capacity that a whole cluster needs where `capacity` is too small; undefined where it is not. An upper bound by
 * counting: every endpoint in every port of its Service, ready or not.
 */
export const roomFor = (cluster: Cluster, capacity: Capacity): Capacity | undefined => {
  let frontends = 0;
  let services = 0;
  let backends = 0;
  let headers = 0;
  const nodeAddresses = Math.max(0, ...Array.from(cluster.nodes.values(), ({ addresses }) => addresses.length));
  for (const [key, { ports, clusterIPs, externalIPs, loadBalancerIPs }] of cluster.services) {
    if (clusterIPs.length === 0) continue;
    services += ports.length;
    headers += ports.length * clusterIPs.length * HEADER_SLOTS;
    frontends += ports.length * (clusterIPs.length + externalIPs.length + loadBalancerIPs.length) + clusterIPs.length;
    frontends += ports.filter(({ nodePort }) => nodePort > 0).length * nodeAddresses;
    for (const slice of cluster.slices.byService.get(key) ?? []) backends += endpointCount(slice) * ports.length;
  }
  const need = { frontends, slots: backends + headers, backends, services };
  const isShort = (table: keyof Capacity): boolean => need[table] > capacity[table];
  if (!(Object.keys(need) as (keyof Capacity)[]).some(isShort)) return undefined;
  const room = (table: keyof Capacity): number => Math.max(capacity[table], Math.ceil(need[table] * HEADROOM));
  return { frontends: room('frontends'), slots: room('slots'), backends: room('backends'), services: room('services') };
};
