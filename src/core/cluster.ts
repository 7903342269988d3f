import type { ServiceInput } from './desire/desire.ts';
import { byName } from './desire/order.ts';
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

export type ClusterEvent =
  | { readonly type: 'put'; readonly object: ClusterObject }
  | { readonly type: 'delete'; readonly ref: ObjectRef };

/**
 * The objects that exist now, found by the Service that they are about. It depends on the last event of each object
 * alone: events of different objects may come in any order, a slice also before its Service. Only `applyEvents` writes.
 */
export interface Cluster {
  /** By `namespace/name`, as everything here. */
  readonly services: Map<string, ServiceObject>;
  readonly slices: Attached<EndpointSliceObject>;
  readonly policies: Attached<TrafficPolicyObject>;
  /** By name. From an API server only the node of this agent. */
  readonly nodes: Map<string, NodeObject>;
  /** Of an API server only those of this node. */
  readonly pods: Map<string, PodObject>;
}

/** Objects of one kind that are about Services of their namespace, whether those exist or not. */
export interface Attached<T> {
  readonly byKey: Map<string, T>;
  /** In the order of their names; replaced when one changes, so a list that was handed out stays as it was. */
  readonly byService: Map<string, readonly T[]>;
}

export const createCluster = (): Cluster => ({
  services: new Map(),
  slices: { byKey: new Map(), byService: new Map() },
  policies: { byKey: new Map(), byService: new Map() },
  nodes: new Map(),
  pods: new Map(),
});

/** Takes the events in and returns the keys (`namespace/name`) of the Services that must be looked at again. */
export const applyEvents = (cluster: Cluster, events: readonly ClusterEvent[]): Set<string> => {
  const touched = new Set<string>();
  for (const event of events) {
    if (event.type === 'put') put(cluster, event.object, touched);
    else remove(cluster, event.ref, touched);
  }
  return touched;
};

/** What `desire` needs to know about one Service; undefined when there is no such Service. */
export const inputFor = (cluster: Cluster, key: string): ServiceInput | undefined => {
  const service = cluster.services.get(key);
  return service === undefined ? undefined : inputOf(cluster, service);
};

/** The same for a Service that may have changed since. */
export const inputOf = (cluster: Cluster, service: ServiceObject): ServiceInput => {
  const key = keyOf(service);
  return {
    service,
    slices: cluster.slices.byService.get(key) ?? [],
    policies: cluster.policies.byService.get(key) ?? [],
  };
};

export const keyOf = ({ namespace, name }: { readonly namespace: string; readonly name: string }): string =>
  flat('/', namespace, name);

const put = (cluster: Cluster, object: ClusterObject, touched: Set<string>): void => {
  const key = keyOf(object);
  switch (object.kind) {
    case 'Service':
      cluster.services.set(key, object);
      touched.add(key);
      break;
    case 'EndpointSlice':
      attach(cluster.slices, key, object, servicesOfSlice, touched);
      break;
    case 'TrafficPolicy':
      attach(cluster.policies, key, object, servicesOfPolicy, touched);
      break;
    case 'Node':
      setNode(cluster, object.name, object, touched);
      break;
    case 'Pod':
      cluster.pods.set(key, object);
      break;
  }
};

const remove = (cluster: Cluster, ref: ObjectRef, touched: Set<string>): void => {
  const key = keyOf(ref);
  switch (ref.kind) {
    case 'Service':
      if (cluster.services.delete(key)) touched.add(key);
      break;
    case 'EndpointSlice':
      detach(cluster.slices, key, servicesOfSlice, touched);
      break;
    case 'TrafficPolicy':
      detach(cluster.policies, key, servicesOfPolicy, touched);
      break;
    case 'Node':
      setNode(cluster, ref.name, undefined, touched);
      break;
    case 'Pod':
      cluster.pods.delete(key);
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
  attached.byKey.set(key, object);
  for (const service of servicesOf(object)) {
    const others = othersThan(object, attached.byService.get(service));
    attached.byService.set(service, [...others, object].sort(byName));
    touched.add(service);
  }
};

const detach = <T extends ObjectRef>(
  attached: Attached<T>,
  key: string,
  servicesOf: ServicesOf<T>,
  touched: Set<string>,
): void => {
  const previous = attached.byKey.get(key);
  if (previous === undefined) return;
  attached.byKey.delete(key);
  for (const service of servicesOf(previous)) {
    const others = othersThan(previous, attached.byService.get(service));
    if (others.length > 0) attached.byService.set(service, others);
    else attached.byService.delete(service);
    touched.add(service);
  }
};

const othersThan = <T extends ObjectRef>(object: T, list: readonly T[] = []): readonly T[] =>
  list.filter(({ name }) => name !== object.name);
