import { hasWishes } from '../cluster/wishes.ts';
import type { Cluster } from '../cluster.ts';
import type { NodeIdentity } from '../desire/desire.ts';
import { compareText } from '../desire/order.ts';
import type { SameNodeEnd } from './end.ts';
import { localPods, modeOf } from './local-pods.ts';
import { type ServingCluster, servedSockets } from './served.ts';

/**
 * Who takes part on this node, in the order of addresses and ports: each Pod by each of its addresses, and endpoints that
 * want it for all their clients. Empty when nobody here wants it: then nothing need be attached.
 */
export const wantedEnds = (
  cluster: ServingCluster & Pick<Cluster, 'pods'>,
  node: Pick<NodeIdentity, 'name' | 'proxyName'>,
): readonly SameNodeEnd[] => {
  if (!hasWishes(cluster.wishes)) return [];
  const pods = localPods(cluster, node);
  const own = [...pods].map(([address, pod]): SameNodeEnd => ({ address, port: 0, mode: modeOf(pod) }));
  // What a Pod says of itself goes over what policies say.
  const isPlain = new Set(own.filter(({ mode }) => mode === 'plain').map(({ address }) => address));
  const served = [...servedSockets(cluster, node, pods).values()]
    .filter(({ address }) => !isPlain.has(address))
    .map(({ address, port }): SameNodeEnd => ({ address, port, mode: 'served' }));
  const isAnyWilling = served.length > 0 || own.some(({ mode }) => mode === 'redirect');
  return isAnyWilling ? [...own, ...served].sort((a, b) => compareText(a.address, b.address) || a.port - b.port) : [];
};
