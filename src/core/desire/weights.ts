import type { EndpointObject, EndpointWeight, TrafficPolicyObject } from '../model/objects.ts';
import { matchesWildcard } from './wildcard.ts';

export const DEFAULT_WEIGHT = 1;

export const weightOf = (endpoint: EndpointObject, policy: TrafficPolicyObject | undefined): number =>
  policy === undefined
    ? DEFAULT_WEIGHT
    : (policy.endpointWeights[entryFor(endpoint, policy)]?.weight ?? DEFAULT_WEIGHT);

/** Index of the first entry of `endpointWeights` that matches, -1 when none does. */
export const entryFor = (endpoint: EndpointObject, policy: TrafficPolicyObject): number =>
  policy.endpointWeights.findIndex((entry) => matches(endpoint, entry));

/** An endpoint that is no Pod has no Pod name, so not even `pod: "*"` means it; likewise node, zone and labels. */
export const matches = (endpoint: EndpointObject, { pod, node, zone, labels }: EndpointWeight): boolean =>
  (pod === undefined || (endpoint.pod !== '' && matchesWildcard(endpoint.pod, pod))) &&
  (node === undefined || (endpoint.node !== '' && endpoint.node === node)) &&
  (zone === undefined || (endpoint.zone !== '' && endpoint.zone === zone)) &&
  (labels === undefined || Object.entries(labels).every(([key, value]) => labelOf(endpoint, key) === value));

const labelOf = ({ labels }: EndpointObject, key: string): string | undefined =>
  labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
