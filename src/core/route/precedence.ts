import { routeKeyOf } from '../cluster/keys.ts';
import type { ClientPod, RouteInput } from '../desire/desire.ts';
import { compareText } from '../desire/order.ts';
import { haveSameClients } from '../desire/policy.ts';
import { selects } from '../desire/selector.ts';
import type { RouteKind, ServiceObject, ServicePort } from '../model/objects.ts';
import { isAttached, isConsumers, isForNobody, narrowingOf } from './attached.ts';

/**
 * The route that counts at a Service port for a client; without a client, for everybody who is not known as one. Routes
 * of the client's own namespace come before those of the Service's, and of these each that is narrowed to some clients
 * before those that are not. Where two stand alike the kind decides (GEP-1426: GRPCRoute, HTTPRoute, TCPRoute), then age,
 * then the name. What is not supported, or for nobody, counts nowhere.
 */
export const routeFor = (
  routes: readonly RouteInput[],
  service: ServiceObject,
  port: ServicePort,
  client?: Pick<ClientPod, 'namespace' | 'labels'>,
): RouteInput | undefined => {
  let first: RouteInput | undefined;
  for (const each of routes) {
    if (!isCandidate(each, service, port) || !isFor(each, service, client)) continue;
    if (first === undefined || comesBefore(each, first, service)) first = each;
  }
  return first;
};

/** Who counts wherever this one would; undefined when it counts, or might count, for somebody. */
export const overrulingRoute = (
  route: RouteInput,
  routes: readonly RouteInput[],
  service: ServiceObject,
  port: ServicePort,
): RouteInput | undefined => {
  let first: RouteInput | undefined;
  for (const other of routes) {
    if (!isCandidate(other, service, port) || !isForAllOf(other, route, service)) continue;
    if (!comesBefore(other, route, service)) continue;
    if (first === undefined || comesBefore(other, first, service)) first = other;
  }
  return first;
};

/** Why the first counts and not the other. */
export const whyFirst = (first: RouteInput['route'], other: RouteInput['route']): string => {
  if (first.kind !== other.kind) return `${first.kind} comes before ${other.kind}`;
  return first.createdAtMs < other.createdAtMs ? 'it is older' : 'it is as old and comes first by name';
};

const isCandidate = (input: RouteInput, service: ServiceObject, port: ServicePort): boolean =>
  input.route.unsupported === '' && isAttached(input.route, service, port) && !isForNobody(input);

const isFor = (
  input: RouteInput,
  service: ServiceObject,
  client: Pick<ClientPod, 'namespace' | 'labels'> | undefined,
): boolean => {
  const clients = narrowingOf(input)?.clients;
  if (client === undefined) return clients === undefined && !isConsumers(input.route, service);
  if (isConsumers(input.route, service) && client.namespace !== input.route.namespace) return false;
  return clients === undefined || selects(clients, client.labels);
};

/** As far as it can be told: of two selectors only that they say the same. */
const isForAllOf = (other: RouteInput, route: RouteInput, service: ServiceObject): boolean => {
  if (other.route === route.route || standingOf(other, service) !== standingOf(route, service)) return false;
  if (isConsumers(route.route, service) && other.route.namespace !== route.route.namespace) return false;
  const [one, two] = [narrowingOf(other), narrowingOf(route)];
  return one === undefined || two === undefined || haveSameClients(one, two);
};

const comesBefore = (a: RouteInput, b: RouteInput, service: ServiceObject): boolean => {
  const standing = standingOf(b, service) - standingOf(a, service);
  const order =
    standing ||
    KINDS[a.route.kind] - KINDS[b.route.kind] ||
    compareAge(a.route.createdAtMs, b.route.createdAtMs) ||
    compareText(nameOf(a), nameOf(b));
  return order < 0;
};

const standingOf = (input: RouteInput, service: ServiceObject): number =>
  (isConsumers(input.route, service) ? 2 : 0) + (narrowingOf(input) === undefined ? 0 : 1);

/** The two that are for UDP and TCP never meet. */
const KINDS = { GRPCRoute: 0, HTTPRoute: 1, TCPRoute: 2, UDPRoute: 2 } as const satisfies Record<RouteKind, number>;

/** Infinity is as old as Infinity. */
const compareAge = (a: number, b: number): number => (a === b ? 0 : a - b);

/** The kinds are the same by then. */
const nameOf = ({ route }: RouteInput): string => routeKeyOf(route);
