import type { DesiredPort } from '../../src/core/model/desired.ts';
import type {
  Complaint,
  EndpointObject,
  EndpointSliceObject,
  EndpointWeight,
  ServiceObject,
  TrafficPolicyObject,
} from '../../src/core/model/objects.ts';

/** Builders of cluster objects with the defaults of the API, all of one age; tests name only what they are about. */

export const service = (fields: Partial<ServiceObject> = {}): ServiceObject => ({
  kind: 'Service',
  namespace: 'shop',
  name: 'web',
  createdAtMs: 0,
  type: 'ClusterIP',
  headless: false,
  proxyName: undefined,
  clusterIPs: ['10.96.0.1'],
  ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
  affinityTimeoutS: 0,
  internalTrafficPolicy: 'Cluster',
  publishNotReadyAddresses: false,
  ...fields,
});

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
  services: ['web'],
  endpointWeights,
  ...fields,
});

export const OUR_NODE = { name: 'node-a', proxyName: '' } as const;

/** One line for each address of each port: `shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.1:8080=1 10.1.0.2:8080=5`. */
export const desiredLines = (ports: readonly DesiredPort[]): readonly string[] =>
  ports.flatMap(({ id, port, affinityTimeoutS, groups }) =>
    groups.flatMap(({ addresses, endpoints }) => {
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
