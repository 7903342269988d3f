import type { ObjectRef, ReferenceGrantObject, RouteKind, RouteObject, TrafficPolicyObject } from '../model/objects.ts';
import { keyOf, routeKeyOf } from './keys.ts';
import { enlist, type Listed, strike } from './listed.ts';

/** Routes by the Services that they are about, whether those exist or not. Without routes all of it is empty. */
export interface Routes {
  /** By `kind namespace/name`. */
  readonly byKey: Map<string, RouteObject>;
  /** By `namespace/name` of the Service, as the next. */
  readonly byParent: Listed<RouteObject>;
  readonly byBackend: Listed<RouteObject>;
  /** TrafficPolicies that narrow a route to some clients, by the key of the route. */
  readonly narrowings: Listed<TrafficPolicyObject>;
  /** By their namespace. */
  readonly grants: Listed<ReferenceGrantObject>;
}

export const createRoutes = (): Routes => ({
  byKey: new Map(),
  byParent: new Map(),
  byBackend: new Map(),
  narrowings: new Map(),
  grants: new Map(),
});

/** `route` is undefined when it is gone. Its parents, before and after, are touched. */
export const setRoute = (
  { byKey, byParent, byBackend }: Routes,
  key: string,
  route: RouteObject | undefined,
  touched: Set<string>,
): void => {
  const previous = byKey.get(key);
  if (previous !== undefined) {
    byKey.delete(key);
    strike(byParent, parentsOf(previous), previous);
    strike(byBackend, backendsOf(previous), previous);
    for (const parent of parentsOf(previous)) touched.add(parent);
  }
  if (route === undefined) return;
  byKey.set(key, route);
  enlist(byParent, parentsOf(route), route);
  enlist(byBackend, backendsOf(route), route);
  for (const parent of parentsOf(route)) touched.add(parent);
};

/** A policy that says no clients narrows nothing. */
export const setNarrowing = (
  { byKey, narrowings }: Routes,
  previous: TrafficPolicyObject | undefined,
  policy: TrafficPolicyObject | undefined,
  touched: Set<string>,
): void => {
  const before = narrowedRoutes(previous);
  const after = narrowedRoutes(policy);
  if (previous !== undefined) strike(narrowings, before, previous);
  if (policy !== undefined) enlist(narrowings, after, policy);
  for (const key of [...before, ...after]) {
    const route = byKey.get(key);
    if (route !== undefined) for (const parent of parentsOf(route)) touched.add(parent);
  }
};

/** Only routes of other namespaces need a grant. */
export const setGrant = (
  { byKey, grants }: Routes,
  ref: ObjectRef,
  grant: ReferenceGrantObject | undefined,
  touched: Set<string>,
): void => {
  const previous = grants.get(ref.namespace)?.find(({ name }) => name === ref.name);
  if (previous !== undefined) strike(grants, [ref.namespace], previous);
  if (grant !== undefined) enlist(grants, [ref.namespace], grant);
  for (const route of byKey.values()) {
    if (route.namespace === ref.namespace) continue;
    if (route.backends.some(({ namespace }) => namespace === ref.namespace))
      for (const parent of parentsOf(route)) touched.add(parent);
  }
};

/** Services whose routes lead to this one: only the first level counts. */
export const touchLeadingTo = ({ byBackend }: Routes, key: string, touched: Set<string>): void => {
  for (const route of byBackend.get(key) ?? []) for (const parent of parentsOf(route)) touched.add(parent);
};

/** `namespace/name` of Services, each once. */
export const parentsOf = ({ parents }: RouteObject): readonly string[] => [...new Set(parents.map(keyOf))];

const backendsOf = ({ backends }: RouteObject): readonly string[] => [
  ...new Set(backends.filter(({ invalidKind }) => invalidKind === '').map(keyOf)),
];

const narrowedRoutes = (policy: TrafficPolicyObject | undefined): readonly string[] =>
  policy?.clients === undefined
    ? []
    : policy.routes.map(({ kind, name }: { kind: RouteKind; name: string }) =>
        routeKeyOf({ kind, namespace: policy.namespace, name }),
      );
