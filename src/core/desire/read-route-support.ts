import type { RouteKind } from '../model/objects.ts';
import { at, type Fields, isAbsent, isFields, meantText, type Path, pathText } from './read-field.ts';

/** Kinds whose rules say nothing of what is said over a connection. */
export const isLayer4 = (kind: RouteKind): boolean => kind === 'TLSRoute' || kind === 'TCPRoute' || kind === 'UDPRoute';

/**
 * The first thing in a route's `spec` that shares of connections cannot do, with the reason, such as
 * `spec.rules[0].filters: is for requests, which are not looked into`; empty when there is none. Whatever is not known
 * to be harmless counts: half of a route is never done.
 */
export const unsupportedIn = (kind: RouteKind, spec: Fields): string => {
  if (kind === 'TLSRoute' && isSet(spec.hostnames)) {
    return about(at(SPEC, 'hostnames'), 'is for names within TLS, which is not looked into');
  }
  const field = otherField(spec, HONOURED.spec, SPEC);
  if (field !== '') return field;
  const rules = listOf(spec.rules);
  if (rules.length > 1) return about(RULES, `has ${rules.length} rules; connections are shared by a single one`);
  const [rule = {}] = rules.filter(isFields);
  const matches = unsupportedMatches(kind, rule);
  if (matches !== '') return matches;
  const ofRule = otherField(rule, isLayer4(kind) ? HONOURED.rule : [...HONOURED.rule, 'matches'], RULE);
  if (ofRule !== '') return ofRule;
  return firstText(listOf(rule.backendRefs), (backend, index) =>
    isFields(backend) ? otherField(backend, HONOURED.backend, at(BACKENDS, index)) : '',
  );
};

/** What matches everything may be there: an API server adds it to an HTTPRoute that has no match. */
const unsupportedMatches = (kind: RouteKind, rule: Fields): string => {
  if (isLayer4(kind)) return '';
  return firstText(listOf(rule.matches), (match, index) => {
    const path = at(at(RULE, 'matches'), index);
    if (!isFields(match)) return '';
    const isDefault = kind === 'HTTPRoute' && isEveryPath(match.path);
    return otherField(match, isDefault ? ['path'] : [], path);
  });
};

/** Path prefix `/`, which is also the default of both fields. */
const isEveryPath = (path: unknown): boolean =>
  isFields(path) && (path.type ?? 'PathPrefix') === 'PathPrefix' && (path.value ?? '/') === '/';

/** The first field that is set and not in the list. */
const otherField = (fields: Fields, honoured: readonly string[], path: Path): string => {
  const key = Object.keys(fields).find((each) => !honoured.includes(each) && isSet(fields[each]));
  if (key === undefined) return '';
  const reason = OF_REQUESTS.has(key)
    ? 'is for requests, which are not looked into'
    : `is not known here${meantText(key, honoured)}`;
  return about(at(path, key), reason);
};

const about = (path: Path, message: string): string => `${pathText(path)}: ${message}`;

const isSet = (value: unknown): boolean => {
  if (isAbsent(value)) return false;
  return typeof value !== 'object' || Object.keys(value as object).length > 0;
};

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const firstText = <T>(list: readonly T[], textOf: (each: T, index: number) => string): string => {
  for (const [index, each] of list.entries()) {
    const text = textOf(each, index);
    if (text !== '') return text;
  }
  return '';
};

/** `useDefaultGateways` is about Gateways alone. */
const HONOURED = {
  spec: ['parentRefs', 'rules', 'useDefaultGateways'],
  rule: ['name', 'backendRefs'],
  backend: ['group', 'kind', 'namespace', 'name', 'port', 'weight'],
} as const;

const OF_REQUESTS: ReadonlySet<string> = new Set([
  'hostnames',
  'path',
  'method',
  'headers',
  'queryParams',
  'filters',
  'timeouts',
  'retry',
  'sessionPersistence',
]);

const SPEC = at(undefined, 'spec');
const RULES = at(SPEC, 'rules');
const RULE = at(RULES, 0);
const BACKENDS = at(RULE, 'backendRefs');
