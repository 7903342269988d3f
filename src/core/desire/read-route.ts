import { exact } from '../model/exact.ts';
import type { Intern } from '../model/intern.ts';
import type { ObjectRef, RouteBackend, RouteKind, RouteObject, RouteParent } from '../model/objects.ts';
import {
  asObject,
  at,
  boundedListField,
  complain,
  type Fields,
  integerField,
  isAbsent,
  isFields,
  listField,
  meantText,
  objectField,
  type Path,
  type Review,
  textField,
  textFieldOr,
} from './read-field.ts';
import { readMetadata } from './read-metadata.ts';
import { checkLabel } from './read-name.ts';
import { checkOwnNames } from './read-own-name.ts';
import { isLayer4, unsupportedIn } from './read-route-support.ts';
import { PORT_RANGE } from './read-service.ts';
import { GATEWAY_GROUP } from './read-target.ts';

type ReadRoute = (review: Review, raw: Fields, ref: ObjectRef, intern: Intern) => RouteObject | undefined;

/**
 * Projects a route of the Gateway API whose parents are Services (GEP-1294, GEP-1324;
 * https://gateway-api.sigs.k8s.io/reference/spec/). Undefined when none of its parents is: then it is a Gateway's.
 */
export const routeReader =
  (kind: RouteKind): ReadRoute =>
  (review, raw, ref, intern) => {
    const spec = objectField(review, raw, 'spec') ?? {};
    const parents = readParents(review, spec, ref, intern);
    if (parents.length === 0) {
      checkParentsName(review, spec);
      return undefined;
    }
    if (kind === 'TLSRoute') checkHostnames(review, raw, spec);
    return {
      kind,
      namespace: ref.namespace,
      name: ref.name,
      apiVersion: intern(textField(review, raw, 'apiVersion')),
      ...readMetadata(review, raw),
      parents: exact(parents),
      backends: exact(readRule(review, kind, spec, ref, intern)),
      ...readSupport(review, kind, raw, spec),
    };
  };

/** What else is in a route without parents is for others to judge; but of this name nobody else tells. */
const checkParentsName = (review: Review, spec: Fields): void => {
  if (!isAbsent(spec.parentRefs)) return;
  for (const key of Object.keys(spec)) {
    const meant = key === 'parentRefs' ? '' : meantText(key, ['parentRefs']);
    if (meant !== '')
      complain(review, 'warning', at(SPEC, key), `is not known here${meant} Without it the route is for nobody`);
  }
};

/** From v1alpha3 on its definition asks for one at least: such a file cannot be taken to a cluster of today. */
const checkHostnames = (review: Review, { apiVersion }: Fields, { hostnames }: Fields): void => {
  if (!isEmpty(hostnames) || apiVersion === `${GATEWAY_GROUP}/v1alpha2`) return;
  const message =
    'is empty, which API servers refuse: only before v1alpha3 it could be; a TCPRoute shares in the same way';
  complain(review, 'warning', at(SPEC, 'hostnames'), message);
};

const isEmpty = (list: unknown): boolean => isAbsent(list) || (Array.isArray(list) && list.length === 0);

/** What is said in a way that nobody understands might have been for few: then it is for none. */
const readSupport = (
  review: Review,
  kind: RouteKind,
  raw: Fields,
  spec: Fields,
): Pick<RouteObject, 'unsupported' | 'narrowed'> => {
  const annotations = isFields(raw.metadata) && isFields(raw.metadata.annotations) ? raw.metadata.annotations : {};
  const [misspelt] = checkOwnNames(review, annotations, ANNOTATIONS, NARROWED);
  const narrowed = annotations[NARROWED];
  const unsupported = unsupportedIn(kind, spec);
  if (misspelt !== undefined) {
    return { unsupported: unsupported || `annotation ${misspelt}, which is not known here`, narrowed: true };
  }
  if (narrowed === undefined || narrowed === 'true' || narrowed === 'false') {
    return { unsupported, narrowed: narrowed === 'true' };
  }
  return { unsupported: unsupported || `annotation ${NARROWED}, which must be "true" or "false"`, narrowed: true };
};

/** A route says of itself that it is not for everybody: whatever becomes of the policy that names its clients. */
export const NARROWED = 'shunt.dev/narrowed';

const readParents = (review: Review, spec: Fields, ref: ObjectRef, intern: Intern): readonly RouteParent[] => {
  const seen = new Set<string>();
  return boundedListField(review, spec, 'parentRefs', PARENTS_MAX, SPEC).flatMap((raw, index) => {
    const path = at(PARENTS, index);
    const fields = asObject(review, raw, path) ?? {};
    const group = textFieldOr(review, fields, 'group', GATEWAY_GROUP, path);
    const kind = textFieldOr(review, fields, 'kind', 'Gateway', path);
    if (group === GATEWAY_GROUP && kind === 'Service') {
      // The default group is that of Gateways: of a Service nobody means it.
      complain(review, 'warning', path, 'is for nobody: a Service needs `group: ""`');
    }
    if (group !== '' || kind !== 'Service') return [];
    const parent = {
      ...readName(review, fields, ref, path, intern),
      port: integerField(review, fields, 'port', PORT_RANGE, path),
      sectionName: intern(textField(review, fields, 'sectionName', path)),
    };
    const key = JSON.stringify(parent);
    if (seen.has(key)) complain(review, 'error', path, 'is the same as an earlier parent');
    seen.add(key);
    return [parent];
  });
};

/** Backends of the only rule; where there are more, of the first: its references are worth a word all the same. */
const readRule = (
  review: Review,
  kind: RouteKind,
  spec: Fields,
  ref: ObjectRef,
  intern: Intern,
): readonly RouteBackend[] => {
  const rules = listField(review, spec, 'rules', SPEC);
  if (rules.length === 0) {
    // An API server gives the other kinds a rule by default, which has no backends.
    if (isLayer4(kind)) complain(review, 'error', RULES, 'must have one rule');
    return [];
  }
  const rule = asObject(review, rules[0], RULE);
  if (rule === undefined) return [];
  if (isEmpty(rule.backendRefs) && isLayer4(kind) && unsupportedIn(kind, spec) === '') {
    // Of v1alpha2 that may be: "if unspecified, the implementation MUST actively reject connection attempts".
    complain(review, 'warning', BACKENDS, 'names no Service: everything is refused');
  }
  return readBackends(review, rule, ref, intern);
};

const readBackends = (review: Review, rule: Fields, ref: ObjectRef, intern: Intern): readonly RouteBackend[] =>
  boundedListField(review, rule, 'backendRefs', BACKENDS_MAX, RULE).flatMap((raw, index) => {
    const path = at(BACKENDS, index);
    const fields = asObject(review, raw, path);
    if (fields === undefined) return [];
    const group = textField(review, fields, 'group', path);
    const backendKind = textFieldOr(review, fields, 'kind', 'Service', path);
    const isService = group === '' && backendKind === 'Service';
    return [
      {
        ...readName(review, fields, ref, path, intern),
        port: integerField(review, fields, 'port', PORT_RANGE, path),
        weight: integerField(review, fields, 'weight', WEIGHT_RANGE, path) ?? 1,
        invalidKind: isService ? '' : `is a ${backendKind} of group "${group}", not a Service`,
      },
    ];
  });

/** The name may be one that no Service can have: then there is none, which is for others to say. */
const readName = (review: Review, fields: Fields, ref: ObjectRef, path: Path, intern: Intern) => {
  const name = textField(review, fields, 'name', path);
  if (name === '') complain(review, 'error', at(path, 'name'), 'is missing');
  const namespace = textFieldOr(review, fields, 'namespace', ref.namespace, path);
  checkLabel(review, namespace, at(path, 'namespace'));
  return { namespace: intern(namespace), name: intern(name) };
};

/** Of the Gateway API. */
const PARENTS_MAX = 32;
const BACKENDS_MAX = 16;
const WEIGHT_RANGE = { min: 0, max: 1_000_000 } as const;

const ANNOTATIONS = at(at(undefined, 'metadata'), 'annotations');
const SPEC = at(undefined, 'spec');
const PARENTS = at(SPEC, 'parentRefs');
const RULES = at(SPEC, 'rules');
const RULE = at(RULES, 0);
const BACKENDS = at(RULE, 'backendRefs');
