import { keyOf } from '../cluster/keys.ts';
import type { Cluster } from '../cluster.ts';
import type { NodeIdentity } from '../desire/desire.ts';
import { compareText } from '../desire/order.ts';
import type { PodObject } from '../model/objects.ts';
import type { SameNodeMode } from './end.ts';

/**
 * Pods of this node by their addresses: those in the network of the node have none of their own. For a moment two may have
 * one address: then the one counts that wants it least.
 */
export const localPods = (
  { pods }: Pick<Cluster, 'pods'>,
  node: Pick<NodeIdentity, 'name'>,
): ReadonlyMap<string, PodObject> => {
  const byAddress = new Map<string, PodObject>();
  for (const pod of pods.values()) {
    if (!isOnNode(pod, node)) continue;
    for (const address of pod.addresses) {
      const other = byAddress.get(address);
      if (other === undefined || comesBefore(pod, other)) byAddress.set(address, pod);
    }
  }
  return byAddress;
};

/** Objects that are looked at without a node are taken for one node's. */
export const isOnNode = (pod: PodObject, { name }: Pick<NodeIdentity, 'name'>): boolean =>
  name === '' || pod.node === name;

export const modeOf = ({ sameNode }: Pick<PodObject, 'sameNode'>): Exclude<SameNodeMode, 'served'> =>
  sameNode === '' ? 'local' : sameNode;

const comesBefore = (pod: PodObject, other: PodObject): boolean =>
  (MODES.indexOf(modeOf(pod)) - MODES.indexOf(modeOf(other)) || compareText(keyOf(pod), keyOf(other))) < 0;

const MODES: readonly SameNodeMode[] = ['plain', 'local', 'redirect'];
