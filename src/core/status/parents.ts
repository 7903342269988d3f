import { routesAt } from '../cluster/input.ts';
import type { Cluster } from '../cluster.ts';
import type { RouteInput } from '../desire/desire.ts';
import type { RouteObject, ServiceObject } from '../model/objects.ts';
import { type Ranking, rank } from '../route/precedence.ts';

/** What there is at a parent of routes, worked out once for all of them. */
export interface Parents {
  /** `key` is the `namespace/name` of a Service, which need not exist. */
  at(key: string): Parent;
}

export interface Parent {
  readonly service: ServiceObject | undefined;
  readonly inputs: ReadonlyMap<RouteObject, RouteInput>;
  /** Undefined without the Service. */
  readonly ranking: Ranking | undefined;
}

export const createParents = (cluster: Cluster): Parents => {
  const known = new Map<string, Parent>();
  const look = (key: string): Parent => {
    const service = cluster.services.get(key);
    const routes = routesAt(cluster, key) ?? [];
    const inputs = new Map(routes.map((input) => [input.route, input]));
    return { service, inputs, ranking: service && rank(routes, service) };
  };
  return {
    at: (key) => {
      const parent = known.get(key) ?? look(key);
      known.set(key, parent);
      return parent;
    },
  };
};
