import type { Intern } from '../model/intern.ts';
import type { LabelRequirement, LabelSelector } from '../model/objects.ts';
import {
  asObject,
  at,
  boundedListField,
  checkKnown,
  complain,
  type Fields,
  isAbsent,
  type Path,
  type Review,
  shown,
  wordField,
} from './read-field.ts';
import { checkLabelKey, checkLabelValue } from './read-name.ts';

/**
 * A `metav1.LabelSelector`, held to what the API server holds it to
 * (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/label-selector/). An empty one matches all.
 * Every Pod of a node is held to it, so it is bounded.
 */
export const readLabelSelector = (
  review: Review,
  fields: Fields,
  path: Path,
  kind: string,
  intern: Intern,
): LabelSelector => {
  checkKnown(review, fields, path, ['matchLabels', 'matchExpressions'], kind);
  const expressionsPath = at(path, 'matchExpressions');
  return {
    matchLabels: readLabels(review, fields, 'matchLabels', LABELS_MAX, path, intern) ?? {},
    matchExpressions: boundedListField(review, fields, 'matchExpressions', EXPRESSIONS_MAX, path).flatMap(
      (raw, index) => readRequirement(review, raw, at(expressionsPath, index), kind, intern),
    ),
  };
};

/** Labels by name, at most `max`, undefined when absent. */
export const readLabels = (
  review: Review,
  fields: Fields,
  key: string,
  max: number,
  parent: Path,
  intern: Intern,
): Readonly<Record<string, string>> | undefined => {
  if (isAbsent(fields[key])) return undefined;
  const path = at(parent, key);
  const entries = Object.entries(asObject(review, fields[key], path) ?? {});
  if (entries.length > max) {
    complain(review, 'error', path, `must have at most ${max} entries, has ${entries.length}`);
  }
  const labels = entries.slice(0, max).map(([name, value]) => {
    checkLabelKey(review, name, at(path, name));
    return [intern(name), readValue(review, value, at(path, name), intern)];
  });
  return Object.fromEntries(labels);
};

const readRequirement = (
  review: Review,
  raw: unknown,
  path: Path,
  kind: string,
  intern: Intern,
): readonly LabelRequirement[] => {
  const fields = asObject(review, raw, path);
  if (fields === undefined) return [];
  checkKnown(review, fields, path, ['key', 'operator', 'values'], kind);
  const key = typeof fields.key === 'string' ? fields.key : '';
  checkLabelKey(review, key, at(path, 'key'));
  const valuesPath = at(path, 'values');
  const values = boundedListField(review, fields, 'values', VALUES_MAX, path).map((value, index) =>
    readValue(review, value, at(valuesPath, index), intern),
  );
  const operator = wordField(review, fields, 'operator', OPERATORS, path);
  if (isAbsent(fields.operator)) {
    complain(review, 'error', at(path, 'operator'), 'is missing');
  }
  if (operator === undefined) return [];
  const hasValues = operator === 'In' || operator === 'NotIn';
  if (hasValues !== values.length > 0) {
    complain(review, 'error', valuesPath, `must ${hasValues ? 'not ' : ''}be empty with operator ${operator}`);
  }
  return [{ key: intern(key), operator, values }];
};

const readValue = (review: Review, value: unknown, path: Path, intern: Intern): string => {
  if (typeof value !== 'string') {
    complain(review, 'error', path, `must be a string, is ${shown(value)}`);
    return '';
  }
  checkLabelValue(review, value, path);
  return intern(value);
};

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;

/** As in the CustomResourceDefinition. */
const LABELS_MAX = 16;
const EXPRESSIONS_MAX = 16;
const VALUES_MAX = 32;
