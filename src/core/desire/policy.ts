import type { ChoiceRule } from '../model/desired.ts';
import type { Complaint, ObjectRef, TrafficPolicyObject } from '../model/objects.ts';
import { clienteleKey, widerKeys } from './clientele-key.ts';
import { complaintAbout, objectText } from './complaint.ts';
import type { ClientPod } from './desire.ts';
import { compareText } from './order.ts';
import { selects } from './selector.ts';

/**
 * The policy that counts for a client when several name one Service; without a client, for everybody who is not known as
 * one. A TrafficPolicy for some clients comes before one for all, and a DestinationRule last, those that ask for nothing at
 * the very last. Of those that stand alike the oldest counts, so that a new one cannot take traffic over.
 */
export const governingPolicy = (
  policies: readonly TrafficPolicyObject[],
  client?: Pick<ClientPod, 'labels'>,
): TrafficPolicyObject | undefined =>
  firstOf(policies, ({ clients }) => clients === undefined || isFor(clients, client));

/** Which of a Service's policies govern, worked out once for all of them: there may be thousands. */
export interface PolicyRanking {
  /** Who governs wherever this one would; undefined when it governs, or might govern, somebody. */
  overruling(policy: TrafficPolicyObject): TrafficPolicyObject | undefined;
}

/** What two selectors have in common cannot be told: only that they say the same, or that one is for every Pod. */
export const rankPolicies = (policies: readonly TrafficPolicyObject[]): PolicyRanking => {
  const clientele = new Map(policies.map((policy) => [policy, clienteleKey(policy.clients)]));
  const firsts = new Map<string, TrafficPolicyObject>();
  for (const [policy, whose] of clientele) {
    const first = firsts.get(whose);
    if (first === undefined || comesBefore(policy, first)) firsts.set(whose, policy);
  }
  return {
    overruling: (policy) =>
      widerKeys(clientele.get(policy) ?? clienteleKey(policy.clients))
        .flatMap((whose) => firsts.get(whose) ?? [])
        .find((first) => comesBefore(first, policy)),
  };
};

export const ignoredPolicies = (
  service: ObjectRef,
  policies: readonly TrafficPolicyObject[],
  ranking: PolicyRanking,
): readonly Complaint[] =>
  inOrder(policies).flatMap((policy) => {
    const governing = ranking.overruling(policy);
    if (governing === undefined) return [];
    const severity = standingOf(policy) === standingOf(governing) ? 'warning' : 'note';
    const message = `ignored for ${objectText(service)}: ${overruledText(governing, policy)}`;
    return [complaintAbout(policy, severity, TARGET_PATHS[policy.kind], message)];
  });

/** What of a DestinationRule that counts has no meaning here. */
export const unhonouredFields = (
  service: ObjectRef,
  policies: readonly TrafficPolicyObject[],
  ranking: PolicyRanking,
): readonly Complaint[] =>
  inOrder(policies)
    .filter((policy) => policy.ignored.length > 0 && ranking.overruling(policy) === undefined)
    .flatMap((policy) =>
      policy.ignored.map((path) => complaintAbout(policy, 'note', path, `is not honoured for ${objectText(service)}`)),
    );

export const TARGET_PATHS = { TrafficPolicy: 'spec.targetRefs', DestinationRule: 'spec.host' } as const;

/** Why the first counts and not the other. */
export const whyBefore = (first: TrafficPolicyObject, other: TrafficPolicyObject): string => {
  if (first.kind !== other.kind) return `is a ${first.kind}`;
  return first.createdAtMs < other.createdAtMs ? 'is older' : 'comes first by name';
};

/** `TrafficPolicy shop/b is older and governs it alone`, where the first counts and not the other. */
export const overruledText = (first: TrafficPolicyObject, other: TrafficPolicyObject): string =>
  first.kind === other.kind && standingOf(first) !== standingOf(other)
    ? `${objectText(first)} asks for what is honoured, and this one does not`
    : `${objectText(first)} ${whyBefore(first, other)} and governs it alone`;

/** Whether it asks for anything of endpoints that is honoured. */
export const saysOfEndpoints = ({ algorithm, endpointWeights, slowStartMs }: TrafficPolicyObject): boolean =>
  algorithm !== undefined || endpointWeights.length > 0 || slowStartMs > 0;

/** What Maglev alone asks for is left out of the others: equal rules are equal choices. */
export const choiceOf = (policy: TrafficPolicyObject | undefined): ChoiceRule => {
  const algorithm = policy?.algorithm ?? 'WeightedRandom';
  return { algorithm, hashOn: algorithm === 'Maglev' ? (policy?.hashOn ?? 'Pod') : 'Pod' };
};

/** As the policy for everybody has it. */
export const isMeasured = (policies: readonly TrafficPolicyObject[]): boolean =>
  governingPolicy(policies)?.firstResponseTime === 'Measure';

export const isSameChoice = (one: ChoiceRule, other: ChoiceRule): boolean =>
  one.algorithm === other.algorithm && one.hashOn === other.hashOn;

/** Of all that are for the same clients, or of all that narrow one route. */
export const oldestOf = (policies: readonly TrafficPolicyObject[]): TrafficPolicyObject | undefined =>
  firstOf(policies, () => true);

const firstOf = (
  policies: readonly TrafficPolicyObject[],
  counts: (policy: TrafficPolicyObject) => boolean,
): TrafficPolicyObject | undefined => {
  let first: TrafficPolicyObject | undefined;
  for (const policy of policies) {
    if (counts(policy) && (first === undefined || comesBefore(policy, first))) first = policy;
  }
  return first;
};

const isFor = (clients: NonNullable<TrafficPolicyObject['clients']>, client: Pick<ClientPod, 'labels'> | undefined) =>
  client !== undefined && selects(clients, client.labels);

const comesBefore = (a: TrafficPolicyObject, b: TrafficPolicyObject): boolean => {
  const standing = standingOf(a) - standingOf(b);
  if (standing !== 0) return standing > 0;
  return a.createdAtMs === b.createdAtMs ? a.name < b.name : a.createdAtMs < b.createdAtMs;
};

/** A DestinationRule that asks for nothing must not keep another one from being heard. */
const standingOf = (policy: TrafficPolicyObject): number => {
  if (policy.kind === 'DestinationRule') return saysOfEndpoints(policy) ? 1 : 0;
  return policy.clients === undefined ? 2 : 3;
};

const inOrder = (policies: readonly TrafficPolicyObject[]): readonly TrafficPolicyObject[] =>
  policies.toSorted((a, b) => compareText(a.name, b.name) || compareText(a.kind, b.kind));
