import { keyOf, routeKeyOf } from '../cluster/keys.ts';
import type { Cluster } from '../cluster.ts';
import { objectText } from '../desire/complaint.ts';
import { oldestOf, overruledText, whyBefore } from '../desire/policy.ts';
import { isServed } from '../desire/ports.ts';
import type { RouteKind, ServiceObject, TrafficPolicyObject } from '../model/objects.ts';
import { condition, errorText, isOurs } from './conditions.ts';
import type { Parents } from './parents.ts';
import type {
  AcceptedReason,
  PolicyReason,
  RejectedObject,
  StatusTarget,
  WantedEntry,
  WantedStatus,
} from './wanted.ts';

/** What the targets of policies are and come to. */
export interface Targets {
  readonly cluster: Cluster;
  readonly proxyName: string;
  readonly parents: Parents;
  /** Whether an object (`TCPRoute shop/cart`) has an error: its last good state, if there is one, is in force. */
  readonly isRejected: (key: string) => boolean;
}

/** One entry for each target; none for a Service of another proxy, or a route for such alone. */
export const policyStatus = (targets: Targets, policy: TrafficPolicyObject): WantedStatus => ({
  ref: {
    kind: policy.kind,
    apiVersion: API_VERSION,
    namespace: policy.namespace,
    name: policy.name,
    generation: policy.generation,
  },
  kind: 'ancestors',
  entries: targetsOf(policy)
    .filter((target) => isOurTarget(targets.cluster, targets.proxyName, policy.namespace, target))
    .flatMap((target) => {
      const judgement = judgeTarget(targets, policy, target);
      return judgement === undefined ? [] : [entryOf(policy.namespace, target, judgement, policy.generation)];
    }),
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

export interface PolicyJudgement {
  readonly reason: PolicyReason;
  readonly message: string;
  /** It counts, but not for all that it names. */
  readonly isPart?: true;
}

const targetsOf = ({ services, routes }: TrafficPolicyObject): readonly Target[] => [
  ...services.map((name) => ({ kind: 'Service', name }) as const),
  ...routes,
];

const isOurTarget = ({ services }: Cluster, proxyName: string, namespace: string, { kind, name }: Target): boolean =>
  kind !== 'Service' || isOurs(services.get(keyOf({ namespace, name })), proxyName);

const judgeTarget = (
  targets: Targets,
  policy: TrafficPolicyObject,
  { kind, name }: Target,
): PolicyJudgement | undefined =>
  kind === 'Service' ? judgeService(targets.parents, policy, name) : judgeNarrowing(targets, policy, kind, name);

export const judgeService = (parents: Parents, policy: TrafficPolicyObject, name: string): PolicyJudgement => {
  const key = keyOf({ namespace: policy.namespace, name });
  const { service, policies, ranking } = parents.at(key);
  if (service === undefined) return { reason: 'TargetNotFound', message: `there is no Service ${key}` };
  if (service.type === 'ExternalName') {
    return { reason: 'Invalid', message: `${objectText(service)} is an ExternalName: it has no endpoints` };
  }
  const governing = policies.overruling(policy);
  if (governing !== undefined) return { reason: 'Conflicted', message: overruledText(governing, policy) };
  if (service.headless) return accepted(headlessText(policy));
  const ports = service.ports.filter(isServed);
  const left = ports.flatMap((port) => {
    const first = ranking?.covering(port, policy.clients);
    return first === undefined ? [] : [{ port, route: routeKeyOf(first.route) }];
  });
  if (left.length < ports.length || left.length === 0) {
    const counts = `counts for ${objectText(service)}`;
    if (left.length === 0) return accepted(counts);
    const text = left.map(({ port, route }) => `port ${port.port} is left to ${route}`).join(', ');
    return { ...accepted(`${counts}, but ${text}`), isPart: true };
  }
  return parents.isLedTo(key) ? accepted(LED_TO) : overridden(policy, service, left[0]?.route ?? '');
};

/** Routes take the place of the Service's own endpoints, and none of them leads back to it. */
const overridden = (policy: TrafficPolicyObject, service: ServiceObject, route: string): PolicyJudgement => {
  const message = `${route} shares the connections of ${objectText(service)}: none comes to its own endpoints`;
  const counting = (['sameNode', 'firstResponseTime'] as const).filter((field) => policy[field] !== undefined);
  if (counting.length === 0) return { reason: 'Overridden', message };
  return accepted(`${counting.join(' and ')} ${counting.length === 1 ? 'counts' : 'count'}; ${message}`);
};

const accepted = (message: string): PolicyJudgement => ({ reason: 'Accepted', message });

const LED_TO = 'counts where a route leads to this Service';
const HEADLESS = `${LED_TO}: its own clients find the endpoints through DNS`;

const headlessText = ({ sameNode, firstResponseTime }: TrafficPolicyObject): string =>
  [
    HEADLESS,
    ...(sameNode === undefined ? [] : ['sameNode counts for them']),
    ...(firstResponseTime === undefined ? [] : ['firstResponseTime does not: nobody asks the Service']),
  ].join('; ');

/** Undefined: the route is for Services of other proxies alone. */
const judgeNarrowing = (
  { cluster, parents, isRejected }: Targets,
  policy: TrafficPolicyObject,
  kind: RouteKind,
  name: string,
): PolicyJudgement | undefined => {
  const key = routeKeyOf({ kind, namespace: policy.namespace, name });
  const route = cluster.routes.byKey.get(key);
  if (route === undefined) {
    return isRejected(key)
      ? { reason: 'Invalid', message: `${key} is not in force: it has an error` }
      : { reason: 'TargetNotFound', message: `there is no ${key}` };
  }
  if (policy.clients === undefined)
    return { reason: 'Invalid', message: `without spec.clients nothing narrows ${key}` };
  if (policy.standsIn) return { reason: 'Invalid', message: `could not be read yet: ${key} is for nobody` };
  const narrowing = oldestOf(cluster.routes.narrowings.get(key) ?? []);
  if (narrowing !== undefined && narrowing !== policy) return conflict(narrowing, policy, key);
  const judgements = parents.judge(route);
  const [first] = judgements;
  if (first === undefined) return undefined;
  if (judgements.some(({ reason }) => reason === 'Accepted')) {
    return accepted(`narrows ${key} to its clients${isRejected(key) ? ', as it was before its error' : ''}`);
  }
  return { reason: REASONS[first.reason], message: `${key} is not in force: ${first.message}` };
};

/** What a policy says of itself when its route is not in force. */
const REASONS = {
  Accepted: 'Accepted',
  NoMatchingParent: 'TargetNotFound',
  UnsupportedValue: 'Invalid',
  Conflicted: 'Conflicted',
  Pending: 'Pending',
} as const satisfies Record<AcceptedReason, PolicyReason>;

const conflict = (first: TrafficPolicyObject, policy: TrafficPolicyObject, key: string): PolicyJudgement => {
  const what = first.standsIn ? `could not be read yet: ${key} is for nobody` : 'narrows it alone';
  return { reason: 'Conflicted', message: `${objectText(first)} ${whyBefore(first, policy)} and ${what}` };
};

const entryOf = (
  namespace: string,
  { kind, name }: Target,
  { reason, message }: PolicyJudgement,
  generation: number,
): WantedEntry => {
  const of: StatusTarget = { group: kind === 'Service' ? '' : 'gateway.networking.k8s.io', kind, namespace, name };
  return { of, conditions: [condition('Accepted', reason === 'Accepted', reason, message, generation)] };
};
