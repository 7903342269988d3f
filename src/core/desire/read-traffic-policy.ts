import type { Intern } from '../model/intern.ts';
import type { Algorithm, EndpointWeight, HashOn, ObjectRef, TrafficPolicyObject } from '../model/objects.ts';
import { durationField } from './read-duration.ts';
import {
  asObject,
  at,
  boundedListField,
  checkKnown,
  complain,
  type Fields,
  integerField,
  isAbsent,
  isFields,
  objectField,
  type Path,
  pathText,
  type Review,
  textField,
  wordField,
} from './read-field.ts';
import { readLabelSelector, readLabels } from './read-label-selector.ts';
import { readMetadata } from './read-metadata.ts';
import { readTargets, type Targets } from './read-target.ts';
import { shadowOf } from './shadowed-weights.ts';

/** Projects a shunt.dev/v1alpha1 TrafficPolicy. Unknown fields are errors: a typo must not pass for a policy in force. */
export const readTrafficPolicy = (review: Review, raw: Fields, ref: ObjectRef, intern: Intern): TrafficPolicyObject => {
  checkKnown(review, raw, undefined, ['apiVersion', 'kind', 'metadata', 'spec', 'status'], ref.kind);
  const spec = objectField(review, raw, 'spec') ?? {};
  checkKnown(review, spec, SPEC, ['targetRefs', ...CHOICES, 'clients'], ref.kind);
  const targets = readTargets(review, boundedListField(review, spec, 'targetRefs', TARGETS_MAX, SPEC), TARGETS, intern);
  checkTargets(review, spec, targets);
  const algorithm = wordField(review, spec, 'algorithm', ALGORITHMS, SPEC);
  const clients = objectField(review, spec, 'clients', SPEC);
  return {
    kind: 'TrafficPolicy',
    namespace: ref.namespace,
    name: ref.name,
    ...readMetadata(review, raw),
    ...targets,
    algorithm,
    hashOn: readHashOn(review, spec, algorithm),
    endpointWeights: readWeights(review, spec, intern),
    slowStartMs: readSlowStart(review, spec),
    ...readSameNode(review, spec),
    ...readFirstResponseTime(review, spec),
    clients: clients === undefined ? undefined : readLabelSelector(review, clients, CLIENTS, ref.kind, intern),
    ignored: [],
  };
};

/**
 * Of a policy that cannot be read, though it may be for some clients of these routes: without it they would be for all of
 * them. Undefined when it names no route, or is surely for everybody.
 */
export const standInFor = (
  { hasUnknown }: Review,
  { spec }: Fields,
  { routes, sameNode: _, firstResponseTime: __, ...policy }: TrafficPolicyObject,
): TrafficPolicyObject | undefined => {
  const mayNarrow = hasUnknown === true || (isFields(spec) && !isAbsent(spec.clients));
  if (routes.length === 0 || !mayNarrow) return undefined;
  return {
    ...policy,
    services: [],
    routes,
    algorithm: undefined,
    endpointWeights: [],
    slowStartMs: 0,
    clients: { matchLabels: {}, matchExpressions: [] },
    standsIn: true,
  };
};

/** What a route does is in the route; a policy can only say for which clients. */
const checkTargets = (review: Review, spec: Fields, { services, routes }: Targets): void => {
  if (routes.length > 0 && isAbsent(spec.clients)) {
    const message = 'is missing: a policy says of a route whose connections it is for; nothing changes for the route';
    complain(review, 'error', CLIENTS, message);
  }
  if (routes.length === 0 || services.length > 0) return;
  for (const key of CHOICES) {
    if (isAbsent(spec[key])) continue;
    const message = 'is for Services, and the policy is for routes alone: name the Services that they lead to';
    complain(review, 'error', at(SPEC, key), message);
  }
};

const readHashOn = (review: Review, spec: Fields, algorithm: Algorithm | undefined): HashOn => {
  if (!isAbsent(spec.hashOn) && algorithm !== 'Maglev') {
    complain(review, 'error', at(SPEC, 'hashOn'), 'is for algorithm Maglev only');
  }
  return wordField(review, spec, 'hashOn', HASH_ON, SPEC) ?? 'Pod';
};

/** Ends of a connection say whose endpoint it is; not by which name it was asked, and so not for whom a policy is. */
const readSameNode = (review: Review, spec: Fields): Pick<TrafficPolicyObject, 'sameNode'> => {
  if (isAbsent(spec.sameNode)) return {};
  if (!isAbsent(spec.clients))
    complain(review, 'error', at(SPEC, 'sameNode'), 'is for all clients, and the policy is not');
  const sameNode = wordField(review, spec, 'sameNode', SAME_NODE, SPEC);
  return sameNode === undefined ? {} : { sameNode };
};

/** Times are those of a Service, whoever asks it. */
const readFirstResponseTime = (review: Review, spec: Fields): Pick<TrafficPolicyObject, 'firstResponseTime'> => {
  if (isAbsent(spec.firstResponseTime)) return {};
  if (!isAbsent(spec.clients))
    complain(review, 'error', at(SPEC, 'firstResponseTime'), 'is for all clients, and the policy is not');
  const firstResponseTime = wordField(review, spec, 'firstResponseTime', FIRST_RESPONSE_TIME, SPEC);
  return firstResponseTime === undefined ? {} : { firstResponseTime };
};

const readSlowStart = (review: Review, spec: Fields): number => {
  const fields = objectField(review, spec, 'slowStart', SPEC);
  if (fields === undefined) return 0;
  checkKnown(review, fields, SLOW_START, ['duration'], 'TrafficPolicy');
  if (isAbsent(fields.duration)) return SLOW_START_DEFAULT_MS;
  return durationField(review, fields, 'duration', SLOW_START_RANGE, SLOW_START) ?? 0;
};

/** Every endpoint of every target is held to every entry, in one go, on every node: so both are few. */
const readWeights = (review: Review, spec: Fields, intern: Intern): readonly EndpointWeight[] => {
  const entries = readEntries(review, spec, intern);
  for (const index of entries.keys()) {
    const shadow = shadowOf(entries, index);
    if (shadow < 0) continue;
    complain(
      review,
      'warning',
      at(WEIGHTS, index),
      `never counts: ${pathText(at(WEIGHTS, shadow))} matches all of it first`,
    );
  }
  return entries;
};

const readEntries = (review: Review, spec: Fields, intern: Intern): readonly EndpointWeight[] =>
  boundedListField(review, spec, 'endpointWeights', WEIGHTS_MAX, SPEC).flatMap((raw, index) => {
    const path = at(WEIGHTS, index);
    const fields = asObject(review, raw, path);
    if (fields === undefined) {
      return [];
    }
    checkKnown(review, fields, path, ['pod', 'node', 'zone', 'labels', 'weight'], 'TrafficPolicy');
    const weight = integerField(review, fields, 'weight', WEIGHT_RANGE, path);
    if (isAbsent(fields.weight)) {
      complain(review, 'error', at(path, 'weight'), 'is missing');
    }
    const labels = readLabels(review, fields, 'labels', LABELS_MAX, path, intern);
    return [
      {
        ...matcher(review, fields, 'pod', path, intern),
        ...matcher(review, fields, 'node', path, intern),
        ...matcher(review, fields, 'zone', path, intern),
        ...(labels === undefined ? {} : { labels }),
        weight: weight ?? 0,
      },
    ];
  });

/** One of the fields that an endpoint must match, no property when it is absent. */
const matcher = <Key extends 'pod' | 'node' | 'zone'>(
  review: Review,
  fields: Fields,
  key: Key,
  path: Path,
  intern: Intern,
): { readonly [Name in Key]?: string } => {
  if (isAbsent(fields[key])) {
    return {};
  }
  if (fields[key] === '') {
    complain(review, 'error', at(path, key), 'must not be empty; leave it out to match any');
  }
  const text = textField(review, fields, key, path);
  if (text.length > MATCHER_MAX && [...text].length > MATCHER_MAX) {
    complain(review, 'error', at(path, key), `must be at most ${MATCHER_MAX} characters long`);
  }
  return { [key]: intern(text) } as { readonly [Name in Key]?: string };
};

/** Fields of `spec` about Services. */
const CHOICES = ['algorithm', 'hashOn', 'endpointWeights', 'slowStart', 'sameNode', 'firstResponseTime'] as const;
const ALGORITHMS = ['WeightedRandom', 'RoundRobin', 'LeastConnections', 'PeakEwma', 'Maglev'] as const;
const SAME_NODE = ['Redirect', 'Plain'] as const;
const FIRST_RESPONSE_TIME = ['Measure', 'Ignore'] as const;
const HASH_ON = ['Pod', 'SourceAddress'] as const;

/** As in the CustomResourceDefinition. */
const TARGETS_MAX = 16;
const WEIGHTS_MAX = 64;
const LABELS_MAX = 8;
const MATCHER_MAX = 253;
const WEIGHT_RANGE = { min: 0, max: 1000 } as const;
const SLOW_START_DEFAULT_MS = 30_000;
const SLOW_START_RANGE = { min: '5s', max: '1h', earlierMin: '1s' } as const;

const SPEC = at(undefined, 'spec');
const TARGETS = at(SPEC, 'targetRefs');
const WEIGHTS = at(SPEC, 'endpointWeights');
const SLOW_START = at(SPEC, 'slowStart');
const CLIENTS = at(SPEC, 'clients');
