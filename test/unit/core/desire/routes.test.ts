import { describe, expect, it } from 'vitest';
import { applyEvents, type ClusterEvent, createCluster, inputFor } from '../../../../src/core/cluster.ts';
import { desire } from '../../../../src/core/desire/desire.ts';
import type { ClusterObject } from '../../../../src/core/model/objects.ts';
import {
  complaintLines,
  endpoint,
  NOT_READY,
  OUR_NODE,
  pod,
  policy,
  service,
  slice,
} from '../../../helpers/objects.ts';
import {
  answerLines,
  cgroup,
  destinationRule,
  grant,
  labelled,
  manyNarrowed,
  narrowed,
  route,
} from '../../../helpers/route-objects.ts';

// Service web is the parent at 10.96.0.1:80 with endpoint 10.1.0.1; v1 has 10.1.1.1, v2 has 10.1.2.1, both at port 80.

const version = (name: string, third: number, fields: Parameters<typeof service>[0] = {}): readonly ClusterObject[] => [
  service({ name, clusterIPs: [`10.96.1.${third}`], ...fields }),
  slice([endpoint(`10.1.${third}.1`)], { name: `${name}-1`, service: name, namespace: fields?.namespace ?? 'shop' }),
];

const SHOP: readonly ClusterObject[] = [
  service(),
  slice([endpoint('10.1.0.1')]),
  ...version('v1', 1),
  ...version('v2', 2),
];

const OWN = '10.96.0.1:80 -> 10.1.0.1:8080=1';
const V1 = '10.96.0.1:80 -> 1 of shop/v1:80 (10.1.1.1:8080=1)';
const V2 = '10.96.0.1:80 -> 1 of shop/v2:80 (10.1.2.1:8080=1)';

interface Row {
  readonly rule: string;
  readonly objects: readonly ClusterObject[];
  readonly want: readonly string[];
  readonly complaints?: readonly string[];
}

const desired = (objects: readonly ClusterObject[], clients: readonly ClusterEvent[] = []) => {
  const cluster = createCluster();
  applyEvents(cluster, [...objects.map((object) => ({ type: 'put', object }) as const), ...clients]);
  const input = inputFor(cluster, 'shop/web');
  if (input === undefined) throw new Error('no shop/web');
  return desire({ ...input, node: OUR_NODE });
};

const check = ({ objects, want, complaints = [] }: Row, clients?: readonly ClusterEvent[]): void => {
  const { ports, complaints: said } = desired([...SHOP, ...objects], clients);
  expect(answerLines(ports)).toEqual(want);
  expect(complaintLines(said)).toEqual(complaints);
};

describe('a route shares the connections of its parent', () => {
  it.each<Row>([
    {
      rule: 'by the weights of its backends',
      objects: [
        route([
          { name: 'v1', weight: 95 },
          { name: 'v2', weight: 5 },
        ]),
      ],
      want: ['10.96.0.1:80 -> 95 of shop/v1:80 (10.1.1.1:8080=1), 5 of shop/v2:80 (10.1.2.1:8080=1)'],
    },
    {
      rule: 'and leaves out a backend of weight 0',
      objects: [route([{ name: 'v1' }, { name: 'v2', weight: 0 }])],
      want: [V1],
    },
    {
      rule: 'and adds up what names one backend twice',
      objects: [route([{ name: 'v1', weight: 2 }, { name: 'v2' }, { name: 'v1', weight: 3 }])],
      want: ['10.96.0.1:80 -> 5 of shop/v1:80 (10.1.1.1:8080=1), 1 of shop/v2:80 (10.1.2.1:8080=1)'],
    },
    {
      rule: 'and refuses all when all weights are 0',
      objects: [route([{ name: 'v1', weight: 0 }])],
      want: ['10.96.0.1:80 -> refused'],
      complaints: [
        'warning: TCPRoute shop/split spec.rules[0].backendRefs: ' +
          'every weight is 0: all connections of Service shop/web are refused',
      ],
    },
    {
      rule: 'and refuses all without any backend',
      objects: [route([])],
      want: ['10.96.0.1:80 -> refused'],
    },
    {
      rule: 'with itself: its own endpoints take part',
      objects: [route([{ name: 'web', weight: 3 }, { name: 'v2' }])],
      want: ['10.96.0.1:80 -> 1 of shop/v2:80 (10.1.2.1:8080=1), 3 of shop/web:80 (10.1.0.1:8080=1)'],
    },
    {
      rule: 'on the first level only: routes of a backend are not followed',
      objects: [route([{ name: 'v1' }]), route([{ name: 'v2' }], { name: 'second', parents: [{ name: 'v1' }] })],
      want: [V1],
    },
    {
      rule: 'with the endpoint weights and the algorithm of the backend in its share',
      objects: [
        slice([endpoint('10.1.2.1'), endpoint('10.1.2.2', { zone: 'z2' })], { name: 'v2-1', service: 'v2' }),
        policy([{ zone: 'z2', weight: 7 }], { services: ['v2'], algorithm: 'RoundRobin' }),
        route([{ name: 'v1' }, { name: 'v2' }]),
      ],
      want: [
        '10.96.0.1:80 -> 1 of shop/v1:80 (10.1.1.1:8080=1), ' +
          '1 of shop/v2:80 by RoundRobin (10.1.2.1:8080=1 10.1.2.2:8080=7)',
      ],
    },
    {
      rule: 'with a headless backend, which has endpoints too',
      objects: [service({ name: 'v1', headless: true, clusterIPs: [] }), route([{ name: 'v1' }])],
      want: [V1],
    },
    {
      rule: 'with a backend that another proxy serves: only its endpoints are asked for',
      objects: [service({ name: 'v1', proxyName: 'other' }), route([{ name: 'v1' }])],
      want: [V1],
    },
    {
      rule: 'with a backend that answers on its own node alone, as it would be asked itself',
      objects: [
        service({ name: 'v1', internalTrafficPolicy: 'Local' }),
        slice([endpoint('10.1.1.1', { node: 'node-b' }), endpoint('10.1.1.2', { node: 'node-a' })], {
          name: 'v1-1',
          service: 'v1',
        }),
        route([{ name: 'v1' }]),
      ],
      want: ['10.96.0.1:80 -> 1 of shop/v1:80 (10.1.1.2:8080=1)'],
    },
  ])('$rule', (row) => check(row));

  it('at all of its addresses alike, whatever its own internalTrafficPolicy', () => {
    check({
      rule: '',
      objects: [
        service({ internalTrafficPolicy: 'Local', type: 'LoadBalancer', loadBalancerIPs: ['203.0.113.1'] }),
        route([{ name: 'v1' }]),
      ],
      want: [V1, V1.replace('10.96.0.1', '203.0.113.1')],
    });
  });

  it('in the groups of one scope by one list, which planning writes once', () => {
    const { ports } = desired([
      ...SHOP,
      service({ type: 'LoadBalancer', loadBalancerIPs: ['203.0.113.1'] }),
      route([{ name: 'v1' }]),
    ]);
    const [cluster, external] = ports[0]?.groups ?? [];
    expect(cluster?.arms).toBeDefined();
    expect(external?.arms).toBe(cluster?.arms);
  });
});

describe('a backend that is not there keeps its share, which is refused', () => {
  const half = (id: string) => [`10.96.0.1:80 -> 1 of ${id} (refused), 1 of shop/v1:80 (10.1.1.1:8080=1)`];
  const said = (message: string) => [
    `warning: TCPRoute shop/split spec.rules[0].backendRefs[0]: ${message}: its share of Service shop/web is refused`,
  ];
  it.each<Row>([
    {
      rule: 'by its name',
      objects: [route([{ name: 'gone' }, { name: 'v1' }])],
      want: half('shop/gone:80'),
      complaints: said('there is no Service shop/gone'),
    },
    {
      rule: 'in another namespace without a ReferenceGrant',
      objects: [
        ...version('vault', 9, { namespace: 'bank' }),
        route([{ namespace: 'bank', name: 'vault' }, { name: 'v1' }]),
      ],
      want: half('bank/vault:80'),
      complaints: said('no ReferenceGrant in bank permits Service bank/vault'),
    },
    {
      rule: 'in another namespace whose grant is for another kind',
      objects: [
        ...version('vault', 9, { namespace: 'bank' }),
        grant({ from: [{ kind: 'HTTPRoute', namespace: 'shop' }] }),
        route([{ namespace: 'bank', name: 'vault' }, { name: 'v1' }]),
      ],
      want: half('bank/vault:80'),
      complaints: said('no ReferenceGrant in bank permits Service bank/vault'),
    },
    {
      rule: 'in another namespace whose grant is for another Service',
      objects: [
        ...version('vault', 9, { namespace: 'bank' }),
        grant({ services: ['till'] }),
        route([{ namespace: 'bank', name: 'vault' }, { name: 'v1' }]),
      ],
      want: half('bank/vault:80'),
      complaints: said('no ReferenceGrant in bank permits Service bank/vault'),
    },
    {
      rule: 'because it is no Service',
      objects: [route([{ name: 'v2', invalidKind: 'is a Bucket of example.com' }, { name: 'v1' }])],
      want: ['10.96.0.1:80 -> 1 of shop/v1:80 (10.1.1.1:8080=1), 1 of shop/v2:80? (refused)'],
      complaints: said('is a Bucket of example.com'),
    },
    {
      rule: 'by its port',
      objects: [route([{ name: 'v2', port: 81 }, { name: 'v1' }])],
      want: ['10.96.0.1:80 -> 1 of shop/v1:80 (10.1.1.1:8080=1), 1 of shop/v2:81 (refused)'],
      complaints: said('Service shop/v2 has no port 81'),
    },
    {
      rule: 'without a port',
      objects: [route([{ name: 'v2', port: undefined }, { name: 'v1' }])],
      want: ['10.96.0.1:80 -> 1 of shop/v1:80 (10.1.1.1:8080=1), 1 of shop/v2 (refused)'],
      complaints: said('Service shop/v2 is named without a port'),
    },
    {
      rule: 'under that protocol',
      objects: [
        service({ name: 'a2', ports: [{ name: 'http', protocol: 'UDP', port: 80 }] }),
        route([{ name: 'a2' }, { name: 'v1' }]),
      ],
      want: half('shop/a2:80'),
      complaints: said('port 80 of Service shop/a2 is not for TCP'),
    },
    {
      rule: 'because it is an ExternalName',
      objects: [service({ name: 'a2', type: 'ExternalName', clusterIPs: [] }), route([{ name: 'a2' }, { name: 'v1' }])],
      want: half('shop/a2:80'),
      complaints: said('Service shop/a2 is an ExternalName'),
    },
    {
      rule: 'as long as no endpoint of it is ready, of which nothing is said',
      objects: [
        slice([endpoint('10.1.2.1', NOT_READY)], { name: 'v2-1', service: 'v2' }),
        route([{ name: 'v1' }, { name: 'v2' }]),
      ],
      want: ['10.96.0.1:80 -> 1 of shop/v1:80 (10.1.1.1:8080=1), 1 of shop/v2:80 (refused)'],
    },
  ])('$rule', (row) => check(row));

  it('and answers once a ReferenceGrant permits it', () => {
    check({
      rule: '',
      objects: [
        ...version('vault', 9, { namespace: 'bank' }),
        grant({ services: ['vault'] }),
        route([{ namespace: 'bank', name: 'vault' }]),
      ],
      want: ['10.96.0.1:80 -> 1 of bank/vault:80 (10.1.9.1:8080=1)'],
    });
  });
});

describe('a route counts at the ports of its parent', () => {
  const PORTS = [
    { name: 'http', protocol: 'TCP', port: 80 },
    { name: 'dns', protocol: 'UDP', port: 53 },
    { name: 'admin', protocol: 'TCP', port: 81 },
  ] as const;
  const versions = (name: string, third: number) => [
    service({ name, ports: PORTS, clusterIPs: [`10.96.1.${third}`] }),
    slice([endpoint(`10.1.${third}.1`)], {
      name: `${name}-1`,
      service: name,
      ports: PORTS.map((port) => ({ ...port, port: port.port + 8000 })),
    }),
  ];
  const ALL = [
    service({ ports: PORTS }),
    slice([endpoint('10.1.0.1')], { ports: PORTS.map((port) => ({ ...port, port: port.port + 8000 })) }),
    ...versions('v1', 1),
  ];
  it.each<{ readonly rule: string; readonly objects: readonly ClusterObject[]; readonly routed: readonly number[] }>([
    { rule: 'every one of its protocol', objects: [route([{ name: 'v1' }])], routed: [80, 81] },
    { rule: 'of UDP for a UDPRoute', objects: [route([{ name: 'v1', port: 53 }], { kind: 'UDPRoute' })], routed: [53] },
    { rule: 'that has the number', objects: [route([{ name: 'v1' }], { parents: [{ port: 81 }] })], routed: [81] },
    {
      rule: 'that has the name',
      objects: [route([{ name: 'v1' }], { parents: [{ sectionName: 'http' }] })],
      routed: [80],
    },
    {
      rule: 'that several parentRefs name',
      objects: [route([{ name: 'v1' }], { parents: [{ port: 80 }, { port: 81 }] })],
      routed: [80, 81],
    },
    { rule: 'as an HTTPRoute', objects: [route([{ name: 'v1' }], { kind: 'HTTPRoute' })], routed: [80, 81] },
    { rule: 'as a GRPCRoute', objects: [route([{ name: 'v1' }], { kind: 'GRPCRoute' })], routed: [80, 81] },
  ])('$rule', ({ objects, routed }) => {
    const { ports, complaints } = desired([...ALL, ...objects]);
    expect(ports.filter(({ groups }) => groups[0]?.arms !== undefined).map(({ port }) => port)).toEqual(routed);
    expect(complaints).toEqual([]);
  });
});

describe('a route whose parent has addresses of both families', () => {
  const BOTH = service({ clusterIPs: ['10.96.0.1', 'fd00::1'] });
  const SIX = slice([endpoint('fd00:1::1')], { name: 'v1-6', service: 'v1', family: 6 });
  const gap = (index: number, name: string, whom = ''): string =>
    `warning: TCPRoute ${whom === '' ? 'shop' : 'bank'}/split spec.rules[0].backendRefs[${index}]: Service shop/${name} ` +
    `has IPv4 endpoints alone: its share of connections to the IPv6 address of Service shop/web is refused${whom}`;

  it.each<{ title: string; objects: readonly ClusterObject[]; says: readonly string[] }>([
    { title: 'one', objects: [route([{ name: 'v1' }, { name: 'v2' }])], says: [gap(1, 'v2')] },
    { title: 'none', objects: [route([{ name: 'v1' }])], says: [] },
    { title: 'one with weight 0', objects: [route([{ name: 'v1' }, { name: 'v2', weight: 0 }])], says: [] },
    {
      title: 'one without any endpoint',
      objects: [route([{ name: 'v1' }, { name: 'idle' }]), service({ name: 'idle', clusterIPs: ['10.96.1.9'] })],
      says: [],
    },
    {
      title: 'one of a consumer',
      objects: [
        route([{ name: 'v2' }], { namespace: 'bank' }),
        grant({ namespace: 'shop', from: [{ kind: 'TCPRoute', namespace: 'bank' }] }),
      ],
      says: [gap(0, 'v2', ', for clients in namespace bank alone')],
    },
  ])('says of backends that have endpoints of the other family alone: $title', ({ objects, says }) => {
    expect(complaintLines(desired([...SHOP, BOTH, SIX, ...objects]).complaints)).toEqual(says);
  });
});

describe('a route that does not count', () => {
  it.each<Row>([
    {
      rule: 'asks for what cannot be done with a stream',
      objects: [route([{ name: 'v1' }], { kind: 'HTTPRoute', unsupported: 'spec.rules[0].matches is not supported' })],
      want: [OWN],
      complaints: [
        'warning: HTTPRoute shop/split spec.parentRefs[0]: ' +
          'none of the route is in force, because of spec.rules[0].matches is not supported',
      ],
    },
    {
      rule: 'names a port that its parent does not have',
      objects: [route([{ name: 'v1' }], { parents: [{ port: 81 }] })],
      want: [OWN],
      complaints: ['warning: TCPRoute shop/split spec.parentRefs[0]: Service shop/web has no TCP port 81'],
    },
    {
      rule: 'names a port that is not of its protocol',
      objects: [route([{ name: 'v1' }], { kind: 'UDPRoute', parents: [{ sectionName: 'http' }] })],
      want: [OWN],
      complaints: ['warning: UDPRoute shop/split spec.parentRefs[0]: Service shop/web has no UDP port named http'],
    },
    {
      rule: 'is younger than another',
      objects: [
        route([{ name: 'v2' }], { name: 'a', createdAtMs: 2 }),
        route([{ name: 'v1' }], { name: 'b', createdAtMs: 1 }),
      ],
      want: [V1],
      complaints: ['warning: TCPRoute shop/a spec.parentRefs[0]: port 80 is left to TCPRoute shop/b: it is older'],
    },
    {
      rule: 'is as old as another and comes later by name',
      objects: [route([{ name: 'v2' }], { name: 'b' }), route([{ name: 'v1' }], { name: 'a' })],
      want: [V1],
      complaints: [
        'warning: TCPRoute shop/b spec.parentRefs[0]: ' +
          'port 80 is left to TCPRoute shop/a: it is as old and comes first by name',
      ],
    },
    {
      rule: 'is of a kind that gives way, though it is older',
      objects: [
        route([{ name: 'v2' }], { kind: 'TCPRoute', createdAtMs: 1 }),
        route([{ name: 'v1' }], { kind: 'HTTPRoute', createdAtMs: 2 }),
      ],
      want: [V1],
      complaints: [
        'warning: TCPRoute shop/split spec.parentRefs[0]: ' +
          'port 80 is left to HTTPRoute shop/split: HTTPRoute comes before TCPRoute',
      ],
    },
    {
      rule: 'gives way as an HTTPRoute to a GRPCRoute',
      objects: [
        route([{ name: 'v2' }], { kind: 'HTTPRoute', createdAtMs: 1 }),
        route([{ name: 'v1' }], { kind: 'GRPCRoute', createdAtMs: 2 }),
      ],
      want: [V1],
      complaints: [
        'warning: HTTPRoute shop/split spec.parentRefs[0]: ' +
          'port 80 is left to GRPCRoute shop/split: GRPCRoute comes before HTTPRoute',
      ],
    },
    {
      rule: 'gives way as a TCPRoute to a TLSRoute that asks for shares alone',
      objects: [
        route([{ name: 'v2' }], { kind: 'TCPRoute', createdAtMs: 1 }),
        route([{ name: 'v1' }], { kind: 'TLSRoute', createdAtMs: 2 }),
      ],
      want: [V1],
      complaints: [
        'warning: TCPRoute shop/split spec.parentRefs[0]: ' +
          'port 80 is left to TLSRoute shop/split: TLSRoute comes before TCPRoute',
      ],
    },
    {
      rule: 'has a headless parent',
      objects: [service({ headless: true, clusterIPs: [] }), route([{ name: 'v1' }])],
      want: [],
      complaints: [
        'note: Service shop/web spec.clusterIP: headless: clients connect to its endpoints directly, nothing to program',
        'warning: TCPRoute shop/split spec.parentRefs[0]: Service shop/web is headless: it has no address of its own',
      ],
    },
    {
      rule: 'has an ExternalName as its parent',
      objects: [service({ type: 'ExternalName', clusterIPs: [] }), route([{ name: 'v1' }])],
      want: [],
      complaints: [
        'note: Service shop/web spec.type: ExternalName is answered by DNS alone: nothing to program',
        'warning: TCPRoute shop/split spec.parentRefs[0]: Service shop/web is an ExternalName: it has no address of its own',
      ],
    },
  ])('$rule', (row) => check(row));
});

// Pods of this node: shop/canary (cgroup 1, track=canary), shop/plain (2), bank/teller (3, track=canary).

const PODS: readonly ClusterObject[] = [
  pod({ name: 'canary', labels: { track: 'canary' } }),
  pod({ name: 'plain' }),
  pod({ namespace: 'bank', name: 'teller', labels: { track: 'canary' } }),
];
const CLIENTS: readonly ClusterEvent[] = ['shop/canary', 'shop/plain', 'bank/teller'].map((name, index) => ({
  type: 'client',
  pod: name,
  client: cgroup(index + 1),
}));

describe('clients that are answered otherwise', () => {
  it.each<Row>([
    {
      rule: 'are those of the namespace of a consumer route',
      objects: [
        route([{ name: 'v1' }]),
        route([{ namespace: 'shop', name: 'v2' }], { namespace: 'bank' }),
        grant({ namespace: 'shop', from: [{ kind: 'TCPRoute', namespace: 'bank' }] }),
      ],
      want: [V1, `[3] ${V2}`],
    },
    {
      rule: 'are those that a policy narrows a route to; all others have the other route',
      objects: [
        route([{ name: 'v1' }]),
        route([{ name: 'v2' }], { name: 'ab', createdAtMs: 9 }),
        narrowed({ track: 'canary' }, { services: [], routes: [{ kind: 'TCPRoute', name: 'ab' }] }),
      ],
      want: [V1, `[3] ${V2}`, `[1] ${V2}`],
    },
    {
      rule: 'are those that a policy narrows a route to; all others have no route',
      objects: [
        route([{ name: 'v2' }]),
        narrowed({ track: 'canary' }, { services: [], routes: [{ kind: 'TCPRoute', name: 'split' }] }),
      ],
      want: [OWN, `[3] ${V2}`, `[1] ${V2}`],
    },
    {
      rule: 'are none of a narrowed route that nobody narrows',
      objects: [route([{ name: 'v2' }], { narrowed: true })],
      want: [OWN],
      complaints: [
        'warning: TCPRoute shop/split spec.parentRefs[0]: the route is for nobody: its annotation shunt.dev/narrowed asks for ' +
          'a TrafficPolicy that names its clients, and there is none',
      ],
    },
    {
      rule: 'are none while the policy that narrows the route cannot be read',
      objects: [
        route([{ name: 'v2' }]),
        narrowed({}, { services: [], routes: [{ kind: 'TCPRoute', name: 'split' }], standsIn: true }),
      ],
      want: [OWN],
      complaints: [
        'warning: TCPRoute shop/split spec.parentRefs[0]: the route is for nobody: TrafficPolicy shop/narrowed, which ' +
          'names its clients, could not be read yet',
      ],
    },
    {
      rule: 'are none of a route for nobody, which lets the next one count',
      objects: [
        route([{ name: 'v2' }], { narrowed: true, kind: 'GRPCRoute' }),
        route([{ name: 'v1' }], { name: 'other' }),
      ],
      want: [V1],
      complaints: [
        'warning: GRPCRoute shop/split spec.parentRefs[0]: the route is for nobody: its annotation shunt.dev/narrowed asks ' +
          'for a TrafficPolicy that names its clients, and there is none',
      ],
    },
    {
      rule: 'are those of both its namespace and its labels for a consumer route that is narrowed',
      objects: [
        route([{ namespace: 'bank', name: 'vault' }], { namespace: 'bank' }),
        ...version('vault', 9, { namespace: 'bank' }),
        narrowed(
          { track: 'canary' },
          { namespace: 'bank', services: [], routes: [{ kind: 'TCPRoute', name: 'split' }] },
        ),
      ],
      want: [OWN, '[3] 10.96.0.1:80 -> 1 of bank/vault:80 (10.1.9.1:8080=1)'],
    },
    {
      rule: 'have a consumer route before a producer route that is narrowed to them',
      objects: [
        route([{ namespace: 'bank', name: 'vault' }], { namespace: 'bank', kind: 'TCPRoute', createdAtMs: 9 }),
        ...version('vault', 9, { namespace: 'bank' }),
        route([{ name: 'v2' }], { kind: 'GRPCRoute' }),
        narrowed({ track: 'canary' }, { services: [], routes: [{ kind: 'GRPCRoute', name: 'split' }] }),
      ],
      want: [OWN, `[1] ${V2}`, '[3] 10.96.0.1:80 -> 1 of bank/vault:80 (10.1.9.1:8080=1)'],
    },
    {
      rule: 'have weights of their own by a policy that is for them',
      objects: [
        slice([endpoint('10.1.0.1'), endpoint('10.1.0.2', { zone: 'z2' })]),
        narrowed({ track: 'canary' }, { endpointWeights: [{ zone: 'z2', weight: 0 }] }),
        policy([{ zone: 'z2', weight: 3 }]),
      ],
      want: [
        '10.96.0.1:80 -> 10.1.0.1:8080=1 10.1.0.2:8080=3',
        '[3] 10.96.0.1:80 -> 10.1.0.1:8080=1',
        '[1] 10.96.0.1:80 -> 10.1.0.1:8080=1',
      ],
    },
    {
      rule: 'have the weights of everybody where the policy that is for them says nothing of weights: a drain stays',
      objects: [
        slice([endpoint('10.1.0.1'), endpoint('10.1.0.2', { zone: 'z2' })]),
        narrowed({ track: 'canary' }, { algorithm: 'RoundRobin' }),
        policy([{ zone: 'z2', weight: 0 }]),
      ],
      want: [
        OWN,
        '[3] 10.96.0.1:80 -> 1 of shop/web:80@narrowed by RoundRobin (10.1.0.1:8080=1)',
        '[1] 10.96.0.1:80 -> 1 of shop/web:80@narrowed by RoundRobin (10.1.0.1:8080=1)',
      ],
    },
    {
      rule: 'have the algorithm of everybody where the policy that is for them says nothing of it',
      objects: [
        slice([endpoint('10.1.0.1'), endpoint('10.1.0.2', { zone: 'z2' })]),
        narrowed({ track: 'canary' }, { endpointWeights: [{ zone: 'z2', weight: 3 }] }),
        policy([{ weight: 2 }], { algorithm: 'RoundRobin' }),
      ],
      want: [
        '10.96.0.1:80 -> 10.1.0.1:8080=2 10.1.0.2:8080=2',
        '[3] 10.96.0.1:80 -> 1 of shop/web:80@narrowed by RoundRobin (10.1.0.1:8080=1 10.1.0.2:8080=3)',
        '[1] 10.96.0.1:80 -> 1 of shop/web:80@narrowed by RoundRobin (10.1.0.1:8080=1 10.1.0.2:8080=3)',
      ],
    },
    {
      rule: 'have what a DestinationRule says where the policy that is for them leaves it unsaid',
      objects: [
        narrowed({ track: 'canary' }, { endpointWeights: [{ weight: 3 }] }),
        destinationRule({ algorithm: 'LeastConnections' }),
      ],
      want: [OWN, ...['[3]', '[1]'].map((client) => `${client} ${OWN.replace('=1', '=3')}`)],
    },
    {
      rule: 'have the drain of everybody behind a route as well',
      objects: [
        slice([endpoint('10.1.2.1'), endpoint('10.1.2.2', { zone: 'z2' })], { name: 'v2-1', service: 'v2' }),
        route([{ name: 'v2' }]),
        narrowed({ track: 'canary' }, { services: ['v2'], algorithm: 'RoundRobin' }),
        policy([{ zone: 'z2', weight: 0 }], { services: ['v2'] }),
      ],
      want: [
        V2,
        ...['[3]', '[1]'].map(
          (client) => `${client} 10.96.0.1:80 -> 1 of shop/v2:80@narrowed by RoundRobin (10.1.2.1:8080=1)`,
        ),
      ],
    },
    {
      rule: 'are none of a policy that says nothing',
      objects: [narrowed({ track: 'canary' }), policy([{ weight: 2 }])],
      want: [OWN.replace('=1', '=2')],
    },
    {
      rule: 'have one arm when they are chosen for in another way',
      objects: [narrowed({ track: 'canary' }, { algorithm: 'Maglev' })],
      want: [
        OWN,
        '[3] 10.96.0.1:80 -> 1 of shop/web:80@narrowed by Maglev (10.1.0.1:8080=1)',
        '[1] 10.96.0.1:80 -> 1 of shop/web:80@narrowed by Maglev (10.1.0.1:8080=1)',
      ],
    },
    {
      rule: 'have one arm when they take turns, also where everybody does',
      objects: [policy([], { algorithm: 'RoundRobin' }), narrowed({ track: 'canary' }, { algorithm: 'RoundRobin' })],
      want: [
        OWN,
        '[3] 10.96.0.1:80 -> 1 of shop/web:80@narrowed by RoundRobin (10.1.0.1:8080=1)',
        '[1] 10.96.0.1:80 -> 1 of shop/web:80@narrowed by RoundRobin (10.1.0.1:8080=1)',
      ],
    },
    {
      rule: 'have an arm of another name when a policy of its Service is for them',
      objects: [
        route([{ name: 'v1' }, { name: 'v2' }]),
        narrowed({ track: 'canary' }, { services: ['v1'], algorithm: 'RoundRobin' }),
      ],
      want: [
        '10.96.0.1:80 -> 1 of shop/v1:80 (10.1.1.1:8080=1), 1 of shop/v2:80 (10.1.2.1:8080=1)',
        ...['[3]', '[1]'].map(
          (client) =>
            `${client} 10.96.0.1:80 -> 1 of shop/v1:80@narrowed by RoundRobin (10.1.1.1:8080=1), 1 of shop/v2:80 (10.1.2.1:8080=1)`,
        ),
      ],
    },
    {
      rule: 'are none of those that no label and no namespace sets apart',
      objects: [narrowed({ track: 'none' }), route([{ name: 'v2' }], { namespace: 'other' })],
      want: [OWN],
      complaints: [
        'warning: TCPRoute other/split spec.rules[0].backendRefs[0]: ' +
          'no ReferenceGrant in shop permits Service shop/v2: its share of Service shop/web is refused, for clients in namespace other alone',
      ],
    },
  ])('$rule', (row) => check({ ...row, objects: [...PODS, ...row.objects] }, CLIENTS));

  it('share what they have in common, and a number that nothing else at the port has', () => {
    const { ports } = desired(
      [...SHOP, ...PODS, narrowed({ track: 'canary' }, { endpointWeights: [{ pod: '*', weight: 2 }] })],
      CLIENTS,
    );
    const [everybody, one, other] = ports[0]?.groups ?? [];
    expect(everybody).not.toHaveProperty('variant');
    expect(one?.endpoints).toBe(other?.endpoints);
    expect(one?.endpoints).not.toBe(everybody?.endpoints);
    expect(one?.variant).toBe(other?.variant);
    expect(one?.variant).toBeGreaterThan(0);
    expect(one?.variant).toBeLessThan(2 ** 15);
  });

  it('stand under the same number whoever comes first, and after a restart', () => {
    const objects = [
      ...SHOP,
      ...PODS,
      narrowed({ track: 'canary' }, { algorithm: 'RoundRobin' }),
      ...[route([{ name: 'v2' }], { namespace: 'bank' })],
    ];
    const numbers = (clients: readonly ClusterEvent[]) =>
      desired(objects, clients).ports[0]?.groups.map(({ client, variant }) => `${client?.cgroup} ${variant}`);
    expect(numbers(CLIENTS)).toEqual(numbers(CLIENTS.toReversed()));
    expect(new Set(numbers(CLIENTS)).size).toBe(3);
  });

  it('are nobody while the cgroup of their Pod is not known', () => {
    check({ rule: '', objects: [...PODS, narrowed({ track: 'canary' }, { algorithm: 'Maglev' })], want: [OWN] });
  });
});

describe('of several policies of a Service', () => {
  const two = slice([endpoint('10.1.0.1'), endpoint('10.1.0.2', { zone: 'z2' })]);
  const weighing = (weight: number) => ({ endpointWeights: [{ zone: 'z2', weight }] });
  const shares = (weight: number, client = '') => `${client}10.96.0.1:80 -> 10.1.0.1:8080=1 10.1.0.2:8080=${weight}`;
  it.each<Row>([
    {
      rule: 'a TrafficPolicy counts before a DestinationRule that is older',
      objects: [policy([], { createdAtMs: 9, ...weighing(2) }), destinationRule(weighing(3))],
      want: [shares(2)],
      complaints: [
        'note: DestinationRule shop/rule spec.host: ' +
          'ignored for Service shop/web: TrafficPolicy shop/weights is a TrafficPolicy and governs it alone',
      ],
    },
    {
      rule: 'a DestinationRule counts for those whom no TrafficPolicy is for',
      objects: [narrowed({ track: 'canary' }, weighing(2)), destinationRule(weighing(3))],
      want: [shares(3), shares(2, '[3] '), shares(2, '[1] ')],
    },
    {
      rule: 'the older of two for the same clients counts',
      objects: [
        narrowed({ track: 'canary' }, { name: 'a', createdAtMs: 2, ...weighing(2) }),
        narrowed({ track: 'canary' }, { name: 'b', createdAtMs: 1, ...weighing(3) }),
      ],
      want: [shares(1), shares(3, '[3] '), shares(3, '[1] ')],
      complaints: [
        'warning: TrafficPolicy shop/a spec.targetRefs: ' +
          'ignored for Service shop/web: TrafficPolicy shop/b is older and governs it alone',
      ],
    },
    {
      rule: 'the older of two counts where their clients meet',
      objects: [
        narrowed({}, { name: 'a', createdAtMs: 2, ...weighing(2) }),
        narrowed({ track: 'canary' }, { name: 'b', createdAtMs: 1, ...weighing(3) }),
      ],
      want: [shares(1), shares(2, '[2] '), shares(3, '[3] '), shares(3, '[1] ')],
    },
    {
      rule: 'a DestinationRule that asks for nothing that is honoured gives way to a younger one that does',
      objects: [
        destinationRule({ name: 'old', createdAtMs: 1, ignored: ['spec.trafficPolicy.tls'] }),
        destinationRule({ name: 'young', createdAtMs: 2, ...weighing(3) }),
      ],
      want: [shares(3)],
      complaints: [
        'note: DestinationRule shop/old spec.host: ignored for Service shop/web: ' +
          'DestinationRule shop/young asks for what is honoured, and this one does not',
      ],
    },
    {
      rule: 'one that is for some clients is covered by an older one that is for all Pods',
      objects: [
        narrowed({}, { name: 'a', createdAtMs: 1, ...weighing(2) }),
        narrowed({ track: 'canary' }, { name: 'b', createdAtMs: 2, ...weighing(3) }),
      ],
      want: [shares(1), shares(2, '[3] '), shares(2, '[1] '), shares(2, '[2] ')],
      complaints: [
        'warning: TrafficPolicy shop/b spec.targetRefs: ' +
          'ignored for Service shop/web: TrafficPolicy shop/a is older and governs it alone',
      ],
    },
    {
      rule: 'what a DestinationRule asks for in vain is said',
      objects: [destinationRule({ ...weighing(3), ignored: ['spec.trafficPolicy.connectionPool'] })],
      want: [shares(3)],
      complaints: [
        'note: DestinationRule shop/rule spec.trafficPolicy.connectionPool: is not honoured for Service shop/web',
      ],
    },
  ])('$rule', (row) => check({ ...row, objects: [two, ...PODS, ...row.objects] }, CLIENTS));
});

it('each of a thousand policies of one Service is held against the others once, not against each', () => {
  const { policies, reads } = manyNarrowed({ algorithm: 'Maglev' });
  expect(desire({ service: service(), slices: [slice([endpoint('10.1.0.1')])], policies, node: OUR_NODE })).toEqual(
    expect.objectContaining({ complaints: [] }),
  );
  expect(reads()).toBeGreaterThan(0);
  expect(reads()).toBeLessThanOrEqual(2 * policies.length);
});

describe('a selector of clients', () => {
  it.each([
    ['matches labels', labelled({ track: 'canary' }), ['3', '1']],
    ['matches every Pod when it is empty', labelled({}), ['3', '1', '2']],
    ['In', expression('In', ['canary', 'beta']), ['3', '1']],
    ['NotIn, also without the label', expression('NotIn', ['canary']), ['2']],
    ['Exists', expression('Exists', []), ['3', '1']],
    ['DoesNotExist', expression('DoesNotExist', []), ['2']],
    ['needs all of its parts', { ...expression('Exists', []), matchLabels: { track: 'beta' } }, []],
  ])('%s', (_, clients, wanted) => {
    const { ports } = desired([...SHOP, ...PODS, policy([{ pod: '*', weight: 2 }], { clients })], CLIENTS);
    expect(ports[0]?.groups.flatMap(({ client }) => (client === undefined ? [] : [String(client.cgroup)]))).toEqual(
      wanted,
    );
  });

  function expression(operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist', values: readonly string[]) {
    return { matchLabels: {}, matchExpressions: [{ key: 'track', operator, values }] };
  }
});
