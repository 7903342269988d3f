/** Cluster objects, projected to what Shunt uses. Plain data; sources make them, `desire` reads them. */

export type Family = 4 | 6;
export type Protocol = 'TCP' | 'UDP' | 'SCTP';

export interface ObjectRef {
  readonly kind:
    | 'Service'
    | 'EndpointSlice'
    | 'TrafficPolicy'
    | 'DestinationRule'
    | RouteKind
    | 'ReferenceGrant'
    | 'Node'
    | 'Pod';
  /** Empty for a Node. */
  readonly namespace: string;
  readonly name: string;
}

/** Of the Gateway API (group `gateway.networking.k8s.io`), in the order in which they win over each other. */
export type RouteKind = 'GRPCRoute' | 'HTTPRoute' | 'TLSRoute' | 'TCPRoute' | 'UDPRoute';

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
  /** `deprecatedTopology`: labels of the endpoint, where the maker of the slice gives any. Absent: none. */
  readonly labels?: Readonly<Record<string, string>>;
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
  /** Labels that the endpoint must have with these values, where its slice says any (`deprecatedTopology`). */
  readonly labels?: Readonly<Record<string, string>>;
  /** 0..1000; 0 drains: no new connections. */
  readonly weight: number;
}

/** How one of the endpoints is chosen for a connection; docs/algorithms.md. */
export type Algorithm = 'WeightedRandom' | 'RoundRobin' | 'LeastConnections' | 'PeakEwma' | 'Maglev';

/** What `Maglev` takes for the client: its Pod, or the source address that its socket is bound to, if it is. */
export type HashOn = 'Pod' | 'SourceAddress';

/** A label selector (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/): all of it must match. */
export interface LabelSelector {
  readonly matchLabels: Readonly<Record<string, string>>;
  readonly matchExpressions: readonly LabelRequirement[];
}

export interface LabelRequirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values: readonly string[];
}

/**
 * `shunt.dev/v1alpha1`, attached by `spec.targetRefs` to Services and routes of its own namespace. A DestinationRule of
 * Istio is read as one, too: it counts where no TrafficPolicy does.
 */
export interface TrafficPolicyObject extends ObjectRef {
  readonly kind: 'TrafficPolicy' | 'DestinationRule';
  /** Infinity when absent, as for Services. */
  readonly createdAtMs: number;
  /** 0 when absent. */
  readonly generation: number;
  /** Names of the Services that it is for. */
  readonly services: readonly string[];
  /** Routes whose clients it narrows to `clients`. */
  readonly routes: readonly { readonly kind: RouteKind; readonly name: string }[];
  /** Undefined when it says nothing of it. */
  readonly algorithm: Algorithm | undefined;
  readonly hashOn: HashOn;
  readonly endpointWeights: readonly EndpointWeight[];
  /** A new endpoint's weight rises from a tenth over this time; 0: it has all of its weight at once. */
  readonly slowStartMs: number;
  /** Whether its endpoints and their clients on one node are joined socket to socket; undefined: it says nothing of it. */
  readonly sameNode?: 'Redirect' | 'Plain';
  /** Whether it is measured how long first answers take; undefined: it says nothing of it, as `Ignore`. */
  readonly firstResponseTime?: 'Measure' | 'Ignore';
  /** Pods whose connections it is for; undefined: everybody's. */
  readonly clients: LabelSelector | undefined;
  /** Paths of fields of a DestinationRule that are not honoured. */
  readonly ignored: readonly string[];
  /** It never could be read, and all that holds of it is that its routes are for some clients: nobody knows which. */
  readonly standsIn?: true;
}

/** A route with Services as parents (GAMMA, GEP-1294): shares of a Service's connections for other Services. */
export interface RouteObject extends ObjectRef {
  readonly kind: RouteKind;
  /** Such as `gateway.networking.k8s.io/v1`: as it was read, to write its status the same way. */
  readonly apiVersion: string;
  readonly createdAtMs: number;
  readonly generation: number;
  /** Those of `spec.parentRefs` that are Services: what others (a Gateway) make of it is theirs. */
  readonly parents: readonly RouteParent[];
  readonly backends: readonly RouteBackend[];
  /** Empty, or what of it cannot be done at layer 4 (a match, a filter, a timeout): then none of it is done. */
  readonly unsupported: string;
  /** Annotation `shunt.dev/narrowed`: it is for the clients of a TrafficPolicy, and for nobody while none names it. */
  readonly narrowed: boolean;
}

export interface RouteParent {
  readonly namespace: string;
  readonly name: string;
  /** Undefined: every port. */
  readonly port: number | undefined;
  readonly sectionName: string;
}

export interface RouteBackend {
  readonly namespace: string;
  readonly name: string;
  /** Undefined: missing, which is a reference that cannot be resolved. */
  readonly port: number | undefined;
  /** 0..1,000,000; share = weight / sum of weights. */
  readonly weight: number;
  /** Empty, or why it can be no Service that we know: another group or kind. */
  readonly invalidKind: string;
}

/** Lets routes of other namespaces refer to Services of this one. Only what is about that. */
export interface ReferenceGrantObject extends ObjectRef {
  readonly kind: 'ReferenceGrant';
  readonly from: readonly { readonly kind: RouteKind; readonly namespace: string }[];
  /** Names of Services; empty: none. `*`: all. */
  readonly services: readonly string[];
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
  /** What names its cgroup: `metadata.uid`, of a static Pod annotation `kubernetes.io/config.hash`; empty once it has ended. */
  readonly cgroupUid: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Its workload, such as `Deployment/web`; of a Pod that nobody controls `Pod/name`. */
  readonly owner: string;
  /** Label `shunt.dev/same-node`; empty when it says nothing of it. */
  readonly sameNode: 'redirect' | 'plain' | '';
}

export type ClusterObject =
  | ServiceObject
  | EndpointSliceObject
  | TrafficPolicyObject
  | RouteObject
  | ReferenceGrantObject
  | NodeObject
  | PodObject;

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
