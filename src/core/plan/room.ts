import type { Cluster } from '../cluster.ts';
import { endpointCount } from '../model/packed-slice.ts';
import { lookupSizeFor } from './maglev.ts';
import { HEADER_SLOTS, lookupSlots } from './range.ts';
import type { Capacity } from './transaction.ts';

/** Room for half as much again: the cluster changes, and what is retired waits before it is used again. */
const HEADROOM = 1.5;

/**
 * The capacity that a whole cluster needs where `capacity` is too small; undefined where it is not. An upper bound by
 * counting: every endpoint in every port of its Service, ready or not. What routes add is not counted: for that the
 * tables grow when the time comes.
 */
export const roomFor = (cluster: Cluster, capacity: Capacity): Capacity | undefined => {
  let frontends = 0;
  let services = 0;
  let backends = 0;
  let slots = 0;
  const nodeAddresses = Math.max(0, ...Array.from(cluster.nodes.values(), ({ addresses }) => addresses.length));
  for (const [key, { ports, clusterIPs, externalIPs, loadBalancerIPs }] of cluster.services) {
    if (clusterIPs.length === 0) continue;
    services += ports.length;
    frontends += ports.length * (clusterIPs.length + externalIPs.length + loadBalancerIPs.length) + clusterIPs.length;
    frontends += ports.filter(({ nodePort }) => nodePort > 0).length * nodeAddresses;
    const slices = cluster.slices.byService.get(key) ?? [];
    const endpoints = slices.reduce((sum, slice) => sum + endpointCount(slice), 0);
    const isMaglev = cluster.policies.byService.get(key)?.some(({ algorithm }) => algorithm === 'Maglev') ?? false;
    const lookup = isMaglev ? lookupSlots(lookupSizeFor(endpoints)) : 0;
    backends += endpoints * ports.length;
    slots += (endpoints + clusterIPs.length * (HEADER_SLOTS + lookup)) * ports.length;
  }
  const need = { frontends, slots, backends, services };
  const isShort = (table: keyof Capacity): boolean => need[table] > capacity[table];
  if (!(Object.keys(need) as (keyof Capacity)[]).some(isShort)) return undefined;
  const room = (table: keyof Capacity): number => Math.max(capacity[table], Math.ceil(need[table] * HEADROOM));
  return { frontends: room('frontends'), slots: room('slots'), backends: room('backends'), services: room('services') };
};
