import type { Cluster } from '../cluster.ts';
import type { BackendInput, ClientPod, RouteInput, ServiceInput } from '../desire/desire.ts';
import type { RouteBackend, RouteObject, ServiceObject, TrafficPolicyObject } from '../model/objects.ts';
import { keyOf, routeKeyOf } from './keys.ts';

/** What `desire` needs to know about one Service; undefined when there is no such Service. */
export const inputFor = (cluster: Cluster, key: string): ServiceInput | undefined => {
  const service = cluster.services.get(key);
  return service === undefined ? undefined : inputOf(cluster, service);
};

/** The same for a Service that may have changed since. */
export const inputOf = (cluster: Cluster, service: ServiceObject): ServiceInput => {
  const key = keyOf(service);
  const slices = cluster.slices.byService.get(key) ?? [];
  const policies = policiesOf(cluster, key);
  const routes = routesAt(cluster, key);
  const isNarrowed = policies.some(hasClients) || routes?.some((route) => isNarrowedAt(route, service)) === true;
  return {
    service,
    slices,
    policies,
    ...(routes === undefined ? {} : { routes }),
    ...(isNarrowed ? { clients: clientPods(cluster) } : {}),
  };
};

/** Those that have the Service as a parent, whether it exists or not; undefined: none. */
export const routesAt = (cluster: Cluster, key: string): readonly RouteInput[] | undefined =>
  cluster.routes.byParent.get(key)?.map((route) => routeInput(cluster, route));

/** Those that name the Service, DestinationRules among them. */
export const policiesOf = (
  { policies, destinationRules }: Pick<Cluster, 'policies' | 'destinationRules'>,
  key: string,
): readonly TrafficPolicyObject[] => {
  const rules = destinationRules.byService.get(key);
  const own = policies.byService.get(key) ?? NONE;
  return rules === undefined ? own : [...own, ...rules];
};

const NONE: readonly TrafficPolicyObject[] = [];

const routeInput = (cluster: Cluster, route: RouteObject): RouteInput => ({
  route,
  narrowings: cluster.routes.narrowings.get(routeKeyOf(route)) ?? NONE,
  backends: route.backends.map((backend) => backendInput(cluster, route, backend)),
});

const backendInput = (cluster: Cluster, route: RouteObject, ref: RouteBackend): BackendInput => {
  const key = keyOf(ref);
  const permitted = isPermitted(cluster, route, ref);
  const service = permitted && ref.invalidKind === '' ? cluster.services.get(key) : undefined;
  const answers = service && {
    service,
    slices: cluster.slices.byService.get(key) ?? [],
    policies: policiesOf(cluster, key),
  };
  return { ref, permitted, ...(answers === undefined ? {} : { answers }) };
};

/** By a ReferenceGrant of the backend's namespace, unless that is the route's own. */
const isPermitted = ({ routes }: Cluster, { kind, namespace }: RouteObject, ref: RouteBackend): boolean =>
  ref.namespace === namespace ||
  (routes.grants.get(ref.namespace) ?? []).some(
    ({ from, services }) =>
      (services.includes('*') || services.includes(ref.name)) &&
      from.some((each) => each.kind === kind && each.namespace === namespace),
  );

const hasClients = ({ clients }: TrafficPolicyObject): boolean => clients !== undefined;

const isNarrowedAt = ({ route, narrowings, backends }: RouteInput, service: ServiceObject): boolean =>
  route.namespace !== service.namespace ||
  narrowings.length > 0 ||
  backends.some(({ answers }) => answers?.policies.some(hasClients));

const clientPods = ({ clients, pods }: Cluster): readonly ClientPod[] =>
  [...clients].flatMap(([key, client]) => {
    const pod = pods.get(key);
    return pod === undefined ? [] : [{ key, namespace: pod.namespace, labels: pod.labels, client }];
  });
