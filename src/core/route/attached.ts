import type { RouteInput } from '../desire/desire.ts';
import { oldestOf } from '../desire/policy.ts';
import type {
  RouteKind,
  RouteObject,
  RouteParent,
  ServiceObject,
  ServicePort,
  TrafficPolicyObject,
} from '../model/objects.ts';

/** Whether the route has this port of the Service among its parents. It may count there, if none goes before it. */
export const isAttached = (route: RouteObject, service: ServiceObject, port: ServicePort): boolean =>
  port.protocol === carriedBy(route.kind) && route.parents.some((parent) => means(parent, service, port));

/** `port` and `sectionName` each narrow the parent down to fewer of its ports (ParentReference of the Gateway API). */
export const means = (parent: RouteParent, service: ServiceObject, port: ServicePort): boolean =>
  parent.name === service.name &&
  parent.namespace === service.namespace &&
  (parent.port === undefined || parent.port === port.port) &&
  (parent.sectionName === '' || parent.sectionName === port.name);

/** HTTP, gRPC and TLS are taken for streams: what cannot be done with a stream is in `unsupported`. */
export const carriedBy = (kind: RouteKind): 'TCP' | 'UDP' => (kind === 'UDPRoute' ? 'UDP' : 'TCP');

/** A route of another namespace than the Service's: it is for the clients of its own namespace (GEP-1294). */
export const isConsumers = (route: RouteObject, service: ServiceObject): boolean =>
  route.namespace !== service.namespace;

/** Nobody knows whose it is: it was not said yet, or not in a way that could be read. Then it must not be everybody's. */
export const isForNobody = (input: RouteInput): boolean => {
  const narrowing = narrowingOf(input);
  return narrowing === undefined ? input.route.narrowed : narrowing.standsIn === true;
};

/** The policy that says which clients the route is for; undefined: all that it could be for. */
export const narrowingOf = ({ narrowings }: RouteInput): TrafficPolicyObject | undefined => oldestOf(narrowings);
