import type { DesiredEndpoint } from '../model/desired.ts';
import type { EndpointSliceObject, Family, Hints, ServiceObject } from '../model/objects.ts';
import type { PolicyInForce } from './in-force.ts';
import type { LocalNode } from './node.ts';
import { byAddress } from './order.ts';
import { type ServedPort, targetOf } from './ports.ts';
import { type Ramps, ramped } from './slow-start.ts';
import { STANDING, type Standing, standingOf } from './standing.ts';
import { isNear, topologyOf } from './topology.ts';
import { weightOf } from './weights.ts';

/** All that decides which endpoints answer a port. */
export interface Choice {
  readonly service: ServiceObject;
  /** In the order of their names. */
  readonly slices: readonly EndpointSliceObject[];
  readonly policy: PolicyInForce;
  readonly node: LocalNode;
  readonly ramps: Ramps;
}

/**
 * The endpoints that answer, in the order of their addresses. `onlyNode`: those of this node alone. Hints count among
 * endpoints of all nodes, and as long as there are some that do not just serve until they have shut down. A drained
 * endpoint (weight 0) counts as none: it does not answer, and its hint keeps no client near it.
 */
export const desireEndpoints = (
  choice: Choice,
  port: ServedPort,
  family: Family,
  onlyNode: string | undefined,
): readonly DesiredEndpoint[] => {
  const near = nearEndpoints(choice, port, family, onlyNode).map(withoutHints);
  return ramped(near, choice.service, choice.policy.slowStart, choice.ramps);
};

const nearEndpoints = (
  choice: Choice,
  port: ServedPort,
  family: Family,
  onlyNode: string | undefined,
): readonly Candidate[] => {
  const { best, standing } = bestEndpoints(choice, port, family, onlyNode);
  best.sort(byAddress);
  const counted = best.every(isCounted) ? best : best.filter(isCounted);
  const isHinted = counted.some(({ hints }) => hints.zones.length + hints.nodes.length > 0);
  if (onlyNode !== undefined || standing !== STANDING.ready || !isHinted) return counted;
  const topology = topologyOf(counted, choice.node);
  return counted.filter((endpoint) => isNear(endpoint, topology, choice.node));
};

interface Candidate extends DesiredEndpoint {
  readonly hints: Hints;
}

/**
 * All ready endpoints; when there is none, all terminating ones that still serve. Where slices disagree about an
 * endpoint its best standing counts, because the lesser one is not looked at. Weights come later: when every ready
 * endpoint is drained, refusing is what was asked for.
 */
const bestEndpoints = (
  { service, slices, policy }: Choice,
  port: ServedPort,
  family: Family,
  onlyNode: string | undefined,
): { readonly best: Candidate[]; readonly standing: Standing } => {
  const best: Candidate[] = [];
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
      const { address, hints } = endpoint;
      best.push({ address, port: target.port, weight: weightOf(endpoint, policy.weights), hints });
    }
  }
  return { best, standing: bestStanding };
};

/** Not drained, and the first of those with its address: sorting is stable, so that is in the order of slice names. */
const isCounted = (endpoint: Candidate, index: number, sorted: readonly Candidate[]): boolean => {
  const previous = sorted[index - 1];
  return endpoint.weight > 0 && (previous === undefined || byAddress(previous, endpoint) !== 0);
};

const withoutHints = ({ address, port, weight }: Candidate): DesiredEndpoint => ({ address, port, weight });
