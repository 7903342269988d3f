import { policiesOf, routesAt } from '../cluster/input.ts';
import { keyOf } from '../cluster/keys.ts';
import type { Cluster } from '../cluster.ts';
import type { BackendInput, RouteInput } from '../desire/desire.ts';
import { type PolicyRanking, rankPolicies } from '../desire/policy.ts';
import type { RouteObject, ServiceObject } from '../model/objects.ts';
import { carriedBy } from '../route/attached.ts';
import { backendOf } from '../route/backend.ts';
import { type Judgement, judge } from '../route/judge.ts';
import { type Ranking, rank } from '../route/precedence.ts';

/** What there is at the Services that routes and policies are about, worked out once for all of them. */
export interface Parents {
  /** `key` is the `namespace/name` of a Service, which need not exist. */
  at(key: string): Parent;
  /** What becomes of a route at each of its parents. Empty: all of them are other proxies'. */
  judge(route: RouteObject): readonly Judgement[];
  /** Whether connections come to this Service by a route that counts. */
  isLedTo(key: string): boolean;
}

export interface Parent {
  readonly service: ServiceObject | undefined;
  readonly inputs: ReadonlyMap<RouteObject, RouteInput>;
  /** Undefined without the Service. */
  readonly ranking: Ranking | undefined;
  readonly policies: PolicyRanking;
}

export const createParents = (cluster: Cluster, proxyName: string): Parents => {
  const known = new Map<string, Parent>();
  const look = (key: string): Parent => {
    const service = cluster.services.get(key);
    const routes = routesAt(cluster, key) ?? [];
    const inputs = new Map(routes.map((input) => [input.route, input]));
    return {
      service,
      inputs,
      ranking: service && rank(routes, service),
      policies: rankPolicies(policiesOf(cluster, key)),
    };
  };
  const at = (key: string): Parent => {
    const parent = known.get(key) ?? look(key);
    known.set(key, parent);
    return parent;
  };
  const judgeRoute = (route: RouteObject): readonly Judgement[] =>
    route.parents.flatMap((parent) => {
      const { service, inputs, ranking } = at(keyOf(parent));
      const input = inputs.get(route);
      return (input && judge(input, parent, service, ranking, proxyName)) ?? [];
    });
  const ledTo = new Map<string, boolean>();
  return {
    at,
    judge: judgeRoute,
    isLedTo: (key) => {
      const leading = cluster.routes.byBackend.get(key) ?? [];
      const known = ledTo.get(key) ?? leading.some((route) => leads(at, judgeRoute, route, key));
      ledTo.set(key, known);
      return known;
    },
  };
};

const leads = (at: Parents['at'], judgeRoute: Parents['judge'], route: RouteObject, key: string): boolean => {
  const [parent] = route.parents;
  const input = parent && at(keyOf(parent)).inputs.get(route);
  const isReached = input?.backends.some(
    (backend) => backend.ref.weight > 0 && keyOf(backend.ref) === key && isFound(backend, route),
  );
  return isReached === true && judgeRoute(route).some(({ reason }) => reason === 'Accepted');
};

const isFound = (backend: BackendInput, { kind }: RouteObject): boolean =>
  backendOf(backend, carriedBy(kind)).outcome === 'found';
