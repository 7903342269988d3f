import { randomUUID } from 'node:crypto';
import type { EndpointObject, EndpointSliceObject, ServiceObject } from '../../src/core/model/objects.ts';

/**
 * Objects as an API server sends them, with everything that controllers and clients leave in them: 2.3 KB for a Service,
 * 4.5 KB for an EndpointSlice with ten endpoints. Most of it is of no use to the agent, and has to be read all the same.
 */

export type Raw = Readonly<Record<string, unknown>>;

const CREATED = '2026-01-01T00:00:00Z';

export const rawService = (service: ServiceObject, uid: string, version: number): Raw => {
  const { namespace, name, ports, clusterIPs } = service;
  const spec = {
    selector: { 'app.kubernetes.io/name': name, 'app.kubernetes.io/instance': `${name}-production` },
    ports: ports.map(({ nodePort: _, ...port }) => ({ ...port, targetPort: 'http', appProtocol: 'http' })),
  };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion: String(version),
      creationTimestamp: CREATED,
      labels: labelsOf(name),
      annotations: {
        'kubectl.kubernetes.io/last-applied-configuration': `${JSON.stringify({
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { annotations: {}, labels: labelsOf(name), name, namespace },
          spec,
        })}\n`,
        'prometheus.io/scrape': 'true',
        'prometheus.io/port': '9090',
      },
      managedFields: [
        managed('kubectl-client-side-apply', 'v1', SERVICE_FIELDS),
        managed('kube-controller-manager', 'v1', { 'f:status': { 'f:loadBalancer': {} } }, 'status'),
      ],
    },
    spec: {
      ...spec,
      clusterIP: clusterIPs[0],
      clusterIPs,
      type: 'ClusterIP',
      sessionAffinity: 'None',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
    },
    status: { loadBalancer: {} },
  };
};

export const rawSlice = (slice: EndpointSliceObject, uid: string, version: number, triggered: string): Raw => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    name: slice.name,
    generateName: `${slice.service}-`,
    namespace: slice.namespace,
    uid,
    resourceVersion: String(version),
    generation: 7,
    creationTimestamp: CREATED,
    labels: {
      ...labelsOf(slice.service),
      'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      'kubernetes.io/service-name': slice.service,
    },
    annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': triggered },
    ownerReferences: [
      { apiVersion: 'v1', kind: 'Service', name: slice.service, uid, controller: true, blockOwnerDeletion: true },
    ],
    managedFields: [managed('kube-controller-manager', 'discovery.k8s.io/v1', SLICE_FIELDS)],
  },
  addressType: 'IPv4',
  endpoints: slice.endpoints.map((endpoint) => rawEndpoint(slice.namespace, endpoint)),
  ports: slice.ports.map((port) => ({ ...port, appProtocol: 'http' })),
});

const rawEndpoint = (namespace: string, { address, ready, serving, terminating, node, zone, pod }: EndpointObject) => ({
  addresses: [address],
  conditions: { ready, serving, terminating },
  targetRef: { kind: 'Pod', namespace, name: pod, uid: randomUUID() },
  nodeName: node,
  zone,
});

export const rawNode = (name: string, version: number): Raw => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name,
    uid: randomUUID(),
    resourceVersion: String(version),
    creationTimestamp: CREATED,
    labels: { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': 'europe-west1-b' },
  },
  spec: { podCIDR: '10.244.0.0/24', podCIDRs: ['10.244.0.0/24'] },
  status: {
    addresses: [
      { type: 'InternalIP', address: '192.0.2.10' },
      { type: 'Hostname', address: name },
    ],
    images: Array.from({ length: 50 }, (_, image) => ({
      names: [`registry.example/team/application-${image}@sha256:${'0123456789abcdef'.repeat(4)}`],
      sizeBytes: 100_000_000 + image,
    })),
  },
});

export const rawPod = (node: string, index: number, version: number): Raw => {
  const name = `application-${index}-7d9f8b6c54-x${String(index).padStart(4, '0')}`;
  const address = `10.244.0.${2 + index}`;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: `team-${String(index % 50).padStart(2, '0')}`,
      uid: randomUUID(),
      resourceVersion: String(version),
      creationTimestamp: CREATED,
      labels: labelsOf(`application-${index}`),
      managedFields: Array.from({ length: 3 }, () => managed('kubelet', 'v1', SLICE_FIELDS, 'status')),
    },
    spec: {
      nodeName: node,
      containers: Array.from({ length: 3 }, (_, container) => ({
        name: `container-${container}`,
        image: `registry.example/team/application-${container}:1.2.3`,
        env: Array.from({ length: 20 }, (_, variable) => ({ name: `VARIABLE_${variable}`, value: 'a value of it' })),
      })),
    },
    status: { phase: 'Running', podIP: address, podIPs: [{ ip: address }], hostIP: '192.0.2.10' },
  };
};

const labelsOf = (name: string) => ({
  'app.kubernetes.io/name': name,
  'app.kubernetes.io/instance': `${name}-production`,
  'app.kubernetes.io/managed-by': 'Helm',
  'app.kubernetes.io/version': '1.14.2',
  'helm.sh/chart': `${name}-3.2.1`,
});

const managed = (manager: string, apiVersion: string, fields: object, subresource?: string) => ({
  manager,
  operation: 'Update',
  apiVersion,
  time: CREATED,
  fieldsType: 'FieldsV1',
  fieldsV1: fields,
  ...(subresource === undefined ? {} : { subresource }),
});

const LABEL_FIELDS = {
  '.': {},
  'f:app.kubernetes.io/name': {},
  'f:app.kubernetes.io/instance': {},
  'f:app.kubernetes.io/managed-by': {},
  'f:app.kubernetes.io/version': {},
  'f:helm.sh/chart': {},
};

const SERVICE_FIELDS = {
  'f:metadata': {
    'f:annotations': {
      '.': {},
      'f:kubectl.kubernetes.io/last-applied-configuration': {},
      'f:prometheus.io/scrape': {},
    },
    'f:labels': LABEL_FIELDS,
  },
  'f:spec': {
    'f:internalTrafficPolicy': {},
    'f:ports': {
      '.': {},
      'k:{"port":80,"protocol":"TCP"}': {
        '.': {},
        'f:appProtocol': {},
        'f:name': {},
        'f:port': {},
        'f:protocol': {},
        'f:targetPort': {},
      },
    },
    'f:selector': {},
    'f:sessionAffinity': {},
    'f:type': {},
  },
};

const SLICE_FIELDS = {
  'f:addressType': {},
  'f:endpoints': {},
  'f:metadata': {
    'f:annotations': { '.': {}, 'f:endpoints.kubernetes.io/last-change-trigger-time': {} },
    'f:generateName': {},
    'f:labels': {
      ...LABEL_FIELDS,
      'f:endpointslice.kubernetes.io/managed-by': {},
      'f:kubernetes.io/service-name': {},
    },
    'f:ownerReferences': { '.': {}, 'k:{"uid":"d3b07384-d9a0-4c9b-8f0e-5a1e3c1f2b4d"}': {} },
  },
  'f:ports': {},
};
