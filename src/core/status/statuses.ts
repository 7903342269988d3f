import { keyOf, routeKeyOf } from '../cluster/keys.ts';
import type { Cluster } from '../cluster.ts';
import type { NodeIdentity } from '../desire/desire.ts';
import type { ObjectRef, RouteKind } from '../model/objects.ts';
import { createParents } from './parents.ts';
import { policyStatus, rejectedPolicyStatus, type Targets } from './policies.ts';
import { rejectedRouteStatus, routeStatus } from './routes.ts';
import type { RejectedObject, WantedStatus } from './wanted.ts';

/**
 * What the status of every route and every TrafficPolicy should say: it follows from the objects alone, so every node
 * comes to the same. DestinationRules are Istio's. Of an object with an error its error is said, though its last good
 * state stays in force. Each is made when it is its turn.
 */
export function* wantedStatuses(
  cluster: Cluster,
  { proxyName }: Pick<NodeIdentity, 'proxyName'>,
  rejected: Iterable<RejectedObject>,
): Generator<WantedStatus> {
  const told = new Set<string>();
  const parents = createParents(cluster, proxyName);
  for (const object of rejected) {
    const status = rejectedStatus(cluster, proxyName, object);
    if (status === undefined) continue;
    told.add(nameOf(object.ref));
    yield status;
  }
  for (const route of cluster.routes.byKey.values()) {
    if (!told.has(nameOf(route))) yield routeStatus(parents, proxyName, route);
  }
  const targets: Targets = { cluster, proxyName, parents, isRejected: (key) => told.has(key) };
  for (const policy of cluster.policies.byKey.values()) {
    if (!told.has(nameOf(policy))) yield policyStatus(targets, policy);
  }
}

const rejectedStatus = (cluster: Cluster, proxyName: string, object: RejectedObject): WantedStatus | undefined => {
  const { ref } = object;
  if (isRoute(ref)) return rejectedRouteStatus(cluster, proxyName, object, cluster.routes.byKey.get(routeKeyOf(ref)));
  return ref.kind === 'TrafficPolicy'
    ? rejectedPolicyStatus(cluster, proxyName, object, cluster.policies.byKey.get(keyOf(ref)))
    : undefined;
};

const isRoute = <Ref extends ObjectRef>(ref: Ref): ref is Ref & { readonly kind: RouteKind } =>
  ref.kind.endsWith('Route');

const nameOf = ({ kind, namespace, name }: ObjectRef): string => `${kind} ${namespace}/${name}`;
