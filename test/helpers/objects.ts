import type { DesiredPort } from '../../src/core/model/desired.ts';
import {
  type Complaint,
  type EndpointObject,
  type EndpointSliceObject,
  type EndpointWeight,
  NO_HINTS,
  type NodeObject,
  type PodObject,
  type ReferenceGrantObject,
  type RouteBackend,
  type RouteObject,
  type RouteParent,
  type ServiceObject,
  type ServicePort,
  type TrafficPolicyObject,
} from '../../src/core/model/objects.ts';

/** Builders of cluster objects with the defaults of the API, all of one age; tests name only what they are about. */

export const service = ({ ports = [HTTP], ...fields }: ServiceFields = {}): ServiceObject => ({
  kind: 'Service',
  namespace: 'shop',
  name: 'web',
  createdAtMs: 0,
  type: 'ClusterIP',
  headless: false,
  proxyName: undefined,
  clusterIPs: ['10.96.0.1'],
  externalIPs: [],
  loadBalancerIPs: [],
  sourceRanges: false,
  ports: ports.map((port) => ({ nodePort: 0, ...port })),
  affinityTimeoutS: 0,
  internalTrafficPolicy: 'Cluster',
  publishNotReadyAddresses: false,
  ...fields,
});

export type ServiceFields = Partial<Omit<ServiceObject, 'ports'>> & { readonly ports?: readonly PortFields[] };
export type PortFields = Omit<ServicePort, 'nodePort'> & { readonly nodePort?: number };

const HTTP = { name: 'http', protocol: 'TCP', port: 80 } as const;

export const slice = (
  endpoints: readonly EndpointObject[],
  fields: Partial<Omit<EndpointSliceObject, 'endpoints'>> = {},
): EndpointSliceObject => ({
  kind: 'EndpointSlice',
  namespace: 'shop',
  name: 'web-1',
  service: 'web',
  family: 4,
  ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
  triggeredAtMs: 0,
  endpoints,
  ...fields,
});

/** Ready, unless told otherwise. */
export const endpoint = (address: string, fields: Partial<EndpointObject> = {}): EndpointObject => ({
  address,
  ready: true,
  serving: true,
  terminating: false,
  node: '',
  zone: '',
  hints: NO_HINTS,
  pod: '',
  ...fields,
});

export const NOT_READY = { ready: false, serving: false } as const;
export const SERVES_WHILE_TERMINATING = { ready: false, serving: true, terminating: true } as const;
export const GONE_SILENT = { ready: false, serving: false, terminating: true } as const;

export const policy = (
  endpointWeights: readonly EndpointWeight[],
  fields: Partial<Omit<TrafficPolicyObject, 'endpointWeights'>> = {},
): TrafficPolicyObject => ({
  kind: 'TrafficPolicy',
  namespace: 'shop',
  name: 'weights',
  createdAtMs: 0,
  generation: 0,
  services: ['web'],
  routes: [],
  algorithm: undefined,
  hashOn: 'Pod',
  endpointWeights,
  slowStartMs: 0,
  clients: undefined,
  ignored: [],
  ...fields,
});

/** As read of an Istio object: it has no weights of its own. */
export const destinationRule = (fields: Partial<TrafficPolicyObject> = {}): TrafficPolicyObject => ({
  ...policy([]),
  kind: 'DestinationRule',
  name: 'rule',
  ...fields,
});

/** Of the whole Service `shop/web`, whose connections go to `shop/web-v1`. */
export const route = (fields: Partial<RouteObject> = {}): RouteObject => ({
  kind: 'TCPRoute',
  namespace: 'shop',
  name: 'shares',
  apiVersion: 'gateway.networking.k8s.io/v1',
  createdAtMs: 0,
  generation: 0,
  parents: [parent()],
  backends: [backend('web-v1')],
  unsupported: '',
  narrowed: false,
  ...fields,
});

export const parent = (fields: Partial<RouteParent> = {}): RouteParent => ({
  namespace: 'shop',
  name: 'web',
  port: undefined,
  sectionName: '',
  ...fields,
});

export const backend = (name: string, fields: Partial<RouteBackend> = {}): RouteBackend => ({
  namespace: 'shop',
  name,
  port: 80,
  weight: 1,
  invalidKind: '',
  ...fields,
});

/** Lets TCPRoutes of `shop` refer to every Service of `next`. */
export const referenceGrant = (fields: Partial<ReferenceGrantObject> = {}): ReferenceGrantObject => ({
  kind: 'ReferenceGrant',
  namespace: 'next',
  name: 'grant',
  from: [{ kind: 'TCPRoute', namespace: 'shop' }],
  services: ['*'],
  ...fields,
});

export const node = (fields: Partial<NodeObject> = {}): NodeObject => ({
  kind: 'Node',
  namespace: '',
  name: 'node-a',
  zone: '',
  addresses: [],
  ...fields,
});

export const pod = (fields: Partial<PodObject> = {}): PodObject => ({
  kind: 'Pod',
  namespace: 'shop',
  name: 'web-0',
  node: 'node-a',
  addresses: ['10.1.0.1'],
  cgroupUid: '',
  labels: {},
  owner: `Pod/${fields.name ?? 'web-0'}`,
  sameNode: '',
  ...fields,
});

export const OUR_NODE = { name: 'node-a', proxyName: '', externalIPs: false, zone: '', addresses: [] } as const;

/** One line for each address of each port: `shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.1:8080=1 10.1.0.2:8080=5`. */
export const desiredLines = (ports: readonly DesiredPort[]): readonly string[] =>
  ports.flatMap(({ id, affinityTimeoutS, groups }) =>
    groups.flatMap(({ addresses, port, endpoints }) => {
      const answers =
        endpoints.map((each) => `${socket(each.address, each.port)}=${each.weight}`).join(' ') || 'refused';
      const sticky = affinityTimeoutS === 0 ? '' : ` (a client stays for ${affinityTimeoutS} s)`;
      return addresses.map((address) => `${id} ${socket(address, port)} -> ${answers}${sticky}`);
    }),
  );

export const complaintLines = (complaints: readonly Complaint[]): readonly string[] =>
  complaints.map(({ severity, object, path, message }) => `${severity}: ${object} ${path}: ${message}`);

const socket = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
