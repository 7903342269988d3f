import type { Intern } from '../model/intern.ts';
import type { EndpointWeight, ObjectRef, TrafficPolicyObject } from '../model/objects.ts';
import {
  asObject,
  at,
  complain,
  type Fields,
  integerField,
  isAbsent,
  listField,
  objectField,
  type Path,
  type Review,
  shown,
  textField,
  timeField,
} from './read-field.ts';
import { checkLabel } from './read-name.ts';

/** Projects a shunt.dev/v1alpha1 TrafficPolicy. Unknown fields are errors: a typo must not pass for a policy in force. */
export const readTrafficPolicy = (review: Review, raw: Fields, ref: ObjectRef, intern: Intern): TrafficPolicyObject => {
  checkKnown(review, raw, undefined, ['apiVersion', 'kind', 'metadata', 'spec', 'status']);
  const metadata = objectField(review, raw, 'metadata') ?? {};
  const spec = objectField(review, raw, 'spec') ?? {};
  checkKnown(review, spec, SPEC, ['targetRefs', 'endpointWeights']);
  return {
    kind: 'TrafficPolicy',
    namespace: ref.namespace,
    name: ref.name,
    createdAtMs: timeField(review, metadata, 'creationTimestamp', Number.POSITIVE_INFINITY, 'error', METADATA),
    generation: 0,
    services: readTargets(review, spec, intern),
    routes: [],
    algorithm: undefined,
    hashOn: 'Pod',
    endpointWeights: readWeights(review, spec, intern),
    slowStartMs: 0,
    clients: undefined,
    ignored: [],
  };
};

const readTargets = (review: Review, spec: Fields, intern: Intern): readonly string[] => {
  const services: string[] = [];
  const targets = boundedList(review, spec, 'targetRefs', TARGETS_MAX);
  if (targets.length === 0) {
    complain(review, 'error', TARGETS, 'must name at least one Service');
  }
  for (const [index, raw] of targets.entries()) {
    const path = at(TARGETS, index);
    const target = asObject(review, raw, path);
    if (target === undefined) {
      continue;
    }
    const name = readTarget(review, target, path);
    if (services.includes(name)) {
      complain(review, 'error', at(path, 'name'), `"${name}" is the name of an earlier target`);
    }
    services.push(intern(name));
  }
  return services;
};

const readTarget = (review: Review, target: Fields, path: Path): string => {
  checkKnown(review, target, path, ['group', 'kind', 'name']);
  const group = textField(review, target, 'group', path);
  if (group !== '') {
    complain(review, 'error', at(path, 'group'), `must be "", the group of Service, is ${shown(group)}`);
  }
  const kind = textField(review, target, 'kind', path);
  if (kind !== 'Service') {
    complain(review, 'error', at(path, 'kind'), `must be Service, is ${shown(kind)}`);
  }
  const name = textField(review, target, 'name', path);
  checkLabel(review, name, at(path, 'name'));
  return name;
};

const readWeights = (review: Review, spec: Fields, intern: Intern): readonly EndpointWeight[] =>
  boundedList(review, spec, 'endpointWeights', WEIGHTS_MAX).flatMap((raw, index) => {
    const path = at(WEIGHTS, index);
    const fields = asObject(review, raw, path);
    if (fields === undefined) {
      return [];
    }
    checkKnown(review, fields, path, ['pod', 'node', 'zone', 'weight']);
    const weight = integerField(review, fields, 'weight', WEIGHT_RANGE, path);
    if (isAbsent(fields.weight)) {
      complain(review, 'error', at(path, 'weight'), 'is missing');
    }
    return [
      {
        ...matcher(review, fields, 'pod', path, intern),
        ...matcher(review, fields, 'node', path, intern),
        ...matcher(review, fields, 'zone', path, intern),
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

/** Every endpoint of every target is held to every entry, in one go, on every node: so both are few. */
const boundedList = (review: Review, spec: Fields, key: string, max: number): readonly unknown[] => {
  const list = listField(review, spec, key, SPEC);
  if (list.length <= max) return list;
  complain(review, 'error', at(SPEC, key), `must have at most ${max} entries, has ${list.length}`);
  return list.slice(0, max);
};

const checkKnown = (review: Review, fields: Fields, path: Path | undefined, known: readonly string[]): void => {
  for (const key of Object.keys(fields)) {
    if (!known.includes(key)) {
      complain(review, 'error', at(path, key), `is not a field of a TrafficPolicy; here are ${known.join(', ')}`);
    }
  }
};

/** As in the CustomResourceDefinition. */
const TARGETS_MAX = 16;
const WEIGHTS_MAX = 64;
const MATCHER_MAX = 253;
const WEIGHT_RANGE = { min: 0, max: 1000 } as const;

const METADATA = at(undefined, 'metadata');
const SPEC = at(undefined, 'spec');
const TARGETS = at(SPEC, 'targetRefs');
const WEIGHTS = at(SPEC, 'endpointWeights');
