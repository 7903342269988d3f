import { keyOf } from '../cluster/keys.ts';
import type { ChoiceRule, DesiredArm, DesiredEndpoint, DesiredGroup, Listed } from '../model/desired.ts';
import type { EndpointSliceObject, Family } from '../model/objects.ts';
import { armIdOf, backendOf, weighedBackends } from '../route/backend.ts';
import { aliveKey } from './alive.ts';
import type { BackendInput, RouteInput, ServiceInput } from './desire.ts';
import { desireEndpoints } from './endpoints.ts';
import { onlyNodeOf } from './internal-policy.ts';
import type { LocalNode } from './node.ts';
import { byName, compareText } from './order.ts';
import { choiceOf, governingPolicy, isSameChoice } from './policy.ts';
import { type ServedPort, targetOf } from './ports.ts';
import type { Ruling } from './ruling.ts';
import type { Ramps } from './slow-start.ts';

/** All that decides who answers at a Service. */
export interface Basis {
  /** Its slices in the order of their names. */
  readonly input: ServiceInput;
  readonly node: LocalNode;
  readonly ramps: Ramps;
}

export type Answer = Pick<DesiredGroup, 'endpoints' | 'arms' | 'listed'>;

/**
 * Who answers at addresses of one family. A route takes the place of the Service's own endpoints at all of its addresses;
 * so `onlyNode`, which is about these, means nothing then. A client whose policy chooses in another way than that of
 * everybody has one arm, because the choice of a port is one for all; and so has one whose policy has it take turns, for
 * turns that others take as well would leave gaps in its rounds.
 */
export const answerFor = (
  basis: Basis,
  port: ServedPort,
  family: Family,
  onlyNode: string | undefined,
  { route, policy, policyOf }: Ruling,
): Answer => {
  if (route !== undefined) return { endpoints: [], ...armsOf(basis, port, family, route, policyOf) };
  const { service, slices, policies } = basis.input;
  const endpoints = desireEndpoints({ ...basis, service, slices, policy }, port, family, onlyNode);
  const choice = choiceOf(policy.choice);
  const ofAll = governingPolicy(policies);
  const isApart =
    !isSameChoice(choice, choiceOf(ofAll)) || (policy.first !== ofAll && choice.algorithm === 'RoundRobin');
  const listed = listedFor(choice, slices, port, family);
  if (endpoints.length === 0 || !isApart) return { endpoints, ...listed };
  const id = `${keyOf(service)}:${port.port}@${policy.first?.name}`;
  return { endpoints: [], arms: [{ id, weight: 1, choice, endpoints, ...listed }] };
};

/** In the order of their names. Backends of one name share one arm; without any weight there is none, which refuses. */
const armsOf = (
  basis: Basis,
  port: ServedPort,
  family: Family,
  route: RouteInput,
  policyOf: Ruling['policyOf'],
): Pick<DesiredGroup, 'arms'> => {
  const arms = new Map<string, DesiredArm>();
  for (const backend of weighedBackends(route)) {
    const { weight } = backend.ref;
    const arm = armOf(basis, port, family, backend, policyOf);
    arms.set(arm.id, { ...arm, weight: weight + (arms.get(arm.id)?.weight ?? 0) });
  }
  return arms.size === 0 ? {} : { arms: [...arms.values()].sort((a, b) => compareText(a.id, b.id)) };
};

/**
 * The backend answers as at its cluster address: by its own policy, hints and `internalTrafficPolicy`. Its own routes are
 * not followed (GEP-1294). An arm that a policy makes different from that of everybody has a name of its own.
 */
const armOf = (
  { node, ramps }: Basis,
  port: ServedPort,
  family: Family,
  backend: BackendInput,
  policyOf: Ruling['policyOf'],
): Omit<DesiredArm, 'weight'> => {
  const found = backendOf(backend, port.protocol);
  const id = armIdOf(backend);
  if (found.outcome === 'refused') return { id, choice: choiceOf(undefined), endpoints: NONE };
  const { service, slices, policies } = found.answers;
  const policy = policyOf(backend);
  const endpoints = desireEndpoints(
    { service, slices: inOrder(slices), policy, node, ramps },
    found.port,
    family,
    onlyNodeOf(service, node.name),
  );
  const own = policy.first === governingPolicy(policies) ? id : `${id}@${policy.first?.name}`;
  const choice = choiceOf(policy.choice);
  return { id: own, choice, endpoints, ...listedFor(choice, slices, found.port, family) };
};

/** Of all nodes and zones, drained, starting and ending ones too. */
const listedFor = (
  { algorithm }: ChoiceRule,
  slices: readonly EndpointSliceObject[],
  port: ServedPort,
  family: Family,
): Listed => {
  if (algorithm !== 'Maglev') return {};
  const listed = new Set<string>();
  for (const slice of slices) {
    const target = slice.family === family ? targetOf(slice, port) : undefined;
    if (target === undefined) continue;
    for (const { address } of slice.endpoints) listed.add(aliveKey(address, target.port));
  }
  return { listed: listed.size };
};

export const inOrder = (slices: readonly EndpointSliceObject[]): readonly EndpointSliceObject[] =>
  slices.length > 1 ? slices.toSorted(byName) : slices;

const NONE: readonly DesiredEndpoint[] = [];
