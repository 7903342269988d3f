import type { ObjectRef } from '../../core/model/objects.ts';
import type { Resource } from './resource.ts';

export interface ClusterResource extends Resource {
  readonly kind: ObjectRef['kind'];
  /** The source counts as read without them. */
  readonly mayLag?: boolean;
}

/** What Shunt reads of a cluster: no more than decides about the processes of this node. */
export const resourcesFor = (nodeName: string): readonly ClusterResource[] => [
  { name: 'services', apiVersion: 'v1', kind: 'Service', path: '/api/v1/services', isNamespaced: true },
  {
    name: 'endpointslices',
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    path: '/apis/discovery.k8s.io/v1/endpointslices',
    isNamespaced: true,
    // As kube-proxy: nobody asks for the address of a headless Service.
    labelSelector: '!service.kubernetes.io/headless',
  },
  {
    name: 'nodes',
    apiVersion: 'v1',
    kind: 'Node',
    path: '/api/v1/nodes',
    isNamespaced: false,
    fieldSelector: `metadata.name=${nodeName}`,
  },
  {
    name: 'pods',
    apiVersion: 'v1',
    kind: 'Pod',
    path: '/api/v1/pods',
    isNamespaced: true,
    fieldSelector: `spec.nodeName=${nodeName}`,
    // They decide about clients of this node, which come and go with them.
    mayLag: true,
  },
  {
    name: 'trafficpolicies',
    apiVersion: 'shunt.dev/v1alpha1',
    kind: 'TrafficPolicy',
    path: '/apis/shunt.dev/v1alpha1/trafficpolicies',
    isNamespaced: true,
    optional: true,
  },
  ...STANDARD,
];

/** Definitions of others, in the versions that their releases serve, the best first. */
const standard = (
  kind: ObjectRef['kind'],
  name: string,
  group: string,
  versions: readonly string[],
): ClusterResource => {
  const [first = '', ...others] = versions;
  const at = (version: string) => ({ apiVersion: `${group}/${version}`, path: `/apis/${group}/${version}/${name}` });
  return {
    name,
    kind,
    ...at(first),
    isNamespaced: true,
    optional: true,
    otherVersions: others.map(at),
    // The right is one that roles of earlier versions of Shunt do not give.
    dispensable: true,
  };
};

const GATEWAY = 'gateway.networking.k8s.io';

const STANDARD: readonly ClusterResource[] = [
  // Until release 1.1 of the Gateway API only v1alpha2.
  standard('GRPCRoute', 'grpcroutes', GATEWAY, ['v1', 'v1alpha2']),
  // Until release 1.0 only v1beta1.
  standard('HTTPRoute', 'httproutes', GATEWAY, ['v1', 'v1beta1']),
  standard('TLSRoute', 'tlsroutes', GATEWAY, ['v1', 'v1alpha3', 'v1alpha2']),
  // Until release 1.5 of the Gateway API only v1alpha2, and only in its experimental channel.
  standard('TCPRoute', 'tcproutes', GATEWAY, ['v1', 'v1alpha2']),
  standard('UDPRoute', 'udproutes', GATEWAY, ['v1', 'v1alpha2']),
  standard('ReferenceGrant', 'referencegrants', GATEWAY, ['v1beta1', 'v1']),
  standard('DestinationRule', 'destinationrules', 'networking.istio.io', ['v1', 'v1beta1']),
];
