import type { Intern } from '../model/intern.ts';
import type { ClusterObject, Complaint, ObjectRef, RouteKind } from '../model/objects.ts';
import { objectText } from './complaint.ts';
import { readDestinationRule } from './read-destination-rule.ts';
import { readEndpointSlice } from './read-endpoint-slice.ts';
import {
  alternatives,
  at,
  complain,
  type Fields,
  hasError,
  isFields,
  objectField,
  type Path,
  type Review,
  shown,
  textField,
} from './read-field.ts';
import { checkLabel, checkSubdomain } from './read-name.ts';
import { readNode } from './read-node.ts';
import { readPod } from './read-pod.ts';
import { readReferenceGrant } from './read-reference-grant.ts';
import { routeReader } from './read-route.ts';
import { readService } from './read-service.ts';
import { GATEWAY_GROUP } from './read-target.ts';
import { readTrafficPolicy, standInFor } from './read-traffic-policy.ts';

/**
 * What one raw JSON value turned out to be. `rejected` has at least one error, and a `ref` when it could be told which
 * object it is: whoever holds an earlier state of that object keeps it. `nothing` is a right object that asks for
 * nothing: an earlier state of it ends.
 */
export type ObjectRead =
  | { readonly outcome: 'object'; readonly object: ClusterObject; readonly complaints: readonly Complaint[] }
  | { readonly outcome: 'nothing'; readonly ref: ObjectRef; readonly complaints: readonly Complaint[] }
  | {
      readonly outcome: 'rejected';
      readonly ref: ObjectRef | undefined;
      readonly complaints: readonly Complaint[];
      /** What holds of it for those who have no earlier state. */
      readonly standIn?: ClusterObject;
    }
  /** A kind that Shunt does not use, such as `apps/v1 Deployment`; `meant` is one that it does, if this may be a mistake. */
  | { readonly outcome: 'unused'; readonly kind: string; readonly meant?: string };

/**
 * Validates an object as the API server would as far as Shunt uses it, fills in defaults and leaves out everything
 * else. What is not used is not looked at, except where it could pass for being in force: an unknown field is an error in
 * a TrafficPolicy, makes a route unsupported, and is listed with a DestinationRule.
 */
export const readObject = (raw: unknown, intern: Intern): ObjectRead => {
  const nameless: Review = { object: 'object', complaints: [] };
  if (!isFields(raw)) {
    complain(nameless, 'error', undefined, `must be a Kubernetes object, is ${shown(raw)}`);
    return { outcome: 'rejected', ref: undefined, complaints: nameless.complaints };
  }
  const type = typeOf(nameless, raw);
  if (type === undefined) {
    return { outcome: 'rejected', ref: undefined, complaints: nameless.complaints };
  }
  const reader = READERS.get(type);
  if (reader !== undefined) return readKnown(raw, reader, intern);
  const others = TYPES.filter((each) => groupOf(each) === groupOf(type) && kindOf(each) === kindOf(type));
  const [other] = others.flatMap((each) => READERS.get(each) ?? []);
  if (other !== undefined) return readKnown(raw, other, intern, `must be ${alternatives(others.map(versionOf))}`);
  const meant = meantBy(type);
  return { outcome: 'unused', kind: type, ...(meant === undefined ? {} : { meant }) };
};

/**
 * The objects in a `List`, `ServiceList` and so on; undefined for anything else. In a list of one kind the API server
 * leaves `apiVersion` and `kind` out of the items.
 */
export const listItems = (raw: unknown): readonly unknown[] | undefined => {
  if (!isFields(raw) || typeof raw.kind !== 'string' || !raw.kind.endsWith('List')) {
    return undefined;
  }
  const { apiVersion, kind, items } = raw;
  if (items === null) {
    return [];
  }
  if (!Array.isArray(items) || kind === 'List') {
    return Array.isArray(items) ? items : undefined;
  }
  const inherited = { apiVersion, kind: kind.slice(0, -'List'.length) };
  return items.map((item) => (isFields(item) ? { ...inherited, ...item } : item));
};

interface Reader {
  readonly kind: ObjectRef['kind'];
  /** It belongs to no namespace. */
  readonly clusterWide?: true;
  readonly checkName: (review: Review, name: string, path: Path) => void;
  /** Undefined without an error among the complaints: the object asks for nothing. */
  readonly read: (review: Review, raw: Fields, ref: ObjectRef, intern: Intern) => ClusterObject | undefined;
}

const routes = (kind: RouteKind, ...versions: readonly string[]): readonly (readonly [string, Reader])[] =>
  versions.map((version) => [
    `${GATEWAY_GROUP}/${version} ${kind}`,
    { kind, checkName: checkSubdomain, read: routeReader(kind) },
  ]);

const REFERENCE_GRANT: Reader = { kind: 'ReferenceGrant', checkName: checkSubdomain, read: readReferenceGrant };
const DESTINATION_RULE: Reader = { kind: 'DestinationRule', checkName: checkSubdomain, read: readDestinationRule };

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['v1 Service', { kind: 'Service', checkName: checkLabel, read: readService }],
  ['discovery.k8s.io/v1 EndpointSlice', { kind: 'EndpointSlice', checkName: checkSubdomain, read: readEndpointSlice }],
  ['shunt.dev/v1alpha1 TrafficPolicy', { kind: 'TrafficPolicy', checkName: checkSubdomain, read: readTrafficPolicy }],
  ...routes('GRPCRoute', 'v1', 'v1alpha2'),
  ...routes('HTTPRoute', 'v1', 'v1beta1'),
  ...routes('TLSRoute', 'v1', 'v1alpha3', 'v1alpha2'),
  ...routes('TCPRoute', 'v1', 'v1alpha2'),
  ...routes('UDPRoute', 'v1', 'v1alpha2'),
  [`${GATEWAY_GROUP}/v1 ReferenceGrant`, REFERENCE_GRANT],
  [`${GATEWAY_GROUP}/v1beta1 ReferenceGrant`, REFERENCE_GRANT],
  ['networking.istio.io/v1 DestinationRule', DESTINATION_RULE],
  ['networking.istio.io/v1beta1 DestinationRule', DESTINATION_RULE],
  ['networking.istio.io/v1alpha3 DestinationRule', DESTINATION_RULE],
  ['v1 Node', { kind: 'Node', clusterWide: true, checkName: checkSubdomain, read: readNode }],
  ['v1 Pod', { kind: 'Pod', checkName: checkSubdomain, read: readPod }],
]);

const TYPES = [...READERS.keys()];

/** All kinds of our group are ours; elsewhere it may be the name of the resource, or letters of the wrong case. */
const meantBy = (type: string): string | undefined =>
  TYPES.find((each) => {
    if (groupOf(each) !== groupOf(type)) return false;
    const [ours, theirs] = [kindOf(each).toLowerCase(), kindOf(type).toLowerCase()];
    return groupOf(type) === OUR_GROUP || theirs === ours || theirs === `${ours}s`;
  });

const groupOf = (type: string): string => (type.includes('/') ? type.slice(0, type.indexOf('/')) : '');

const versionOf = (type: string): string => type.slice(0, type.indexOf(' '));

const kindOf = (type: string): string => type.slice(type.indexOf(' ') + 1);

const OUR_GROUP = 'shunt.dev';

/** `version` says what is wrong with the object's, if it is. */
const readKnown = (raw: Fields, reader: Reader, intern: Intern, version?: string): ObjectRead => {
  const named = refOf(raw, reader, intern);
  if (named.ref === undefined) {
    return { outcome: 'rejected', ref: undefined, complaints: named.review.complaints };
  }
  const { ref, review } = named;
  if (version !== undefined) complain(review, 'error', at(undefined, 'apiVersion'), version);
  const object = reader.read(review, raw, ref, intern);
  const { complaints } = review;
  if (hasError(review)) {
    const standIn = object?.kind === 'TrafficPolicy' ? standInFor(review, raw, object) : undefined;
    return { outcome: 'rejected', ref, complaints, ...(standIn === undefined ? {} : { standIn }) };
  }
  return object === undefined ? { outcome: 'nothing', ref, complaints } : { outcome: 'object', object, complaints };
};

/** `apiVersion` and `kind`, undefined when one is missing. */
const typeOf = (review: Review, raw: Fields): string | undefined => {
  const apiVersion = textField(review, raw, 'apiVersion');
  const kind = textField(review, raw, 'kind');
  if (apiVersion !== '' && kind !== '') {
    return `${apiVersion} ${kind}`;
  }
  if (review.complaints.length === 0) {
    complain(review, 'error', at(undefined, apiVersion === '' ? 'apiVersion' : 'kind'), 'is missing');
  }
  return undefined;
};

const refOf = (raw: Fields, { kind, clusterWide, checkName }: Reader, intern: Intern) => {
  const review: Review = { object: kind, complaints: [] };
  const path = at(undefined, 'metadata');
  const metadata = objectField(review, raw, 'metadata') ?? {};
  const name = textField(review, metadata, 'name', path);
  const namespace = clusterWide ? '' : textField(review, metadata, 'namespace', path) || 'default';
  if (hasError(review)) {
    return { review };
  }
  if (name === '') {
    complain(review, 'error', at(path, 'name'), 'is missing');
    return { review };
  }
  checkName(review, name, at(path, 'name'));
  if (!clusterWide) checkLabel(review, namespace, at(path, 'namespace'));
  if (hasError(review)) {
    return { review };
  }
  const ref: ObjectRef = { kind, namespace: intern(namespace), name };
  return { ref, review: { object: objectText(ref), complaints: review.complaints } };
};
