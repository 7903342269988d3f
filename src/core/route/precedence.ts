import { routeKeyOf } from '../cluster/keys.ts';
import { clienteleKey, widerKeys } from '../desire/clientele-key.ts';
import type { ClientPod, RouteInput } from '../desire/desire.ts';
import { compareText } from '../desire/order.ts';
import { selects } from '../desire/selector.ts';
import type { LabelSelector, RouteKind, ServiceObject, ServicePort } from '../model/objects.ts';
import { isAttached, isConsumers, isForNobody, narrowingOf } from './attached.ts';

/**
 * The route that counts at a Service port for a client; without a client, for everybody who is not known as one. Routes
 * of the client's own namespace come before those of the Service's, and of these each that is narrowed to some clients
 * before those that are not. Where two stand alike the kind decides (GEP-1426: GRPCRoute, HTTPRoute, TLSRoute, TCPRoute), then age,
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

/** Which of a Service's routes count, worked out once for all of them: there may be thousands. */
export interface Ranking {
  /** Who counts wherever this one would; undefined when it counts, or might count, for somebody. */
  overruling(route: RouteInput, port: ServicePort): RouteInput | undefined;
  /** Who shares all connections of these clients; without clients, those of everybody. */
  covering(port: ServicePort, clients: LabelSelector | undefined): RouteInput | undefined;
}

export const rank = (routes: readonly RouteInput[], service: ServiceObject): Ranking => {
  const byPort = new Map<ServicePort, ReadonlyMap<string, RouteInput>>();
  const firstsAt = (port: ServicePort): ReadonlyMap<string, RouteInput> => {
    const known = byPort.get(port) ?? firsts(routes, service, port);
    byPort.set(port, known);
    return known;
  };
  return {
    overruling: (route, port) =>
      wider(namespaceFor(route, service), narrowingOf(route)?.clients)
        .flatMap((clientele) => firstsAt(port).get(clientele) ?? [])
        .find((first) => comesBefore(first, route, service)),
    covering: (port, clients) =>
      [...wider('', clients), keyFor('', undefined)].flatMap((clientele) => firstsAt(port).get(clientele) ?? []).at(0),
  };
};

/** By their clients, as far as it can be told: of two selectors only that they say the same, or that one is empty. */
const firsts = (
  routes: readonly RouteInput[],
  service: ServiceObject,
  port: ServicePort,
): ReadonlyMap<string, RouteInput> => {
  const found = new Map<string, RouteInput>();
  for (const each of routes) {
    if (!isCandidate(each, service, port)) continue;
    const clientele = clienteleOf(each, service);
    const first = found.get(clientele);
    if (first === undefined || comesBefore(each, first, service)) found.set(clientele, each);
  }
  return found;
};

const clienteleOf = (input: RouteInput, service: ServiceObject): string =>
  keyFor(namespaceFor(input, service), narrowingOf(input)?.clients);

/** Those who are surely all that these are: the same ones, and every Pod of the namespace. */
const wider = (namespace: string, clients: LabelSelector | undefined): readonly string[] =>
  widerKeys(clienteleKey(clients)).map((key) => within(namespace, key));

const keyFor = (namespace: string, clients: LabelSelector | undefined): string =>
  within(namespace, clienteleKey(clients));

const within = (namespace: string, key: string): string => `${namespace} ${key}`;

/** Empty: of any. */
const namespaceFor = ({ route }: RouteInput, service: ServiceObject): string =>
  isConsumers(route, service) ? route.namespace : '';

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
const KINDS = { GRPCRoute: 0, HTTPRoute: 1, TLSRoute: 2, TCPRoute: 3, UDPRoute: 3 } as const satisfies Record<
  RouteKind,
  number
>;

/** Infinity is as old as Infinity. */
const compareAge = (a: number, b: number): number => (a === b ? 0 : a - b);

/** The kinds are the same by then. */
const nameOf = ({ route }: RouteInput): string => routeKeyOf(route);
