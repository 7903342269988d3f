/** The resources that the server knows, as an API server lays them out. */
export interface Resource {
  readonly name: string;
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Defined by a CustomResourceDefinition: it can be missing, and its lists have fields in the order of the alphabet. */
  readonly custom: boolean;
}

export type ResourceName = 'services' | 'endpointslices' | 'nodes' | 'pods' | 'trafficpolicies';

const core = { group: '', version: 'v1', custom: false } as const;

export const RESOURCES: Readonly<Record<ResourceName, Resource>> = {
  services: { ...core, name: 'services', kind: 'Service', namespaced: true },
  nodes: { ...core, name: 'nodes', kind: 'Node', namespaced: false },
  pods: { ...core, name: 'pods', kind: 'Pod', namespaced: true },
  endpointslices: {
    name: 'endpointslices',
    group: 'discovery.k8s.io',
    version: 'v1',
    kind: 'EndpointSlice',
    namespaced: true,
    custom: false,
  },
  trafficpolicies: {
    name: 'trafficpolicies',
    group: 'shunt.dev',
    version: 'v1alpha1',
    kind: 'TrafficPolicy',
    namespaced: true,
    custom: true,
  },
};

export const apiVersionOf = ({ group, version }: Resource): string => (group === '' ? version : `${group}/${version}`);

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
