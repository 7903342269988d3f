import type { DesiredEndpoint, DesiredGroup, DesiredPort } from '../model/desired.ts';
import type { Complaint, EndpointSliceObject, Family, ServiceObject, TrafficPolicyObject } from '../model/objects.ts';
import { familyOf } from './family.ts';
import { localityComplaint, localNode } from './locality.ts';
import { idleEntries, unfitSlices } from './mistakes.ts';
import { byAddress, byName } from './order.ts';
import { isServed, notServedComplaint, portId, type ServedPort, targetOf } from './ports.ts';
import { notProgrammed } from './programmed.ts';
import { STANDING, type Standing, standingOf } from './standing.ts';
import { governingPolicy, ignoredPolicies, weightOf } from './weights.ts';

/** A Service and everything that says how it is answered. */
export interface ServiceInput {
  readonly service: ServiceObject;
  /** Those whose `service` it is, in any order. */
  readonly slices: readonly EndpointSliceObject[];
  /** Those that name it, in any order. */
  readonly policies: readonly TrafficPolicyObject[];
}

export interface NodeIdentity {
  /** Empty when unknown. */
  readonly name: string;
  /** We serve the Services whose `proxyName` this is; those without the label when it is empty. */
  readonly proxyName: string;
}

export interface Desired {
  readonly ports: readonly DesiredPort[];
  readonly complaints: readonly Complaint[];
}

/** What the kernel should hold for a Service on this node. Equal input, in whatever order, gives equal output. */
export const desire = (input: ServiceInput & { readonly node: NodeIdentity }): Desired => {
  const { service, policies, node } = input;
  const reason = notProgrammed(service, node.proxyName);
  if (reason !== undefined) return { ports: [], complaints: [reason] };

  const slices = inOrder(input.slices);
  const policy = governingPolicy(policies);
  const choice: Choice = { service, slices, policy, onlyNode: localNode(service, node.name) };
  const complaints: Complaint[] = [...ignoredPolicies(service, policies)];
  const locality = localityComplaint(service, node.name);
  if (locality !== undefined) complaints.push(locality);

  const ports: DesiredPort[] = [];
  for (const [index, port] of service.ports.entries()) {
    if (isServed(port)) ports.push(desirePort(choice, port));
    else complaints.push(notServedComplaint(service, index));
  }
  complaints.push(...unfitSlices(service, slices), ...idleEntries(service, slices, policies));
  return { ports, complaints };
};

/** All that decides which endpoints answer a port. */
interface Choice {
  readonly service: ServiceObject;
  readonly slices: readonly EndpointSliceObject[];
  readonly policy: TrafficPolicyObject | undefined;
  readonly onlyNode: string | undefined;
}

const desirePort = (choice: Choice, port: ServedPort): DesiredPort => ({
  id: portId(choice.service, port),
  protocol: port.protocol,
  port: port.port,
  affinityTimeoutS: choice.service.affinityTimeoutS,
  groups: desireGroups(choice, port),
});

const FAMILIES: readonly Family[] = [4, 6];

/** The families know nothing of each other: one may have endpoints while the other refuses. */
const desireGroups = (choice: Choice, port: ServedPort): readonly DesiredGroup[] => {
  const groups: DesiredGroup[] = [];
  for (const family of FAMILIES) {
    const addresses = choice.service.clusterIPs.filter((address) => familyOf(address) === family);
    if (addresses.length > 0) groups.push({ family, addresses, endpoints: desireEndpoints(choice, port, family) });
  }
  return groups;
};

const desireEndpoints = (choice: Choice, port: ServedPort, family: Family): readonly DesiredEndpoint[] => {
  const best = bestEndpoints(choice, port, family).sort(byAddress);
  return best.every(isCounted) ? best : best.filter(isCounted);
};

/**
 * All ready endpoints; when there is none, all terminating ones that still serve. Where slices disagree about an
 * endpoint its best standing counts, because the lesser one is not looked at. Weights come later: when every ready
 * endpoint is drained, refusing is what was asked for.
 */
const bestEndpoints = (
  { service, slices, policy, onlyNode }: Choice,
  port: ServedPort,
  family: Family,
): DesiredEndpoint[] => {
  const best: DesiredEndpoint[] = [];
  let bestStanding: Standing = STANDING.terminating;
  for (const slice of slices) {
    const target = slice.family === family ? targetOf(slice, port) : undefined;
    if (target === undefined) continue;
    for (const endpoint of slice.endpoints) {
      if (onlyNode !== undefined && endpoint.node !== onlyNode) continue;
      const standing = standingOf(endpoint, service);
      if (standing < bestStanding) continue;
      if (standing > bestStanding) best.length = 0;
      bestStanding = standing;
      best.push({ address: endpoint.address, port: target.port, weight: weightOf(endpoint, policy) });
    }
  }
  return best;
};

/** Not drained, and the first of those with its address: sorting is stable, so that is in the order of slice names. */
const isCounted = (endpoint: DesiredEndpoint, index: number, sorted: readonly DesiredEndpoint[]): boolean => {
  const previous = sorted[index - 1];
  return endpoint.weight > 0 && (previous === undefined || byAddress(previous, endpoint) !== 0);
};

const inOrder = (slices: readonly EndpointSliceObject[]): readonly EndpointSliceObject[] =>
  slices.length > 1 ? slices.toSorted(byName) : slices;
