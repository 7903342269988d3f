/** Cluster objects, projected to what Shunt uses. Plain data; sources make them, `desire` reads them. */

export type Family = 4 | 6;
export type Protocol = 'TCP' | 'UDP' | 'SCTP';

export interface ObjectRef {
  readonly kind: 'Service' | 'EndpointSlice' | 'TrafficPolicy' | 'Node' | 'Pod';
  /** Empty for a Node. */
  readonly namespace: string;
  readonly name: string;
}

export interface ServicePort {
  /** Empty for the only port of a Service that has one. EndpointSlice ports are matched by this name. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** Asked for at every node's own addresses; 0: none. */
  readonly nodePort: number;
}

export interface ServiceObject extends ObjectRef {
  readonly kind: 'Service';
  /** Infinity when absent: nothing that is known to be there already gives way to it. */
  readonly createdAtMs: number;
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
  /** `clusterIP: None`, or label `service.kubernetes.io/headless`. */
  readonly headless: boolean;
  /** Label `service.kubernetes.io/service-proxy-name` (KEP-2447), which may be empty; undefined when absent. */
  readonly proxyName: string | undefined;
  /** Canonical text (RFC 5952). Empty for headless and ExternalName Services. */
  readonly clusterIPs: readonly string[];
  /** `spec.externalIPs`: whoever may edit a Service chooses them freely. Canonical text, as the next. */
  readonly externalIPs: readonly string[];
  /**
   * Addresses of `status.loadBalancer.ingress` that lead to endpoints as they are: not those with `ipMode: Proxy`
   * (KEP-1860), which only the load balancer itself may answer.
   */
  readonly loadBalancerIPs: readonly string[];
  /** Only clients of `loadBalancerSourceRanges` may use `loadBalancerIPs`. */
  readonly sourceRanges: boolean;
  readonly ports: readonly ServicePort[];
  /** `sessionAffinity: ClientIP`; 0 for None. */
  readonly affinityTimeoutS: number;
  readonly internalTrafficPolicy: 'Cluster' | 'Local';
  readonly publishNotReadyAddresses: boolean;
}

/** Whose clients an endpoint is meant for, as the slice controller worked out from `trafficDistribution` (KEP-3015). */
export interface Hints {
  /** Names of zones and of nodes; both empty: no hint. */
  readonly zones: readonly string[];
  readonly nodes: readonly string[];
}

export const NO_HINTS: Hints = Object.freeze({ zones: Object.freeze([]), nodes: Object.freeze([]) });

export interface EndpointObject {
  /** The first of `addresses`: the API calls them fungible, and kube-proxy uses the first. Canonical text. */
  readonly address: string;
  /** Absent conditions already hold their documented defaults: ready and serving true, terminating false. */
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** Empty when unknown. */
  readonly node: string;
  readonly zone: string;
  readonly hints: Hints;
  /** Name of the Pod in `targetRef`; empty when it is no Pod. */
  readonly pod: string;
}

export interface EndpointSlicePort {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

export interface EndpointSliceObject extends ObjectRef {
  readonly kind: 'EndpointSlice';
  /** Label `kubernetes.io/service-name`: a Service of the same namespace. */
  readonly service: string;
  readonly family: Family;
  readonly ports: readonly EndpointSlicePort[];
  readonly endpoints: readonly EndpointObject[];
  /** Annotation `endpoints.kubernetes.io/last-change-trigger-time`, in ms since the epoch; 0 when absent. */
  readonly triggeredAtMs: number;
}

/** Endpoints that match every given field get `weight`; the first match in the list counts; default 1. */
export interface EndpointWeight {
  /** Pod name, `*` standing for any run of characters. */
  readonly pod?: string;
  readonly node?: string;
  readonly zone?: string;
  /** 0..1000; 0 drains: no new connections. */
  readonly weight: number;
}

/** `shunt.dev/v1alpha1`, attached to Services of its own namespace by `spec.targetRefs`. */
export interface TrafficPolicyObject extends ObjectRef {
  readonly kind: 'TrafficPolicy';
  /** Infinity when absent, as for Services. */
  readonly createdAtMs: number;
  readonly services: readonly string[];
  readonly endpointWeights: readonly EndpointWeight[];
}

/** Of a Node only what decides about Services on it. */
export interface NodeObject extends ObjectRef {
  readonly kind: 'Node';
  readonly namespace: '';
  /** Label `topology.kubernetes.io/zone`; empty when absent. */
  readonly zone: string;
  /** `status.addresses` of types InternalIP and ExternalIP. Canonical text. */
  readonly addresses: readonly string[];
}

export interface PodObject extends ObjectRef {
  readonly kind: 'Pod';
  /** Where it runs; empty before it is scheduled. */
  readonly node: string;
  /** Its own `status.podIPs`: empty with `hostNetwork`, before it has one, and once it has ended. Canonical text. */
  readonly addresses: readonly string[];
}

export type ClusterObject = ServiceObject | EndpointSliceObject | TrafficPolicyObject | NodeObject | PodObject;

/** Where an object was read, for messages. `line` is 1-based. */
export interface Origin {
  readonly file: string;
  readonly line: number;
}

/** Something about an object that its author should know. */
export interface Complaint {
  /** error: the object was skipped; warning: part of it is not honoured; note: nothing to program, as documented. */
  readonly severity: 'error' | 'warning' | 'note';
  /** `kind namespace/name` where known; otherwise whatever identifies it best. */
  readonly object: string;
  /** Field path such as `spec.ports[0].port`; empty for the whole object. */
  readonly path: string;
  readonly message: string;
  readonly origin?: Origin;
}
