import type { TrafficPolicyObject } from '../model/objects.ts';
import type { ClientPod } from './desire.ts';
import { governingPolicy, saysOfEndpoints } from './policy.ts';

/**
 * Which policy says what of a Service's endpoints, field by field: what the one for some clients leaves unsaid is as the
 * one for everybody has it. Each is undefined where there is no policy that could say it.
 */
export interface PolicyInForce {
  /** The one that governs, and gives the whole its name. */
  readonly first: TrafficPolicyObject | undefined;
  /** Who says `algorithm` and `hashOn`. */
  readonly choice: TrafficPolicyObject | undefined;
  readonly weights: TrafficPolicyObject | undefined;
  readonly slowStart: TrafficPolicyObject | undefined;
}

/** Without a client: for everybody who is not known as one. A policy that says nothing to its clients is passed over. */
export const policyInForce = (
  policies: readonly TrafficPolicyObject[],
  client?: Pick<ClientPod, 'labels'>,
): PolicyInForce => {
  const all = governingPolicy(policies);
  const first = client === undefined ? all : governingPolicy(policies, client);
  if (first === undefined || first === all || !saysOfEndpoints(first)) return inForceAlone(all);
  return {
    first,
    choice: first.algorithm === undefined ? all : first,
    weights: first.endpointWeights.length === 0 ? all : first,
    slowStart: first.slowStartMs === 0 ? all : first,
  };
};

/** All that there is, or nothing. */
export const inForceAlone = (policy: TrafficPolicyObject | undefined): PolicyInForce => ({
  first: policy,
  choice: policy,
  weights: policy,
  slowStart: policy,
});
