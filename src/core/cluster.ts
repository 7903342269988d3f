import { keyOf, routeKeyOf } from './cluster/keys.ts';
import { enlist, type Listed, strike } from './cluster/listed.ts';
import { createRoutes, type Routes, setGrant, setNarrowing, setRoute, touchLeadingTo } from './cluster/routes.ts';
import { touchNarrowed } from './cluster/touch.ts';
import { createWishes, type Wishes, wishOfPod, wishOfPolicy } from './cluster/wishes.ts';
import type { Client } from './model/desired.ts';
import { flat } from './model/flat.ts';
import type {
  ClusterObject,
  EndpointSliceObject,
  NodeObject,
  ObjectRef,
  PodObject,
  ServiceObject,
  TrafficPolicyObject,
} from './model/objects.ts';

export { inputFor, inputOf } from './cluster/input.ts';
export { keyOf } from './cluster/keys.ts';

export type ClusterEvent =
  | { readonly type: 'put'; readonly object: ClusterObject }
  | { readonly type: 'delete'; readonly ref: ObjectRef }
  /** Where the cgroup of a Pod of this node (`namespace/name`) is; undefined once it is gone, or cannot be told. */
  | { readonly type: 'client'; readonly pod: string; readonly client: Client | undefined };

/** Which object an event is about; undefined of what is told of a client, which is no object. */
export const refOf = (event: ClusterEvent): ObjectRef | undefined => {
  if (event.type === 'client') return undefined;
  return event.type === 'put' ? event.object : event.ref;
};

/**
 * The objects that exist now, found by the Service that they are about. It depends on the last event of each object
 * alone: events of different objects may come in any order, a slice also before its Service. Only `applyEvents` writes.
 */
export interface Cluster {
  /** By `namespace/name`, as everything here. */
  readonly services: Map<string, ServiceObject>;
  readonly slices: Attached<EndpointSliceObject>;
  readonly policies: Attached<TrafficPolicyObject>;
  /** Of Istio, read as policies. */
  readonly destinationRules: Attached<TrafficPolicyObject>;
  readonly routes: Routes;
  /** By name. From an API server only the node of this agent. */
  readonly nodes: Map<string, NodeObject>;
  /** Of an API server only those of this node. */
  readonly pods: Map<string, PodObject>;
  /** Of Pods of this node whose cgroup is known. */
  readonly clients: Map<string, Client>;
  readonly wishes: Wishes;
}

/** Objects of one kind that are about Services of their namespace, whether those exist or not. */
export interface Attached<T extends ObjectRef> {
  readonly byKey: Map<string, T>;
  readonly byService: Listed<T>;
}

export const createCluster = (): Cluster => ({
  services: new Map(),
  slices: { byKey: new Map(), byService: new Map() },
  policies: { byKey: new Map(), byService: new Map() },
  destinationRules: { byKey: new Map(), byService: new Map() },
  routes: createRoutes(),
  nodes: new Map(),
  pods: new Map(),
  clients: new Map(),
  wishes: createWishes(),
});

/** Takes the events in and returns the keys (`namespace/name`) of the Services that must be looked at again. */
export const applyEvents = (cluster: Cluster, events: readonly ClusterEvent[]): Set<string> => {
  const touched: Touched = { own: new Set(), byRoute: new Set(), clientNamespaces: new Set() };
  for (const event of events) {
    if (event.type === 'put') put(cluster, event.object, touched);
    else if (event.type === 'delete') remove(cluster, event.ref, touched);
    else setClient(cluster, event.pod, event.client, touched);
  }
  return allTouched(cluster, touched);
};

interface Touched {
  /** Services of which something of their own changed: those whose routes lead to them are touched as well. */
  readonly own: Set<string>;
  readonly byRoute: Set<string>;
  /** Where Pods that are clients came, went or changed. */
  readonly clientNamespaces: Set<string>;
}

const allTouched = (cluster: Cluster, { own, byRoute, clientNamespaces }: Touched): Set<string> => {
  if (clientNamespaces.size > 0) touchNarrowed(cluster, clientNamespaces, own, byRoute);
  if (cluster.routes.byBackend.size > 0) for (const key of own) touchLeadingTo(cluster.routes, key, byRoute);
  for (const key of byRoute) own.add(key);
  return own;
};

const put = (cluster: Cluster, object: ClusterObject, touched: Touched): void => {
  const key = keyOf(object);
  switch (object.kind) {
    case 'Service':
      cluster.services.set(key, object);
      touched.own.add(key);
      break;
    case 'EndpointSlice':
      attach(cluster.slices, key, object, servicesOfSlice, touched.own);
      break;
    case 'TrafficPolicy':
      setNarrowing(cluster.routes, cluster.policies.byKey.get(key), object, touched.byRoute);
      wishOfPolicy(cluster.wishes, key, object);
      attach(cluster.policies, key, object, servicesOfPolicy, touched.own);
      break;
    case 'DestinationRule':
      attach(cluster.destinationRules, key, object, servicesOfPolicy, touched.own);
      break;
    case 'GRPCRoute':
    case 'HTTPRoute':
    case 'TLSRoute':
    case 'TCPRoute':
    case 'UDPRoute':
      setRoute(cluster.routes, routeKeyOf(object), object, touched.byRoute);
      break;
    case 'ReferenceGrant':
      setGrant(cluster.routes, object, object, touched.byRoute);
      break;
    case 'Node':
      setNode(cluster, object.name, object, touched.own);
      break;
    case 'Pod':
      setPod(cluster, key, object, touched);
      break;
  }
};

const remove = (cluster: Cluster, ref: ObjectRef, touched: Touched): void => {
  const key = keyOf(ref);
  switch (ref.kind) {
    case 'Service':
      if (cluster.services.delete(key)) touched.own.add(key);
      break;
    case 'EndpointSlice':
      detach(cluster.slices, key, servicesOfSlice, touched.own);
      break;
    case 'TrafficPolicy':
      setNarrowing(cluster.routes, cluster.policies.byKey.get(key), undefined, touched.byRoute);
      wishOfPolicy(cluster.wishes, key, undefined);
      detach(cluster.policies, key, servicesOfPolicy, touched.own);
      break;
    case 'DestinationRule':
      detach(cluster.destinationRules, key, servicesOfPolicy, touched.own);
      break;
    case 'GRPCRoute':
    case 'HTTPRoute':
    case 'TLSRoute':
    case 'TCPRoute':
    case 'UDPRoute':
      setRoute(cluster.routes, routeKeyOf({ ...ref, kind: ref.kind }), undefined, touched.byRoute);
      break;
    case 'ReferenceGrant':
      setGrant(cluster.routes, ref, undefined, touched.byRoute);
      break;
    case 'Node':
      setNode(cluster, ref.name, undefined, touched.own);
      break;
    case 'Pod':
      setPod(cluster, key, undefined, touched);
      break;
  }
};

/** Zone and addresses of a node decide about every Service on it. A server tells of much else that changes. */
const setNode = (cluster: Cluster, name: string, node: NodeObject | undefined, touched: Set<string>): void => {
  const previous = cluster.nodes.get(name);
  if (node === undefined) cluster.nodes.delete(name);
  else cluster.nodes.set(name, node);
  const isSame = previous?.zone === node?.zone && previous?.addresses.join() === node?.addresses.join();
  if (!isSame) for (const key of cluster.services.keys()) touched.add(key);
};

/** A Pod counts as a client once both its labels and its cgroup are known. */
const setPod = (
  { pods, clients, wishes }: Cluster,
  key: string,
  pod: PodObject | undefined,
  touched: Touched,
): void => {
  const previous = pods.get(key);
  wishOfPod(wishes, key, pod);
  if (pod === undefined) pods.delete(key);
  else pods.set(key, pod);
  if (clients.has(key) && !haveSameLabels(previous, pod)) touched.clientNamespaces.add(namespaceOf(key));
};

const setClient = ({ pods, clients }: Cluster, key: string, client: Client | undefined, touched: Touched): void => {
  const previous = clients.get(key);
  if (client === undefined) clients.delete(key);
  else clients.set(key, client);
  const isSame = previous?.cgroup === client?.cgroup && previous?.level === client?.level;
  if (!isSame && pods.has(key)) touched.clientNamespaces.add(namespaceOf(key));
};

const namespaceOf = (key: string): string => key.slice(0, key.indexOf('/'));

const haveSameLabels = (one: PodObject | undefined, other: PodObject | undefined): boolean => {
  if (one === undefined || other === undefined) return one === other;
  const keys = Object.keys(one.labels);
  return keys.length === Object.keys(other.labels).length && keys.every((key) => one.labels[key] === other.labels[key]);
};

const servicesOfSlice = ({ namespace, service }: EndpointSliceObject): readonly string[] => [
  flat('/', namespace, service),
];

const servicesOfPolicy = ({ namespace, services }: TrafficPolicyObject): readonly string[] =>
  services.map((service) => `${namespace}/${service}`);

type ServicesOf<T> = (object: T) => readonly string[];

/** Services that the object was about before, and no longer is, are touched as well. */
const attach = <T extends ObjectRef>(
  attached: Attached<T>,
  key: string,
  object: T,
  servicesOf: ServicesOf<T>,
  touched: Set<string>,
): void => {
  detach(attached, key, servicesOf, touched);
  const services = servicesOf(object);
  attached.byKey.set(key, object);
  enlist(attached.byService, services, object);
  for (const service of services) touched.add(service);
};

const detach = <T extends ObjectRef>(
  attached: Attached<T>,
  key: string,
  servicesOf: ServicesOf<T>,
  touched: Set<string>,
): void => {
  const previous = attached.byKey.get(key);
  if (previous === undefined) return;
  const services = servicesOf(previous);
  attached.byKey.delete(key);
  strike(attached.byService, services, previous);
  for (const service of services) touched.add(service);
};
