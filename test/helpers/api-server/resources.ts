/** The resources that the server knows, as an API server lays them out. */
export interface Resource {
  readonly name: string;
  /** Empty for the core group. */
  readonly group: string;
  /** All that it can be served in; the server shows objects in the one that is asked for. */
  readonly versions: readonly string[];
  readonly kind: string;
  readonly namespaced: boolean;
  /** Defined by a CustomResourceDefinition: it can be missing, and its lists have fields in the order of the alphabet. */
  readonly custom: boolean;
}

export type ResourceName =
  | 'services'
  | 'endpointslices'
  | 'nodes'
  | 'pods'
  | 'trafficpolicies'
  | 'grpcroutes'
  | 'httproutes'
  | 'tlsroutes'
  | 'tcproutes'
  | 'udproutes'
  | 'referencegrants'
  | 'destinationrules'
  | 'leases';

const core = { group: '', versions: ['v1'], custom: false } as const;
const gateway = { group: 'gateway.networking.k8s.io', namespaced: true, custom: true } as const;

export const RESOURCES: Readonly<Record<ResourceName, Resource>> = {
  services: { ...core, name: 'services', kind: 'Service', namespaced: true },
  nodes: { ...core, name: 'nodes', kind: 'Node', namespaced: false },
  pods: { ...core, name: 'pods', kind: 'Pod', namespaced: true },
  endpointslices: {
    name: 'endpointslices',
    group: 'discovery.k8s.io',
    versions: ['v1'],
    kind: 'EndpointSlice',
    namespaced: true,
    custom: false,
  },
  trafficpolicies: {
    name: 'trafficpolicies',
    group: 'shunt.dev',
    versions: ['v1alpha1'],
    kind: 'TrafficPolicy',
    namespaced: true,
    custom: true,
  },
  grpcroutes: { ...gateway, name: 'grpcroutes', versions: ['v1', 'v1alpha2'], kind: 'GRPCRoute' },
  httproutes: { ...gateway, name: 'httproutes', versions: ['v1', 'v1beta1'], kind: 'HTTPRoute' },
  tlsroutes: { ...gateway, name: 'tlsroutes', versions: ['v1', 'v1alpha3', 'v1alpha2'], kind: 'TLSRoute' },
  tcproutes: { ...gateway, name: 'tcproutes', versions: ['v1', 'v1alpha2'], kind: 'TCPRoute' },
  udproutes: { ...gateway, name: 'udproutes', versions: ['v1', 'v1alpha2'], kind: 'UDPRoute' },
  referencegrants: { ...gateway, name: 'referencegrants', versions: ['v1', 'v1beta1'], kind: 'ReferenceGrant' },
  destinationrules: {
    name: 'destinationrules',
    group: 'networking.istio.io',
    versions: ['v1', 'v1beta1', 'v1alpha3'],
    kind: 'DestinationRule',
    namespaced: true,
    custom: true,
  },
  leases: {
    name: 'leases',
    group: 'coordination.k8s.io',
    versions: ['v1'],
    kind: 'Lease',
    namespaced: true,
    custom: false,
  },
};

/** In the version that is liked best, unless another is given. */
export const apiVersionOf = ({ group, versions }: Resource, version = versions[0] ?? ''): string =>
  group === '' ? version : `${group}/${version}`;

/** An object as the API has it. */
export interface RawObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly [field: string]: unknown;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** What tests hand in: what kind it is follows from the resource, and its versions are the server's to give. */
export type NewObject = Partial<RawObject> & { readonly metadata: Metadata };

/** `namespace/name`, or the name alone of what has no namespace: the order of a list. */
export const keyOf = ({ metadata: { namespace, name } }: { readonly metadata: Metadata }): string =>
  namespace === undefined ? name : `${namespace}/${name}`;
