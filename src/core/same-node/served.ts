import { policiesOf } from '../cluster/input.ts';
import { keyOf } from '../cluster/keys.ts';
import type { Cluster } from '../cluster.ts';
import type { NodeIdentity } from '../desire/desire.ts';
import { compareText } from '../desire/order.ts';
import { governingPolicy } from '../desire/policy.ts';
import { targetOf } from '../desire/ports.ts';
import { isOthers } from '../desire/programmed.ts';
import type { PodObject, TrafficPolicyObject } from '../model/objects.ts';

/** An endpoint that is joined with its clients on this node, and who says so. */
export interface ServedSocket {
  readonly address: string;
  readonly port: number;
  /** `namespace/name` of the Service, and its policy: the first by name where it is an endpoint of several. */
  readonly service: string;
  readonly policy: TrafficPolicyObject;
}

export type ServingCluster = Pick<Cluster, 'services' | 'slices' | 'policies' | 'destinationRules' | 'wishes'>;

/** Of these Pods, by `socketKey`. */
export const servedSockets = (
  cluster: ServingCluster,
  node: Pick<NodeIdentity, 'proxyName'>,
  pods: ReadonlyMap<string, PodObject>,
): ReadonlyMap<string, ServedSocket> => {
  const sockets = new Map<string, ServedSocket>();
  for (const service of wishedServices(cluster).toSorted(compareText)) {
    const policy = policyServing(cluster, node, service);
    if (policy === undefined) continue;
    for (const { address, port } of socketsOf(cluster, service, pods)) {
      const key = socketKey(address, port);
      if (!sockets.has(key)) sockets.set(key, { address, port, service, policy });
    }
  }
  return sockets;
};

export const socketKey = (address: string, port: number): string => `${address} ${port}`;

/** `namespace/name` of those that some policy asks it for, though it may not count; each once. */
export const wishedServices = ({ policies, wishes }: Pick<Cluster, 'policies' | 'wishes'>): readonly string[] => {
  const keys = new Set<string>();
  for (const policyKey of wishes.policies) {
    const policy = policies.byKey.get(policyKey);
    for (const name of policy?.services ?? []) keys.add(keyOf({ namespace: policy?.namespace ?? '', name }));
  }
  return [...keys];
};

/**
 * A policy for some clients says nothing of it: by which name somebody was reached, and so for whom a policy is, cannot be
 * told from the ends of a connection.
 */
const policyServing = (
  cluster: ServingCluster,
  { proxyName }: Pick<NodeIdentity, 'proxyName'>,
  key: string,
): TrafficPolicyObject | undefined => {
  const service = cluster.services.get(key);
  if (service === undefined || isOthers(service, proxyName)) return undefined;
  const policy = governingPolicy(policiesOf(cluster, key));
  return policy?.sameNode === 'Redirect' ? policy : undefined;
};

/** Where Pods of these listen for TCP as endpoints of the Service, ready or not: who is connected stays so. */
const socketsOf = (
  { services, slices }: ServingCluster,
  key: string,
  pods: ReadonlyMap<string, PodObject>,
): readonly { readonly address: string; readonly port: number }[] => {
  const ports = (services.get(key)?.ports ?? []).filter(({ protocol }) => protocol === 'TCP');
  return (slices.byService.get(key) ?? []).flatMap((slice) => {
    const targets = ports.flatMap((port) => targetOf(slice, port)?.port ?? []);
    const local = targets.length === 0 ? [] : slice.endpoints.filter(({ address }) => pods.has(address));
    return local.flatMap(({ address }) => targets.map((port) => ({ address, port })));
  });
};
