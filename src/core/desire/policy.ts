import type { ChoiceRule } from '../model/desired.ts';
import type { Complaint, ObjectRef, TrafficPolicyObject } from '../model/objects.ts';
import { complaintAbout, objectText } from './complaint.ts';
import type { ClientPod } from './desire.ts';
import { compareText } from './order.ts';
import { selectorText, selects } from './selector.ts';

/**
 * The policy that counts for a client when several name one Service; without a client, for everybody who is not known as
 * one. A TrafficPolicy for some clients comes before one for all, and a DestinationRule last. Of those that stand alike
 * the oldest counts, so that a new one cannot take traffic over.
 */
export const governingPolicy = (
  policies: readonly TrafficPolicyObject[],
  client?: Pick<ClientPod, 'labels'>,
): TrafficPolicyObject | undefined =>
  firstOf(policies, ({ clients }) => clients === undefined || isFor(clients, client));

/** Who governs wherever this one would; undefined when it governs, or might govern, somebody. */
export const overrulingPolicy = (
  policy: TrafficPolicyObject,
  policies: readonly TrafficPolicyObject[],
): TrafficPolicyObject | undefined =>
  firstOf(policies, (other) => haveSameClients(other, policy) && comesBefore(other, policy));

export const ignoredPolicies = (service: ObjectRef, policies: readonly TrafficPolicyObject[]): readonly Complaint[] =>
  inOrder(policies).flatMap((policy) => {
    const governing = overrulingPolicy(policy, policies);
    if (governing === undefined) return [];
    const severity = policy.kind === governing.kind ? 'warning' : 'note';
    const message = `ignored for ${objectText(service)}: ${objectText(governing)} ${whyBefore(governing, policy)} and governs it alone`;
    return [complaintAbout(policy, severity, TARGET_PATHS[policy.kind], message)];
  });

/** What of a DestinationRule that counts has no meaning here. */
export const unhonouredFields = (service: ObjectRef, policies: readonly TrafficPolicyObject[]): readonly Complaint[] =>
  inOrder(policies)
    .filter((policy) => policy.ignored.length > 0 && overrulingPolicy(policy, policies) === undefined)
    .flatMap((policy) =>
      policy.ignored.map((path) => complaintAbout(policy, 'note', path, `is not honoured for ${objectText(service)}`)),
    );

export const TARGET_PATHS = { TrafficPolicy: 'spec.targetRefs', DestinationRule: 'spec.host' } as const;

/** Why the first counts and not the other. */
export const whyBefore = (first: TrafficPolicyObject, other: TrafficPolicyObject): string => {
  if (first.kind !== other.kind) return `is a ${first.kind}`;
  return first.createdAtMs < other.createdAtMs ? 'is older' : 'comes first by name';
};

/** What Maglev alone asks for is left out of the others: equal rules are equal choices. */
export const choiceOf = (policy: TrafficPolicyObject | undefined): ChoiceRule => {
  const algorithm = policy?.algorithm ?? 'WeightedRandom';
  return { algorithm, hashOn: algorithm === 'Maglev' ? (policy?.hashOn ?? 'Pod') : 'Pod' };
};

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

const standingOf = ({ kind, clients }: TrafficPolicyObject): number => {
  if (kind === 'DestinationRule') return 0;
  return clients === undefined ? 1 : 2;
};

/** What two selectors have in common cannot be told: only those that say the same are the same. */
export const haveSameClients = (a: TrafficPolicyObject, b: TrafficPolicyObject): boolean =>
  a.clients === undefined || b.clients === undefined
    ? a.clients === b.clients
    : selectorText(a.clients) === selectorText(b.clients);

const inOrder = (policies: readonly TrafficPolicyObject[]): readonly TrafficPolicyObject[] =>
  policies.toSorted((a, b) => compareText(a.name, b.name) || compareText(a.kind, b.kind));
