import type { Pod } from '../../src/demo/pod.ts';
import { NODE_NAME } from '../agent.ts';

/** Objects as the Kubernetes API has them: Services of which each shows its clients another end. */

export const NAMESPACE = 'truth';
/** The server answers here, nobody listens at the next one, and what comes to the one after that is lost. */
export const SERVER_PORT = 8080;
const CLOSED = SERVER_PORT + 1;
const SILENT = SERVER_PORT + 2;

export interface TruthService {
  readonly name: string;
  readonly addresses: readonly [string, string];
  readonly protocol: 'TCP' | 'UDP';
  readonly targetPort: number;
  /** Numbers of servers. */
  readonly servers: readonly number[];
}

const service = (
  number: number,
  name: string,
  servers: readonly number[],
  targetPort = SERVER_PORT,
  protocol: TruthService['protocol'] = 'TCP',
): TruthService => ({
  name,
  addresses: [`10.96.1.${number}`, `fd00:10:96::1:${number}`],
  protocol,
  targetPort,
  servers,
});

/** Nobody has its addresses. */
export const NOWHERE = { number: 9, address4: '192.0.2.9', address6: '2001:db8::9' } as const;
export const SERVICE_PORT = 80;

export const SERVICES = {
  web: service(1, 'web', [1, 2, 3]),
  api: service(2, 'api', [1]),
  canary: service(3, 'api-canary', [2]),
  closed: service(4, 'closed', [1], CLOSED),
  silent: service(5, 'silent', [2], SILENT),
  nowhere: service(6, 'nowhere', [NOWHERE.number]),
  empty: service(7, 'empty', []),
  names: service(8, 'names', [1, 2], SERVER_PORT, 'UDP'),
  kept: service(9, 'kept', [3]),
} as const;

/** `servers` in the order of their numbers, from 1. */
export const serviceManifests = (servers: readonly Pod[]): readonly object[] => {
  const places = new Map<number, Pick<Pod, 'address4' | 'address6'>>([
    ...servers.map((pod, index) => [index + 1, pod] as const),
    [NOWHERE.number, NOWHERE],
  ]);
  return Object.values(SERVICES).flatMap((each) => [
    serviceManifest(each),
    ...([4, 6] as const).map((family) => sliceManifest(each, family, places)),
  ]);
};

const serviceManifest = ({ name, addresses, protocol }: TruthService): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: NAMESPACE },
  spec: {
    type: 'ClusterIP',
    clusterIP: addresses[0],
    clusterIPs: addresses,
    ipFamilies: ['IPv4', 'IPv6'],
    ipFamilyPolicy: 'RequireDualStack',
    ports: [{ name: 'main', protocol, port: SERVICE_PORT }],
  },
});

const sliceManifest = (
  { name, protocol, targetPort, servers }: TruthService,
  family: 4 | 6,
  places: ReadonlyMap<number, Pick<Pod, 'address4' | 'address6'>>,
): object => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: `${name}-${family}`, namespace: NAMESPACE, labels: { 'kubernetes.io/service-name': name } },
  addressType: `IPv${family}`,
  ports: [{ name: 'main', protocol, port: targetPort }],
  endpoints: servers.map((number) => ({
    addresses: [places.get(number)?.[`address${family}`]],
    conditions: { ready: true, serving: true, terminating: false },
    targetRef: { kind: 'Pod', name: `server-${number}`, namespace: NAMESPACE },
  })),
});

/** Weights by Pod, shares by a route one of whose backends does not exist, and connections socket to socket. */
export const trafficManifests = (): readonly object[] => [
  policyManifest(SERVICES.web.name, {
    endpointWeights: [5, 3, 2].map((weight, index) => ({ pod: `server-${index + 1}`, weight })),
  }),
  policyManifest(SERVICES.kept.name, { sameNode: 'Redirect' }),
  {
    apiVersion: 'gateway.networking.k8s.io/v1alpha2',
    kind: 'TCPRoute',
    metadata: { name: 'api', namespace: NAMESPACE },
    spec: {
      parentRefs: [{ group: '', kind: 'Service', name: SERVICES.api.name, port: SERVICE_PORT }],
      rules: [
        {
          backendRefs: [
            { name: SERVICES.api.name, port: SERVICE_PORT, weight: 6 },
            { name: SERVICES.canary.name, port: SERVICE_PORT, weight: 3 },
            { name: 'missing', port: SERVICE_PORT, weight: 1 },
          ],
        },
      ],
    },
  },
];

const policyManifest = (name: string, spec: object): object => ({
  apiVersion: 'shunt.dev/v1alpha1',
  kind: 'TrafficPolicy',
  metadata: { name, namespace: NAMESPACE },
  spec: { targetRefs: [{ group: '', kind: 'Service', name }], ...spec },
});

/** A Pod of a workload, whose cgroup is known by `uid`. */
export const podManifest = (
  pod: Pod,
  uid: string,
  owner?: { readonly kind: string; readonly name: string },
): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: pod.name,
    namespace: NAMESPACE,
    uid,
    ...(owner === undefined ? {} : { ownerReferences: [{ ...owner, controller: true }] }),
  },
  spec: { nodeName: NODE_NAME },
  status: { phase: 'Running', podIPs: [{ ip: pod.address4 }, { ip: pod.address6 }] },
});

/** Services that nobody asks, so many that the tables have to grow. */
export const moreManifests = (count: number): readonly object[] =>
  Array.from({ length: count }, (_, index) => {
    const address = `10.97.${Math.floor(index / 250)}.${(index % 250) + 1}`;
    return {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: `more-${index}`, namespace: NAMESPACE },
      spec: { type: 'ClusterIP', clusterIP: address, clusterIPs: [address], ports: [{ port: 80, protocol: 'TCP' }] },
    };
  });
