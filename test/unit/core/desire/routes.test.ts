import { describe, expect, it } from 'vitest';
import type { ClusterObject } from '../../../../src/core/model/objects.ts';
import { complaintLines, endpoint, NOT_READY, policy, service, slice } from '../../../helpers/objects.ts';
import { grant, route } from '../../../helpers/route-objects.ts';
import { check, desired, OWN, type Row, SHOP, V1, version } from './shop.ts';

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
