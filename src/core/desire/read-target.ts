import type { Intern } from '../model/intern.ts';
import type { RouteKind, TrafficPolicyObject } from '../model/objects.ts';
import {
  alternatives,
  asObject,
  at,
  checkKnown,
  complain,
  type Fields,
  type Path,
  type Review,
  shown,
  textField,
  textFieldOr,
} from './read-field.ts';
import { checkLabel, checkSubdomain } from './read-name.ts';

export const GATEWAY_GROUP = 'gateway.networking.k8s.io';
/** In the order in which they win over each other. */
export const ROUTE_KINDS = [
  'GRPCRoute',
  'HTTPRoute',
  'TLSRoute',
  'TCPRoute',
  'UDPRoute',
] as const satisfies readonly RouteKind[];

export const isRouteKind = (kind: unknown): kind is RouteKind => ROUTE_KINDS.some((each) => each === kind);

export type Targets = Pick<TrafficPolicyObject, 'services' | 'routes'>;

/** `targetRefs` of a policy attachment (GEP-713): Services and routes of the policy's own namespace. */
export const readTargets = (review: Review, list: readonly unknown[], listPath: Path, intern: Intern): Targets => {
  const services: string[] = [];
  const routes: { readonly kind: RouteKind; readonly name: string }[] = [];
  const seen = new Set<string>();
  if (list.length === 0) {
    complain(review, 'error', listPath, 'must name at least one Service or route');
  }
  for (const [index, raw] of list.entries()) {
    const path = at(listPath, index);
    const target = asObject(review, raw, path);
    if (target === undefined) {
      continue;
    }
    const { kind, name } = readTarget(review, target, path);
    if (seen.has(`${kind} ${name}`)) {
      complain(review, 'error', at(path, 'name'), `"${name}" is the name of an earlier target`);
    }
    seen.add(`${kind} ${name}`);
    if (isRouteKind(kind)) routes.push({ kind, name: intern(name) });
    else services.push(intern(name));
  }
  return { services, routes };
};

const readTarget = (review: Review, target: Fields, path: Path): { readonly kind: string; readonly name: string } => {
  checkKnown(review, target, path, ['group', 'kind', 'name'], 'TrafficPolicy');
  const group = textField(review, target, 'group', path);
  const kind = textFieldOr(review, target, 'kind', 'Service', path);
  const name = textField(review, target, 'name', path);
  if (isRouteKind(kind)) {
    if (group !== GATEWAY_GROUP) {
      const message = `must be "${GATEWAY_GROUP}", the group of ${kind}, is ${shown(group)}`;
      complain(review, 'error', at(path, 'group'), message);
    }
    checkSubdomain(review, name, at(path, 'name'));
    return { kind, name };
  }
  if (group !== '') {
    complain(review, 'error', at(path, 'group'), `must be "", the group of Service, is ${shown(group)}`);
  }
  if (kind !== 'Service') {
    const kinds = alternatives(['Service', ...ROUTE_KINDS]);
    complain(review, 'error', at(path, 'kind'), `must be ${kinds}, is ${shown(kind)}`);
  }
  checkLabel(review, name, at(path, 'name'));
  return { kind, name };
};
