import type { Complaint } from '../model/objects.ts';
import { meantBy } from '../nearest.ts';

/** A JSON object of which nothing is known yet. */
export type Fields = Readonly<Record<string, unknown>>;

/** Where a value stands in its object. Its text is made only when there is something to say about it. */
export interface Path {
  readonly parent: Path | undefined;
  readonly key: string | number;
}

/** Collects what is wrong with one object. */
export interface Review {
  /** `kind namespace/name`. */
  readonly object: string;
  readonly complaints: Complaint[];
  /** It has a field that is not known: nobody can tell what it was meant to say. */
  hasUnknown?: true;
}

export const at = (parent: Path | undefined, key: string | number): Path => ({ parent, key });

/** `spec.ports[0].port`, `metadata.labels[kubernetes.io/service-name]` */
export const pathText = (path: Path | undefined): string => {
  if (path === undefined) {
    return '';
  }
  const parent = pathText(path.parent);
  if (typeof path.key === 'number' || path.key.includes('.')) {
    return `${parent}[${path.key}]`;
  }
  return parent === '' ? path.key : `${parent}.${path.key}`;
};

/** The keys of such a text again. */
export const pathKeys = (text: string): readonly string[] =>
  Array.from(text.matchAll(/\[([^\]]*)\]|[^.[\]]+/g), ([whole, key]) => key ?? whole);

export const complain = (
  review: Review,
  severity: Complaint['severity'],
  path: Path | undefined,
  message: string,
): void => {
  review.complaints.push({ severity, object: review.object, path: pathText(path), message });
};

export const hasError = (review: Review): boolean => review.complaints.some(({ severity }) => severity === 'error');

/*
 * Readers of one field each. `null` is the same as absent, as in the Kubernetes API. A value of the wrong type is an
 * error and reads as absent, so that one pass finds everything that is wrong.
 */

export const objectField = (review: Review, fields: Fields, key: string, parent?: Path): Fields | undefined => {
  const value = fields[key];
  if (isAbsent(value)) {
    return undefined;
  }
  return asObject(review, value, at(parent, key));
};

export const asObject = (review: Review, value: unknown, path: Path | undefined): Fields | undefined =>
  isFields(value) ? value : wrongType(review, path, 'an object', value);

export const listField = (review: Review, fields: Fields, key: string, parent?: Path): readonly unknown[] => {
  const value = fields[key];
  if (isAbsent(value)) {
    return [];
  }
  return Array.isArray(value) ? value : (wrongType(review, at(parent, key), 'a list', value) ?? []);
};

/** Empty when absent. */
export const textField = (review: Review, fields: Fields, key: string, parent?: Path): string => {
  const value = fields[key];
  if (isAbsent(value)) {
    return '';
  }
  return typeof value === 'string' ? value : (wrongType(review, at(parent, key), 'a string', value) ?? '');
};

export const textFieldOr = (review: Review, fields: Fields, key: string, fallback: string, parent?: Path): string =>
  isAbsent(fields[key]) ? fallback : textField(review, fields, key, parent);

export const booleanField = (
  review: Review,
  fields: Fields,
  key: string,
  fallback: boolean,
  parent?: Path,
): boolean => {
  const value = fields[key];
  if (isAbsent(value)) {
    return fallback;
  }
  return typeof value === 'boolean' ? value : (wrongType(review, at(parent, key), 'true or false', value) ?? fallback);
};

/** A whole number in the range, undefined when absent or wrong. */
export const integerField = (
  review: Review,
  fields: Fields,
  key: string,
  range: { readonly min: number; readonly max: number },
  parent?: Path,
): number | undefined => {
  const value = fields[key];
  if (isAbsent(value)) {
    return undefined;
  }
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    return wrongType(review, at(parent, key), 'a whole number', value);
  }
  if (value < range.min || value > range.max) {
    complain(review, 'error', at(parent, key), `must be ${range.min} to ${range.max}, is ${value}`);
    return undefined;
  }
  return value;
};

/** One of the given words, the first when absent. */
export const choiceField = <Word extends string>(
  review: Review,
  fields: Fields,
  key: string,
  words: readonly [Word, ...Word[]],
  parent?: Path,
): Word => {
  const value = fields[key];
  // Kubernetes reads an empty string of an enumeration as unset.
  if (isAbsent(value) || value === '') {
    return words[0];
  }
  const word = words.find((candidate) => candidate === value);
  if (word === undefined) {
    complain(review, 'error', at(parent, key), `must be ${alternatives(words)}, is ${shown(value)}`);
    return words[0];
  }
  return word;
};

/** One of the given words as it is written, undefined when absent or wrong. */
export const wordField = <Word extends string>(
  review: Review,
  fields: Fields,
  key: string,
  words: readonly Word[],
  parent?: Path,
): Word | undefined => {
  const value = fields[key];
  if (isAbsent(value)) return undefined;
  const word = words.find((candidate) => candidate === value);
  if (word === undefined) {
    complain(review, 'error', at(parent, key), `must be ${alternatives(words)}, is ${shown(value)}`);
  }
  return word;
};

/** RFC 3339 in milliseconds since the epoch. */
export const timeField = (
  review: Review,
  fields: Fields,
  key: string,
  fallback: number,
  severity: Complaint['severity'],
  parent?: Path,
): number => {
  const value = fields[key];
  if (isAbsent(value)) {
    return fallback;
  }
  const timeMs = typeof value === 'string' && RFC_3339.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(timeMs)) {
    const message = `must be a time such as "2026-01-02T03:04:05Z", is ${shown(value)}`;
    complain(review, severity, at(parent, key), message);
    return fallback;
  }
  return timeMs;
};

/** For objects in which a field that nobody reads is more likely a typo than news: each must be one of `known`. */
export const checkKnown = (
  review: Review,
  fields: Fields,
  path: Path | undefined,
  known: readonly string[],
  kind: string,
): void => {
  for (const key of Object.keys(fields)) {
    if (!known.includes(key)) {
      review.hasUnknown = true;
      const message = `is not a field of a ${kind}; here are ${known.join(', ')}${meantText(key, known)}`;
      complain(review, 'error', at(path, key), message);
    }
  }
};

/** `: is weight meant?`; empty when nothing is alike. */
export const meantText = (word: string, known: readonly string[]): string => {
  const meant = meantBy(word, known);
  return meant === undefined ? '' : `: is ${meant} meant?`;
};

/** The first `max` values of a list that may not have more. */
export const boundedListField = (
  review: Review,
  fields: Fields,
  key: string,
  max: number,
  parent?: Path,
): readonly unknown[] => {
  const list = listField(review, fields, key, parent);
  if (list.length <= max) return list;
  complain(review, 'error', at(parent, key), `must have at most ${max} entries, has ${list.length}`);
  return list.slice(0, max);
};

export const isAbsent = (value: unknown): value is undefined | null => value === undefined || value === null;

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value as messages show it, cut to a readable length. */
export const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}...`;
};

const wrongType = (review: Review, path: Path | undefined, wanted: string, value: unknown): undefined => {
  complain(review, 'error', path, `must be ${wanted}, is ${shown(value)}`);
  return undefined;
};

/** `A, B or C`. */
export const alternatives = (words: readonly string[]): string =>
  words.length === 1 ? String(words[0]) : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;

const SHOWN_MAX = 60;
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
