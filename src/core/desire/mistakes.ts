import { routeKeyOf } from '../cluster/keys.ts';
import { byReference } from '../cluster/listed.ts';
import type { Cluster } from '../cluster.ts';
import type {
  Complaint,
  EndpointObject,
  EndpointSliceObject,
  ServiceObject,
  TrafficPolicyObject,
} from '../model/objects.ts';
import { missingParent } from '../route/complaints.ts';
import { complaintAbout, objectText } from './complaint.ts';
import { byName } from './order.ts';
import type { PolicyRanking } from './policy.ts';
import { targetOf } from './ports.ts';
import { shadowOf } from './shadowed-weights.ts';
import { matches, weightOf } from './weights.ts';

/** Slices with endpoints of which no port of the Service can use one: most often a name that is spelled differently. */
export const unfitSlices = (service: ServiceObject, slices: readonly EndpointSliceObject[]): readonly Complaint[] =>
  slices
    .filter((slice) => !service.ports.some((port) => targetOf(slice, port) !== undefined) && slice.endpoints.length > 0)
    .map((slice) =>
      complaintAbout(
        slice,
        'warning',
        'ports',
        `has ${portsText(slice.ports)}, while ${objectText(service)} has ${portsText(service.ports)}: no endpoint is used`,
      ),
    );

/**
 * Entries of policies in force that match no endpoint of the Service, and those that drain all of them. Without any
 * endpoint nothing can be told; and where a policy has several targets, an entry may well be meant for another one.
 */
export const idleEntries = (
  service: ServiceObject,
  slices: readonly EndpointSliceObject[],
  policies: readonly TrafficPolicyObject[],
  ranking: PolicyRanking,
): readonly Complaint[] => {
  if (policies.length === 0) return [];
  const endpoints = slices.flatMap((slice) => slice.endpoints);
  if (endpoints.length === 0) return [];
  return policies
    .filter((policy) => ranking.overruling(policy) === undefined)
    .toSorted(byName)
    .flatMap((policy) => [...idleEntriesOf(service, endpoints, policy), ...wholeDrain(service, endpoints, policy)]);
};

const idleEntriesOf = (
  service: ServiceObject,
  endpoints: readonly EndpointObject[],
  policy: TrafficPolicyObject,
): readonly Complaint[] => {
  const severity = policy.services.length > 1 ? 'note' : 'warning';
  const message = `matches no endpoint of ${objectText(service)}`;
  return policy.endpointWeights.flatMap((entry, index) =>
    // What an earlier entry always hides is said where the policy is read.
    endpoints.some((endpoint) => matches(endpoint, entry)) || shadowOf(policy.endpointWeights, index) >= 0
      ? []
      : [complaintAbout(policy, severity, `spec.endpointWeights[${index}]`, message)],
  );
};

const wholeDrain = (
  service: ServiceObject,
  endpoints: readonly EndpointObject[],
  policy: TrafficPolicyObject,
): readonly Complaint[] => {
  if (!endpoints.every((endpoint) => weightOf(endpoint, policy) === 0)) return [];
  const whose = policy.clients === undefined ? '' : ', for its clients';
  const message = `drains every endpoint of ${objectText(service)}${whose}: whoever comes to them is refused`;
  return [complaintAbout(policy, 'warning', 'spec.endpointWeights', message)];
};

/** What is said of all that names a Service which is not there. `key` is its `namespace/name`. */
export const withoutService = (
  { policies, destinationRules, routes }: Pick<Cluster, 'policies' | 'destinationRules' | 'routes'>,
  key: string,
): readonly Complaint[] => [
  ...missingTarget(key, policies.byService.get(key) ?? []),
  ...missingTarget(key, destinationRules.byService.get(key) ?? []),
  ...missingParent(key, routes.byParent.get(key) ?? []),
];

/** What is said of policies that name a Service which is not there. */
export const missingTarget = (key: string, policies: readonly TrafficPolicyObject[]): readonly Complaint[] =>
  policies.map((policy) => {
    const index = policy.services.findIndex((name) => `${policy.namespace}/${name}` === key);
    return complaintAbout(
      policy,
      'warning',
      policy.kind === 'DestinationRule' ? 'spec.host' : `spec.targetRefs[${index}].name`,
      `there is no Service ${key}${policy.endpointWeights.length === 0 ? '' : ': nothing is weighed'}`,
    );
  });

/** Policies that say whose routes are which are not there: those that were meant may be for everybody. */
export const missingRoutes = ({ policies, routes }: Pick<Cluster, 'policies' | 'routes'>): readonly Complaint[] =>
  [...policies.byKey.values()].toSorted(byReference).flatMap((policy) =>
    policy.routes.flatMap(({ kind, name }) => {
      const key = routeKeyOf({ kind, namespace: policy.namespace, name });
      if (routes.byKey.has(key)) return [];
      const message = `there is no ${key} with a Service as its parent: nothing is narrowed`;
      return [complaintAbout(policy, 'warning', 'spec.targetRefs', message)];
    }),
  );

const portsText = (ports: readonly { readonly name: string; readonly protocol: string }[]): string =>
  ports.length === 0
    ? 'no port'
    : ports
        .map(({ name, protocol }) => (name === '' ? `an unnamed ${protocol} port` : `${name}/${protocol}`))
        .join(', ');
