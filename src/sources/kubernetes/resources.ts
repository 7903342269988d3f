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
    // No decision rests on them.
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
];
