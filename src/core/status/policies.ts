import { policiesOf } from '../cluster/input.ts';
import { keyOf, routeKeyOf } from '../cluster/keys.ts';
import type { Cluster } from '../cluster.ts';
import { objectText } from '../desire/complaint.ts';
import { oldestOf, overruledText, rankPolicies, whyBefore } from '../desire/policy.ts';
import type { RouteKind, TrafficPolicyObject } from '../model/objects.ts';
import { condition, errorText, isOurs } from './conditions.ts';
import type { PolicyReason, RejectedObject, StatusTarget, WantedEntry, WantedStatus } from './wanted.ts';

/** One entry for each target; none for a Service of another proxy. */
export const policyStatus = (cluster: Cluster, proxyName: string, policy: TrafficPolicyObject): WantedStatus => ({
  ref: {
    kind: policy.kind,
    apiVersion: API_VERSION,
    namespace: policy.namespace,
    name: policy.name,
    generation: policy.generation,
  },
  kind: 'ancestors',
  entries: targetsOf(policy)
    .filter((target) => isOurTarget(cluster, proxyName, policy.namespace, target))
    .map((target) => entryOf(policy.namespace, target, judgeTarget(cluster, policy, target), policy.generation)),
});

export const rejectedPolicyStatus = (
  cluster: Cluster,
  proxyName: string,
  { ref, complaints, targets }: RejectedObject,
  lastGood: TrafficPolicyObject | undefined,
): WantedStatus => ({
  ref,
  kind: 'ancestors',
  entries: (targets ?? (lastGood === undefined ? [] : targetsOf(lastGood)))
    .filter((target) => isOurTarget(cluster, proxyName, ref.namespace, target))
    .map((target) =>
      entryOf(ref.namespace, target, { reason: 'Invalid', message: errorText(complaints) }, ref.generation),
    ),
});

const API_VERSION = 'shunt.dev/v1alpha1';

interface Target {
  readonly kind: 'Service' | RouteKind;
  readonly name: string;
}

interface Judgement {
  readonly reason: PolicyReason;
  readonly message: string;
}

const targetsOf = ({ services, routes }: TrafficPolicyObject): readonly Target[] => [
  ...services.map((name) => ({ kind: 'Service', name }) as const),
  ...routes,
];

const isOurTarget = ({ services }: Cluster, proxyName: string, namespace: string, { kind, name }: Target): boolean =>
  kind !== 'Service' || isOurs(services.get(keyOf({ namespace, name })), proxyName);

const judgeTarget = (cluster: Cluster, policy: TrafficPolicyObject, { kind, name }: Target): Judgement =>
  kind === 'Service' ? judgeService(cluster, policy, name) : judgeRoute(cluster, policy, kind, name);

const judgeService = (cluster: Cluster, policy: TrafficPolicyObject, name: string): Judgement => {
  const key = keyOf({ namespace: policy.namespace, name });
  const service = cluster.services.get(key);
  if (service === undefined) return { reason: 'TargetNotFound', message: `there is no Service ${key}` };
  if (service.type === 'ExternalName') {
    return { reason: 'Invalid', message: `${objectText(service)} is an ExternalName: it has no endpoints` };
  }
  const governing = rankPolicies(policiesOf(cluster, key)).overruling(policy);
  if (governing !== undefined) return { reason: 'Conflicted', message: overruledText(governing, policy) };
  if (!service.headless) return { reason: 'Accepted', message: `counts for ${objectText(service)}` };
  return {
    reason: 'Accepted',
    message: policy.sameNode === undefined ? HEADLESS : `${HEADLESS}; sameNode counts for them`,
  };
};

const HEADLESS = 'counts where a route leads to this Service: its own clients find the endpoints through DNS';

const judgeRoute = (cluster: Cluster, policy: TrafficPolicyObject, kind: RouteKind, name: string): Judgement => {
  const key = routeKeyOf({ kind, namespace: policy.namespace, name });
  if (!cluster.routes.byKey.has(key)) return { reason: 'TargetNotFound', message: `there is no ${key}` };
  if (policy.clients === undefined)
    return { reason: 'Invalid', message: `without spec.clients nothing narrows ${key}` };
  const narrowing = oldestOf(cluster.routes.narrowings.get(key) ?? []);
  return narrowing === undefined || narrowing === policy
    ? { reason: 'Accepted', message: `narrows ${key} to its clients` }
    : conflict(narrowing, policy, 'narrows it alone');
};

const conflict = (first: TrafficPolicyObject, policy: TrafficPolicyObject, what: string): Judgement => ({
  reason: 'Conflicted',
  message: `${objectText(first)} ${whyBefore(first, policy)} and ${what}`,
});

const entryOf = (
  namespace: string,
  { kind, name }: Target,
  { reason, message }: Judgement,
  generation: number,
): WantedEntry => {
  const of: StatusTarget = { group: kind === 'Service' ? '' : 'gateway.networking.k8s.io', kind, namespace, name };
  return { of, conditions: [condition('Accepted', reason === 'Accepted', reason, message, generation)] };
};
