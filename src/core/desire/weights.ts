import type { Complaint, EndpointObject, EndpointWeight, ObjectRef, TrafficPolicyObject } from '../model/objects.ts';
import { complaintAbout, objectText } from './complaint.ts';
import { compareText } from './order.ts';
import { matchesWildcard } from './wildcard.ts';

export const DEFAULT_WEIGHT = 1;

/** The policy that counts when several name one Service: the oldest, so that a new one cannot take traffic over. */
export const governingPolicy = (policies: readonly TrafficPolicyObject[]): TrafficPolicyObject | undefined => {
  let oldest = policies[0];
  for (const policy of policies) {
    if (oldest !== undefined && isOlder(policy, oldest)) oldest = policy;
  }
  return oldest;
};

export const ignoredPolicies = (service: ObjectRef, policies: readonly TrafficPolicyObject[]): readonly Complaint[] => {
  const governing = governingPolicy(policies);
  if (governing === undefined) return [];
  return policies
    .filter((policy) => policy !== governing)
    .toSorted((a, b) => compareText(a.name, b.name))
    .map((policy) =>
      complaintAbout(
        policy,
        'warning',
        'spec.targetRefs',
        `ignored for ${objectText(service)}: ${objectText(governing)} ` +
          `${governing.createdAtMs < policy.createdAtMs ? 'is older' : 'comes first by name'} and governs it alone`,
      ),
    );
};

export const weightOf = (endpoint: EndpointObject, policy: TrafficPolicyObject | undefined): number =>
  policy === undefined
    ? DEFAULT_WEIGHT
    : (policy.endpointWeights[entryFor(endpoint, policy)]?.weight ?? DEFAULT_WEIGHT);

/** Index of the first entry of `endpointWeights` that matches, -1 when none does. */
export const entryFor = (endpoint: EndpointObject, policy: TrafficPolicyObject): number =>
  policy.endpointWeights.findIndex((entry) => matches(endpoint, entry));

/** An endpoint that is no Pod has no Pod name, so not even `pod: "*"` means it; likewise node and zone. */
export const matches = (endpoint: EndpointObject, { pod, node, zone }: EndpointWeight): boolean =>
  (pod === undefined || (endpoint.pod !== '' && matchesWildcard(endpoint.pod, pod))) &&
  (node === undefined || (endpoint.node !== '' && endpoint.node === node)) &&
  (zone === undefined || (endpoint.zone !== '' && endpoint.zone === zone));

const isOlder = (a: TrafficPolicyObject, b: TrafficPolicyObject): boolean =>
  a.createdAtMs === b.createdAtMs ? a.name < b.name : a.createdAtMs < b.createdAtMs;
