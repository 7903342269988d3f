import type { Cluster } from '../cluster.ts';
import { keyOf, routeKeyOf } from './keys.ts';

/**
 * Services at which Pods of these namespaces may be answered differently from others: there is a route of their
 * namespace, a route or a policy that is narrowed to some clients. Looks at all routes and policies, which are few; but
 * not at Services.
 */
export const touchNarrowed = (
  { policies, routes }: Pick<Cluster, 'policies' | 'routes'>,
  namespaces: ReadonlySet<string>,
  own: Set<string>,
  byRoute: Set<string>,
): void => {
  for (const policy of policies.byKey.values()) {
    if (policy.clients === undefined) continue;
    for (const name of policy.services) own.add(keyOf({ namespace: policy.namespace, name }));
  }
  for (const route of routes.byKey.values()) {
    const isNarrowed = routes.narrowings.has(routeKeyOf(route));
    for (const parent of route.parents) {
      const isConsumers = parent.namespace !== route.namespace;
      if (isConsumers ? namespaces.has(route.namespace) : isNarrowed) byRoute.add(keyOf(parent));
    }
  }
};
