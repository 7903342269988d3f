import type { PodAddresses } from './address.ts';
import { type DemoService, NAMESPACE, NODE_NAME } from './cluster.ts';

/** Objects as the Kubernetes API has them, with what a user or a controller would write. */

export const serviceObject = ({ name, address4, address6, port, targetPort }: DemoService): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: NAMESPACE },
  spec: {
    type: 'ClusterIP',
    selector: { app: name },
    clusterIP: address4,
    clusterIPs: [address4, address6],
    ipFamilyPolicy: 'RequireDualStack',
    ipFamilies: ['IPv4', 'IPv6'],
    ports: [{ name: 'http', protocol: 'TCP', port, targetPort }],
  },
});

export interface NamedPod extends PodAddresses {
  readonly name: string;
}

/** Of a Deployment that is called as the Pod without its number, by way of a ReplicaSet. */
export const podObject = ({ name, address4, address6 }: NamedPod): object => {
  const deployment = name.replace(/-\d+$/, '');
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: NAMESPACE,
      uid: name,
      labels: { 'pod-template-hash': HASH },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${deployment}-${HASH}`, controller: true }],
    },
    spec: { nodeName: NODE_NAME },
    status: { phase: 'Running', podIPs: [{ ip: address4 }, { ip: address6 }] },
  };
};

const HASH = '5c4b7d9f';

/** A pod behind a Service. */
export interface Endpoint extends PodAddresses {
  readonly pod: string;
  /** `terminating` as Kubernetes marks a pod that was told to end, and still serves. */
  readonly state: 'ready' | 'terminating';
}

/** One EndpointSlice for each address family, as the EndpointSlice controller makes them. */
export const endpointSliceObjects = (service: DemoService, endpoints: readonly Endpoint[]): readonly object[] => [
  sliceObject(service, 'IPv4', endpoints, ({ address4 }) => address4),
  sliceObject(service, 'IPv6', endpoints, ({ address6 }) => address6),
];

const sliceObject = (
  { name, targetPort }: DemoService,
  addressType: 'IPv4' | 'IPv6',
  endpoints: readonly Endpoint[],
  addressOf: (endpoint: Endpoint) => string,
): object => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    name: `${name}-${addressType.toLowerCase()}`,
    namespace: NAMESPACE,
    labels: { 'kubernetes.io/service-name': name },
  },
  addressType,
  ports: [{ name: 'http', protocol: 'TCP', port: targetPort }],
  endpoints: endpoints.map((endpoint) => ({
    addresses: [addressOf(endpoint)],
    conditions: {
      ready: endpoint.state === 'ready',
      serving: true,
      terminating: endpoint.state === 'terminating',
    },
    nodeName: NODE_NAME,
    targetRef: { kind: 'Pod', name: endpoint.pod, namespace: NAMESPACE },
  })),
});

/** Weights by version: pods are named SERVICE-VERSION-NUMBER. */
export const trafficPolicyObject = ({ name }: DemoService, weights: Readonly<Record<string, number>>): object => ({
  apiVersion: 'shunt.dev/v1alpha1',
  kind: 'TrafficPolicy',
  metadata: { name: `${name}-shares`, namespace: NAMESPACE },
  spec: {
    targetRefs: [{ group: '', kind: 'Service', name }],
    endpointWeights: Object.entries(weights).map(([version, weight]) => ({ pod: `${name}-${version}-*`, weight })),
  },
});
