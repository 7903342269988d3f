import { keyOf, routeKeyOf } from '../cluster/keys.ts';
import type { BackendInput, RouteInput } from '../desire/desire.ts';
import type { PolicyInForce } from '../desire/in-force.ts';
import { onlyNodeOf } from '../desire/internal-policy.ts';
import { choiceOf, rankPolicies, unhonouredFields } from '../desire/policy.ts';
import type { ServedPort } from '../desire/ports.ts';
import type { Ruling } from '../desire/ruling.ts';
import type { Complaint, Family, ServiceObject, TrafficPolicyObject } from '../model/objects.ts';
import { isConsumers, narrowingOf } from '../route/attached.ts';
import { armIdOf, backendOf } from '../route/backend.ts';
import type { ExplainedArm, ExplainedPolicy, ExplainedRoute } from './decision.ts';
import { explainEndpoints, type Field } from './endpoints.ts';
import { isAnswering, refusedReason } from './refused.ts';

export const explainRoute = (input: RouteInput, service: ServiceObject): ExplainedRoute => {
  const narrowing = narrowingOf(input);
  return {
    name: routeKeyOf(input.route),
    ...(isConsumers(input.route, service) ? { onlyNamespace: input.route.namespace } : {}),
    ...(narrowing === undefined ? {} : { narrowedBy: policyText(narrowing) }),
  };
};

/** One for each backendRef, in their order: also for those that name one backend twice, or have no weight. */
export const explainArms = (
  route: RouteInput,
  { policyOf }: Pick<Ruling, 'policyOf'>,
  { node, slowStart }: Pick<Field, 'node' | 'slowStart'>,
  port: ServedPort,
  family: Family,
): readonly ExplainedArm[] => {
  const of = route.backends.reduce((sum, { ref }) => sum + ref.weight, 0);
  return route.backends.map((backend): ExplainedArm => {
    const { weight } = backend.ref;
    const named = {
      id: armIdOf(backend),
      service: keyOf(backend.ref),
      weight,
      of,
      percent: of === 0 ? 0 : (100 * weight) / of,
    };
    return { ...named, ...explainBackend(backend, policyOf(backend), { node, slowStart }, port, family) };
  });
};

/** What a DestinationRule of a Service that the route leads to asks for in vain: of each Service once. */
export const unhonouredOfBackends = (route: RouteInput | undefined, parent: ServiceObject): readonly Complaint[] => {
  const answering = (route?.backends ?? []).flatMap(({ answers }) => answers ?? []);
  const byService = new Map(answering.map((answers) => [keyOf(answers.service), answers]));
  byService.delete(keyOf(parent));
  return [...byService.values()].flatMap(({ service, policies }) =>
    unhonouredFields(service, policies, rankPolicies(policies)),
  );
};

const explainBackend = (
  backend: BackendInput,
  policy: PolicyInForce,
  { node, slowStart }: Pick<Field, 'node' | 'slowStart'>,
  port: ServedPort,
  family: Family,
): Pick<ExplainedArm, 'refused' | 'choice' | keyof ExplainedPolicy | 'onlyNode' | 'slices' | 'endpoints'> => {
  const found = backendOf(backend, port.protocol);
  if (found.outcome === 'refused') {
    const { reason, message } = found;
    return { refused: { unresolved: reason, message }, choice: choiceOf(undefined), slices: [], endpoints: [] };
  }
  const { service, slices } = found.answers;
  const only = onlyNodeOf(service, node.name);
  const endpoints = explainEndpoints({ service, slices, policy, node, slowStart }, found.port, family, only);
  const answered = {
    choice: choiceOf(policy.choice),
    ...explainPolicy(policy),
    ...(only === undefined ? {} : { onlyNode: only }),
    slices: slices.map(({ name }) => name),
    endpoints,
  };
  return endpoints.some(isAnswering) ? answered : { refused: { reason: refusedReason(answered) }, ...answered };
};

export const explainPolicy = ({ first, ...saying }: PolicyInForce): ExplainedPolicy => {
  if (first === undefined) return {};
  const fallback = Object.values(saying).find((each) => each !== undefined && each !== first);
  const choiceBy = saying.choice === first ? undefined : saying.choice;
  return {
    policy: policyText(first),
    ...(fallback === undefined ? {} : { fallback: policyText(fallback) }),
    ...(choiceBy === undefined ? {} : { choiceBy: policyText(choiceBy) }),
  };
};

const policyText = (policy: TrafficPolicyObject): string => `${policy.kind} ${keyOf(policy)}`;
