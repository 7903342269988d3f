import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import {
  type Algorithm,
  type EndpointObject,
  type EndpointSliceObject,
  type HashOn,
  NO_HINTS,
  type ServiceObject,
  type TrafficPolicyObject,
} from '../src/core/model/objects.ts';

/** One Service with one port, the shape that all contenders are given. */
export interface GeneratedService {
  readonly namespace: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly endpoints: readonly { readonly address: string; readonly port: number }[];
}

export interface ClusterSize {
  readonly services: number;
  readonly endpointsPerService: number;
  /** The first endpoint's address; the others follow it one by one. */
  readonly firstEndpoint?: string;
}

/** As the slice controller: at most this many endpoints in one EndpointSlice. */
const ENDPOINTS_PER_SLICE_MAX = 100;
const NAMESPACES = 50;
const NODES = 500;
const ZONES = ['europe-west1-b', 'europe-west1-c', 'europe-west1-d'];
const OBJECTS_PER_FILE = 500;
const CREATED_AT_MS = Date.UTC(2026, 0, 1);

/** The same size gives the same Services, always. */
export const generateServices = (size: ClusterSize): GeneratedService[] => {
  const firstService = addressNumber('10.96.0.1');
  const firstEndpoint = addressNumber(size.firstEndpoint ?? '10.128.0.1');
  return Array.from({ length: size.services }, (_, service) => ({
    namespace: `team-${String(service % NAMESPACES).padStart(2, '0')}`,
    name: `service-${String(service).padStart(5, '0')}`,
    address: addressText(firstService + service),
    port: 80,
    endpoints: Array.from({ length: size.endpointsPerService }, (_, endpoint) => ({
      address: addressText(firstEndpoint + service * size.endpointsPerService + endpoint),
      port: 8080,
    })),
  }));
};

/** As they are after reading. */
export const serviceObject = (service: GeneratedService): ServiceObject => ({
  kind: 'Service',
  namespace: service.namespace,
  name: service.name,
  createdAtMs: CREATED_AT_MS,
  type: 'ClusterIP',
  headless: false,
  proxyName: undefined,
  clusterIPs: [service.address],
  externalIPs: [],
  loadBalancerIPs: [],
  sourceRanges: false,
  ports: [{ name: 'http', protocol: 'TCP', port: service.port, nodePort: 0 }],
  affinityTimeoutS: 0,
  internalTrafficPolicy: 'Cluster',
  publishNotReadyAddresses: false,
});

/** As they are after reading. All endpoints of a Service have the port of its first one. */
export const sliceObjects = (service: GeneratedService): EndpointSliceObject[] => {
  const slices = Math.ceil(service.endpoints.length / ENDPOINTS_PER_SLICE_MAX);
  return Array.from({ length: slices }, (_, slice) => {
    const first = slice * ENDPOINTS_PER_SLICE_MAX;
    const endpoints = service.endpoints.slice(first, first + ENDPOINTS_PER_SLICE_MAX);
    return {
      kind: 'EndpointSlice',
      namespace: service.namespace,
      name: `${service.name}-${hashText(slice)}`,
      service: service.name,
      family: 4,
      ports: [{ name: 'http', protocol: 'TCP', port: endpoints[0]?.port ?? 0 }],
      endpoints: endpoints.map(({ address }, index) => endpointObject(service.name, address, first + index)),
      triggeredAtMs: CREATED_AT_MS,
    };
  });
};

/** Has the endpoints of this Service chosen so. */
export const policyObject = (
  service: GeneratedService,
  algorithm: Algorithm,
  hashOn: HashOn = 'Pod',
): TrafficPolicyObject => ({
  kind: 'TrafficPolicy',
  namespace: service.namespace,
  name: service.name,
  createdAtMs: CREATED_AT_MS,
  generation: 1,
  services: [service.name],
  routes: [],
  algorithm,
  hashOn,
  endpointWeights: [],
  slowStartMs: 0,
  clients: undefined,
  ignored: [],
});

/** As an API server would list them. */
export const serviceManifest = (service: ServiceObject): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: service.name,
    namespace: service.namespace,
    creationTimestamp: new Date(service.createdAtMs).toISOString(),
    labels: { app: service.name },
  },
  spec: {
    type: service.type,
    clusterIP: service.clusterIPs[0],
    clusterIPs: service.clusterIPs,
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'SingleStack',
    internalTrafficPolicy: service.internalTrafficPolicy,
    sessionAffinity: 'None',
    selector: { app: service.name },
    ports: service.ports.map((port) => ({ ...port, targetPort: 'http' })),
  },
});

export const sliceManifest = (slice: EndpointSliceObject): object => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    name: slice.name,
    namespace: slice.namespace,
    annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': new Date(slice.triggeredAtMs).toISOString() },
    labels: {
      'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      'kubernetes.io/service-name': slice.service,
    },
  },
  addressType: 'IPv4',
  ports: slice.ports,
  endpoints: slice.endpoints.map((endpoint) => ({
    addresses: [endpoint.address],
    conditions: { ready: endpoint.ready, serving: endpoint.serving, terminating: endpoint.terminating },
    nodeName: endpoint.node,
    zone: endpoint.zone,
    targetRef: { kind: 'Pod', namespace: slice.namespace, name: endpoint.pod },
  })),
});

/** Writes the objects as `List` files below `directory`, as a source of the agent reads them. Returns the file names. */
export const writeManifests = async (
  directory: string,
  services: readonly GeneratedService[],
  format: 'json' | 'yaml',
): Promise<string[]> => {
  await mkdir(directory, { recursive: true });
  const files: string[] = [];
  for (let first = 0; first < services.length; first += OBJECTS_PER_FILE) {
    const items = services.slice(first, first + OBJECTS_PER_FILE).flatMap(manifestsOf);
    const list = { apiVersion: 'v1', kind: 'List', items };
    const file = join(directory, `services-${String(first).padStart(5, '0')}.${format}`);
    await writeFile(file, format === 'json' ? JSON.stringify(list) : stringify(list));
    files.push(file);
  }
  return files;
};

const manifestsOf = (service: GeneratedService): object[] => [
  serviceManifest(serviceObject(service)),
  ...sliceObjects(service).map(sliceManifest),
];

const endpointObject = (service: string, address: string, index: number): EndpointObject => {
  const number = addressNumber(address);
  return {
    address,
    ready: true,
    serving: true,
    terminating: false,
    node: `node-${String(number % NODES).padStart(4, '0')}`,
    zone: ZONES[(number % NODES) % ZONES.length] ?? '',
    hints: NO_HINTS,
    pod: `${service}-7d9f8b6c54-${hashText(index)}`,
  };
};

/** Five characters, as Kubernetes appends to generated names. */
const hashText = (index: number): string =>
  (Math.imul(index + 1, 0x9e3779b1) >>> 0).toString(36).padStart(5, '0').slice(-5);

const addressNumber = (text: string): number => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

const addressText = (number: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      services: { type: 'string', default: '10000' },
      endpoints: { type: 'string', default: '10' },
      format: { type: 'string', default: 'json' },
    },
  });
  const [directory] = positionals;
  if (directory === undefined || (values.format !== 'json' && values.format !== 'yaml')) {
    process.stderr.write(
      'usage: generate.ts DIRECTORY [--services N] [--endpoints PER-SERVICE] [--format json|yaml]\n',
    );
    process.exit(2);
  }
  const services = generateServices({
    services: Number(values.services),
    endpointsPerService: Number(values.endpoints),
  });
  const files = await writeManifests(directory, services, values.format);
  process.stdout.write(`${services.length} Services in ${files.length} files below ${directory}\n`);
}
