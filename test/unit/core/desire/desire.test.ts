import { describe, expect, it } from 'vitest';
import { desire } from '../../../../src/core/desire/desire.ts';
import type { LocalNode } from '../../../../src/core/desire/node.ts';
import type { EndpointSliceObject, ServiceObject, TrafficPolicyObject } from '../../../../src/core/model/objects.ts';
import {
  complaintLines,
  desiredLines,
  endpoint,
  GONE_SILENT,
  NOT_READY,
  OUR_NODE,
  policy,
  SERVES_WHILE_TERMINATING,
  service,
  slice,
} from '../../../helpers/objects.ts';

// Services are 10.96.0.0/16 and fd00:96::/32, endpoints 10.1.0.0/16 and fd00:1::/32; the node is node-a.

interface Row {
  readonly rule: string;
  readonly service?: ServiceObject;
  readonly slices?: readonly EndpointSliceObject[];
  readonly policies?: readonly TrafficPolicyObject[];
  readonly node?: Partial<LocalNode>;
  readonly want: readonly string[];
  readonly complaints?: readonly string[];
}

const check = ({
  service: object = service(),
  slices = [],
  policies = [],
  node = OUR_NODE,
  want,
  complaints = [],
}: Row) => {
  const desired = desire({ service: object, slices, policies, node: { ...OUR_NODE, ...node } });
  expect(desiredLines(desired.ports)).toEqual(want);
  expect(complaintLines(desired.complaints)).toEqual(complaints);
};

describe('a Service that is not programmed, with a note', () => {
  const slices = [slice([endpoint('10.1.0.1')])];
  it.each<Row>([
    {
      rule: 'is headless: its clients find the endpoints through DNS',
      service: service({ headless: true, clusterIPs: [] }),
      want: [],
      complaints: [
        'note: Service shop/web spec.clusterIP: headless: clients connect to its endpoints directly, nothing to program',
      ],
    },
    {
      rule: 'is labelled headless, even with an address',
      service: service({ headless: true }),
      want: [],
      complaints: [
        'note: Service shop/web spec.clusterIP: headless: clients connect to its endpoints directly, nothing to program',
      ],
    },
    {
      rule: 'is an ExternalName',
      service: service({ type: 'ExternalName', clusterIPs: [] }),
      want: [],
      complaints: ['note: Service shop/web spec.type: ExternalName is answered by DNS alone: nothing to program'],
    },
    {
      rule: "is another proxy's by its label",
      service: service({ proxyName: 'other' }),
      want: [],
      complaints: [
        'note: Service shop/web metadata.labels[service.kubernetes.io/service-proxy-name]: ' +
          'left to the proxy named other: we serve Services without this label',
      ],
    },
    {
      rule: 'has the label of another proxy with no name in it',
      service: service({ proxyName: '' }),
      want: [],
      complaints: [
        'note: Service shop/web metadata.labels[service.kubernetes.io/service-proxy-name]: ' +
          'left to a proxy without a name: we serve Services without this label',
      ],
    },
    {
      rule: 'has no label while we serve only those with our name',
      node: { name: 'node-a', proxyName: 'shunt', externalIPs: false },
      want: [],
      complaints: [
        'note: Service shop/web metadata.labels[service.kubernetes.io/service-proxy-name]: ' +
          'left to the default proxy: we serve only those labelled shunt',
      ],
    },
    {
      rule: 'has not been given an address yet',
      service: service({ clusterIPs: [] }),
      want: [],
      complaints: ['note: Service shop/web spec.clusterIPs: has no address yet: nothing to program'],
    },
  ])('$rule', (row) => check({ slices, ...row }));
});

describe('a Service port', () => {
  it.each<Row>([
    {
      rule: 'is programmed under every type that has a cluster address',
      service: service({ type: 'LoadBalancer' }),
      slices: [slice([endpoint('10.1.0.1')])],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.1:8080=1'],
    },
    {
      rule: 'labelled with our name is programmed when we serve only that name',
      service: service({ proxyName: 'shunt' }),
      node: { name: 'node-a', proxyName: 'shunt', externalIPs: false },
      slices: [slice([endpoint('10.1.0.1')])],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.1:8080=1'],
    },
    {
      rule: 'without any slice refuses',
      want: ['shop/web/http/TCP 10.96.0.1:80 -> refused'],
    },
    {
      rule: 'without a name takes the slice port without a name',
      service: service({ ports: [{ name: '', protocol: 'TCP', port: 443 }] }),
      slices: [slice([endpoint('10.1.0.1')], { ports: [{ name: '', protocol: 'TCP', port: 8443 }] })],
      want: ['shop/web//TCP 10.96.0.1:443 -> 10.1.0.1:8443=1'],
    },
    {
      rule: 'takes the number that the slice gives to its name, different from slice to slice',
      slices: [
        slice([endpoint('10.1.0.1')], { name: 'web-1', ports: [{ name: 'http', protocol: 'TCP', port: 8080 }] }),
        slice([endpoint('10.1.0.2')], { name: 'web-2', ports: [{ name: 'http', protocol: 'TCP', port: 9090 }] }),
      ],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.1:8080=1 10.1.0.2:9090=1'],
    },
    {
      rule: 'gets nothing from a slice that has no port of its name',
      slices: [
        slice([endpoint('10.1.0.1')], { name: 'web-1' }),
        slice([endpoint('10.1.0.2')], { name: 'web-2', ports: [{ name: 'admin', protocol: 'TCP', port: 8080 }] }),
        slice([endpoint('10.1.0.3')], { name: 'web-3', ports: [] }),
      ],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.1:8080=1'],
      complaints: [
        'warning: EndpointSlice shop/web-2 ports: ' +
          'has admin/TCP, while Service shop/web has http/TCP: no endpoint is used',
        'warning: EndpointSlice shop/web-3 ports: ' +
          'has no port, while Service shop/web has http/TCP: no endpoint is used',
      ],
    },
    {
      rule: 'says nothing of a slice that has no endpoint to offer, whatever its ports',
      slices: [slice([], { ports: [] })],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> refused'],
    },
    {
      rule: 'says how the names differ where the Service port has none',
      service: service({ ports: [{ name: '', protocol: 'TCP', port: 80 }] }),
      slices: [slice([endpoint('10.1.0.1')])],
      want: ['shop/web//TCP 10.96.0.1:80 -> refused'],
      complaints: [
        'warning: EndpointSlice shop/web-1 ports: ' +
          'has http/TCP, while Service shop/web has an unnamed TCP port: no endpoint is used',
      ],
    },
    {
      rule: 'says nothing of a slice that fits one of several ports',
      service: service({
        ports: [
          { name: 'http', protocol: 'TCP', port: 80 },
          { name: 'sig', protocol: 'SCTP', port: 3868 },
        ],
      }),
      slices: [
        slice([endpoint('10.1.0.1')]),
        slice([endpoint('10.1.0.2')], { name: 'web-2', ports: [{ name: 'sig', protocol: 'SCTP', port: 3868 }] }),
      ],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.1:8080=1'],
      complaints: ['note: Service shop/web spec.ports[1].protocol: SCTP is not served: its connections are left alone'],
    },
    {
      rule: 'shares its number with a port of another protocol, and each has endpoints of its own',
      service: service({
        ports: [
          { name: 'dns', protocol: 'UDP', port: 53 },
          { name: 'dns-tcp', protocol: 'TCP', port: 53 },
        ],
      }),
      slices: [
        slice([endpoint('10.1.0.1')], { name: 'web-1', ports: [{ name: 'dns', protocol: 'UDP', port: 5353 }] }),
        slice([endpoint('10.1.0.2')], { name: 'web-2', ports: [{ name: 'dns-tcp', protocol: 'TCP', port: 5354 }] }),
      ],
      want: [
        'shop/web/dns/UDP 10.96.0.1:53 -> 10.1.0.1:5353=1',
        'shop/web/dns-tcp/TCP 10.96.0.1:53 -> 10.1.0.2:5354=1',
      ],
    },
    {
      rule: 'does not take a slice port of its name but of another protocol',
      slices: [slice([endpoint('10.1.0.1')], { ports: [{ name: 'http', protocol: 'UDP', port: 8080 }] })],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> refused'],
      complaints: [
        'warning: EndpointSlice shop/web-1 ports: ' +
          'has http/UDP, while Service shop/web has http/TCP: no endpoint is used',
      ],
    },
    {
      rule: 'of protocol SCTP is left alone with a note, its neighbours are programmed',
      service: service({
        ports: [
          { name: 'sig', protocol: 'SCTP', port: 3868 },
          { name: 'http', protocol: 'TCP', port: 80 },
        ],
      }),
      slices: [slice([endpoint('10.1.0.1')])],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.1:8080=1'],
      complaints: ['note: Service shop/web spec.ports[0].protocol: SCTP is not served: its connections are left alone'],
    },
    {
      rule: 'carries the session affinity of its Service',
      service: service({ affinityTimeoutS: 600 }),
      slices: [slice([endpoint('10.1.0.1')])],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.1:8080=1 (a client stays for 600 s)'],
    },
    {
      rule: 'of a dual-stack Service has a group of each family, which do not mix',
      service: service({ clusterIPs: ['fd00:96::1', '10.96.0.1'] }),
      slices: [slice([endpoint('10.1.0.1')]), slice([endpoint('fd00:1::1')], { name: 'web-v6', family: 6 })],
      want: [
        'shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.1:8080=1',
        'shop/web/http/TCP [fd00:96::1]:80 -> [fd00:1::1]:8080=1',
      ],
    },
    {
      rule: 'refuses in the family that has no endpoint while the other answers',
      service: service({ clusterIPs: ['10.96.0.1', 'fd00:96::1'] }),
      slices: [slice([endpoint('10.1.0.1', NOT_READY)]), slice([endpoint('fd00:1::1')], { name: 'web-v6', family: 6 })],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> refused', 'shop/web/http/TCP [fd00:96::1]:80 -> [fd00:1::1]:8080=1'],
    },
    {
      rule: 'has no group of a family in which its Service has no address',
      slices: [slice([endpoint('10.1.0.1')]), slice([endpoint('fd00:1::1')], { name: 'web-v6', family: 6 })],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.1:8080=1'],
    },
  ])('$rule', check);
});

describe('of the endpoints', () => {
  it.each<Row>([
    {
      rule: 'only the ready ones answer while there are any',
      slices: [
        slice([
          endpoint('10.1.0.1'),
          endpoint('10.1.0.2', NOT_READY),
          endpoint('10.1.0.3', SERVES_WHILE_TERMINATING),
          endpoint('10.1.0.4', GONE_SILENT),
        ]),
      ],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.1:8080=1'],
    },
    {
      rule: 'those that serve while they terminate answer when none is ready',
      slices: [
        slice([
          endpoint('10.1.0.2', NOT_READY),
          endpoint('10.1.0.3', SERVES_WHILE_TERMINATING),
          endpoint('10.1.0.4', GONE_SILENT),
          endpoint('10.1.0.5', SERVES_WHILE_TERMINATING),
        ]),
      ],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.3:8080=1 10.1.0.5:8080=1'],
    },
    {
      rule: 'a serving one that neither is ready nor terminates never answers',
      slices: [slice([endpoint('10.1.0.1', { ready: false, serving: true })])],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> refused'],
    },
    {
      rule: 'a ready one in the last slice still puts the terminating ones of the first aside',
      slices: [
        slice([endpoint('10.1.0.1', SERVES_WHILE_TERMINATING)], { name: 'web-1' }),
        slice([endpoint('10.1.0.2')], { name: 'web-2' }),
      ],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.2:8080=1'],
    },
    {
      rule: 'the families fall back to terminating ones on their own',
      service: service({ clusterIPs: ['10.96.0.1', 'fd00:96::1'] }),
      slices: [
        slice([endpoint('10.1.0.1')]),
        slice([endpoint('fd00:1::1', SERVES_WHILE_TERMINATING)], { name: 'web-v6', family: 6 }),
      ],
      want: [
        'shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.1:8080=1',
        'shop/web/http/TCP [fd00:96::1]:80 -> [fd00:1::1]:8080=1',
      ],
    },
    {
      rule: 'all answer, ready or not, when the Service publishes addresses that are not ready',
      service: service({ publishNotReadyAddresses: true }),
      slices: [
        slice([endpoint('10.1.0.1'), endpoint('10.1.0.2', NOT_READY), endpoint('10.1.0.3', SERVES_WHILE_TERMINATING)]),
      ],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.1:8080=1 10.1.0.2:8080=1 10.1.0.3:8080=1'],
    },
    {
      rule: 'one that two slices list counts once',
      slices: [
        slice([endpoint('10.1.0.1'), endpoint('10.1.0.2')], { name: 'web-1' }),
        slice([endpoint('10.1.0.2'), endpoint('10.1.0.3')], { name: 'web-2' }),
      ],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.1:8080=1 10.1.0.2:8080=1 10.1.0.3:8080=1'],
    },
    {
      rule: 'one that a single slice lists twice counts once',
      slices: [slice([endpoint('10.1.0.1'), endpoint('10.1.0.2'), endpoint('10.1.0.1')])],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.1:8080=1 10.1.0.2:8080=1'],
    },
    {
      rule: 'one that is ready in either of two slices is ready',
      slices: [
        slice([endpoint('10.1.0.1', NOT_READY), endpoint('10.1.0.2')], { name: 'web-1' }),
        slice([endpoint('10.1.0.1'), endpoint('10.1.0.2', SERVES_WHILE_TERMINATING)], { name: 'web-2' }),
      ],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.1:8080=1 10.1.0.2:8080=1'],
    },
    {
      rule: 'the same address under two port numbers is two endpoints, in the order of the numbers',
      slices: [
        slice([endpoint('10.1.0.1')], { name: 'web-1', ports: [{ name: 'http', protocol: 'TCP', port: 10_000 }] }),
        slice([endpoint('10.1.0.1')], { name: 'web-2', ports: [{ name: 'http', protocol: 'TCP', port: 9000 }] }),
      ],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.1:9000=1 10.1.0.1:10000=1'],
    },
  ])('$rule', check);
});

describe('with internalTrafficPolicy Local', () => {
  const local = service({ internalTrafficPolicy: 'Local' });
  const here = { node: 'node-a' };
  const there = { node: 'node-b' };
  it.each<Row>([
    {
      rule: 'only endpoints on this node answer',
      slices: [slice([endpoint('10.1.0.1', here), endpoint('10.1.0.2', there), endpoint('10.1.0.3')])],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.1:8080=1'],
    },
    {
      rule: 'a node without endpoints refuses, however many there are elsewhere',
      slices: [slice([endpoint('10.1.0.2', there)])],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> refused'],
    },
    {
      rule: 'a terminating one here answers rather than a ready one elsewhere',
      slices: [slice([endpoint('10.1.0.1', { ...here, ...SERVES_WHILE_TERMINATING }), endpoint('10.1.0.2', there)])],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.1:8080=1'],
    },
    {
      rule: 'a node that does not know its name uses endpoints of every node, with a warning',
      node: { name: '', proxyName: '', externalIPs: false },
      slices: [slice([endpoint('10.1.0.1', here), endpoint('10.1.0.2', there), endpoint('10.1.0.3')])],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.1:8080=1 10.1.0.2:8080=1 10.1.0.3:8080=1'],
      complaints: [
        'warning: Service shop/web spec.internalTrafficPolicy: Local is not honoured: ' +
          'the name of this node is not known, so endpoints of every node are used',
      ],
    },
  ])('$rule', (row) => check({ service: local, ...row }));
});

const REFUSED = 'endpoint of Service shop/web: whoever comes to them is refused';

describe('by a TrafficPolicy', () => {
  const slices = [
    slice([
      endpoint('10.1.0.1', { pod: 'web-stable-1', node: 'node-a', zone: 'zone-1' }),
      endpoint('10.1.0.2', { pod: 'web-stable-2', node: 'node-b', zone: 'zone-2' }),
      endpoint('10.1.0.3', { pod: 'web-canary-1', node: 'node-b', zone: 'zone-2' }),
      endpoint('10.1.0.4'),
    ]),
  ];
  const answers = (...weights: readonly number[]): readonly string[] => [
    `shop/web/http/TCP 10.96.0.1:80 -> ${weights
      .map((weight, index) => `10.1.0.${index + 1}:8080=${weight}`)
      .filter((answer) => !answer.endsWith('=0'))
      .join(' ')}`,
  ];
  it.each<Row>([
    {
      rule: 'weights follow labels, where the slice says any; every one of an entry must match',
      slices: [
        slice([
          endpoint('10.1.0.1', { labels: { track: 'canary', rack: 'r1' } }),
          endpoint('10.1.0.2', { labels: { track: 'canary' } }),
          endpoint('10.1.0.3'),
        ]),
      ],
      policies: [
        policy([
          { labels: { track: 'canary', rack: 'r1' }, weight: 5 },
          { labels: { track: 'canary' }, weight: 7 },
        ]),
      ],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.1:8080=5 10.1.0.2:8080=7 10.1.0.3:8080=1'],
    },
    {
      rule: 'endpoints get the weight of the entry that matches their Pod, others 1',
      policies: [policy([{ pod: 'web-canary-*', weight: 5 }])],
      want: answers(1, 1, 5, 1),
    },
    {
      rule: 'the first entry that matches counts',
      policies: [
        policy([
          { pod: 'web-canary-1', weight: 5 },
          { pod: 'web-*', weight: 95 },
          { pod: 'web-stable-1', weight: 7 },
        ]),
      ],
      want: answers(95, 95, 5, 1),
    },
    {
      rule: 'an entry matches only when everything that it gives does',
      policies: [policy([{ pod: 'web-stable-*', zone: 'zone-2', node: 'node-b', weight: 9 }])],
      want: answers(1, 9, 1, 1),
    },
    {
      rule: 'an entry that gives nothing matches every endpoint',
      policies: [policy([{ zone: 'zone-1', weight: 3 }, { weight: 2 }])],
      want: answers(3, 2, 2, 2),
    },
    {
      rule: 'an endpoint that is no Pod matches no Pod name, not even *',
      policies: [policy([{ pod: '*', weight: 2 }])],
      want: answers(2, 2, 2, 1),
    },
    {
      rule: 'an unknown node or zone is not an empty name',
      policies: [
        policy([
          { node: '', weight: 2 },
          { zone: '', weight: 2 },
        ]),
      ],
      want: answers(1, 1, 1, 1),
      complaints: [
        'warning: TrafficPolicy shop/weights spec.endpointWeights[0]: matches no endpoint of Service shop/web',
        'warning: TrafficPolicy shop/weights spec.endpointWeights[1]: matches no endpoint of Service shop/web',
      ],
    },
    {
      rule: 'an entry that matches no endpoint is told, one that an earlier entry comes before is not',
      policies: [
        policy([
          { pod: 'web-*', weight: 2 },
          { pod: 'wbe-canary-*', weight: 5 },
          { pod: 'web-canary-*', weight: 7 },
        ]),
      ],
      want: answers(2, 2, 2, 1),
      complaints: [
        'warning: TrafficPolicy shop/weights spec.endpointWeights[1]: matches no endpoint of Service shop/web',
      ],
    },
    {
      rule: 'an entry of a policy with several targets may be meant for another one: a note',
      policies: [policy([{ pod: 'cart-*', weight: 5 }], { services: ['web', 'cart'] })],
      want: answers(1, 1, 1, 1),
      complaints: ['note: TrafficPolicy shop/weights spec.endpointWeights[0]: matches no endpoint of Service shop/web'],
    },
    {
      rule: 'an entry matches an endpoint that is not ready, and nothing is told',
      slices: [slice([endpoint('10.1.0.1', { pod: 'a', ...NOT_READY }), endpoint('10.1.0.2')])],
      policies: [policy([{ pod: 'a', weight: 5 }])],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.2:8080=1'],
    },
    {
      rule: 'without any endpoint no entry is doubted',
      slices: [slice([])],
      policies: [policy([{ pod: 'a', weight: 5 }])],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> refused'],
    },
    {
      rule: 'weight 0 drains an endpoint: it is left out',
      policies: [policy([{ pod: 'web-stable-1', weight: 0 }])],
      want: answers(0, 1, 1, 1),
    },
    {
      rule: 'weight 0 for all refuses',
      policies: [policy([{ weight: 0 }])],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> refused'],
      complaints: [`warning: TrafficPolicy shop/weights spec.endpointWeights: drains every ${REFUSED}`],
    },
    {
      rule: 'and so for some clients',
      policies: [policy([{ weight: 0 }], { clients: { matchLabels: {}, matchExpressions: [] } })],
      want: answers(1, 1, 1, 1),
      complaints: [
        'warning: TrafficPolicy shop/weights spec.endpointWeights: ' +
          'drains every endpoint of Service shop/web, for its clients: whoever comes to them is refused',
      ],
    },
    {
      rule: 'drained ready endpoints do not make terminating ones answer',
      slices: [slice([endpoint('10.1.0.1', { pod: 'a' }), endpoint('10.1.0.2', SERVES_WHILE_TERMINATING)])],
      policies: [policy([{ pod: 'a', weight: 0 }])],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> refused'],
    },
    {
      rule: 'an endpoint of two slices is weighed as the slice that comes first by name lists it',
      slices: [
        slice([endpoint('10.1.0.1', { pod: 'second' })], { name: 'web-2' }),
        slice([endpoint('10.1.0.1', { pod: 'first' })], { name: 'web-1' }),
      ],
      policies: [
        policy([
          { pod: 'first', weight: 3 },
          { pod: 'second', weight: 4 },
        ]),
      ],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.1:8080=3'],
    },
    {
      rule: 'an endpoint that the first slice drains is drained, also when a second slice lists it',
      slices: [
        slice([endpoint('10.1.0.1', { pod: 'first' }), endpoint('10.1.0.2')], { name: 'web-1' }),
        slice([endpoint('10.1.0.1', { pod: 'second' })], { name: 'web-2' }),
      ],
      policies: [policy([{ pod: 'first', weight: 0 }])],
      want: ['shop/web/http/TCP 10.96.0.1:80 -> 10.1.0.2:8080=1'],
    },
    {
      rule: 'the oldest of several governs, and the others are told so',
      policies: [
        policy([{ weight: 9 }], { name: 'a-newest', createdAtMs: 3000 }),
        policy([{ weight: 2 }], { name: 'z-oldest', createdAtMs: 1000 }),
        policy([{ weight: 8 }], { name: 'b-newer', createdAtMs: 2000 }),
      ],
      want: answers(2, 2, 2, 2),
      complaints: [
        'warning: TrafficPolicy shop/a-newest spec.targetRefs: ' +
          'ignored for Service shop/web: TrafficPolicy shop/z-oldest is older and governs it alone',
        'warning: TrafficPolicy shop/b-newer spec.targetRefs: ' +
          'ignored for Service shop/web: TrafficPolicy shop/z-oldest is older and governs it alone',
      ],
    },
    {
      rule: 'of several that are equally old the first by name governs',
      policies: [policy([{ weight: 9 }], { name: 'b' }), policy([{ weight: 2 }], { name: 'a' })],
      want: answers(2, 2, 2, 2),
      complaints: [
        'warning: TrafficPolicy shop/b spec.targetRefs: ' +
          'ignored for Service shop/web: TrafficPolicy shop/a comes first by name and governs it alone',
      ],
    },
  ])('$rule', (row) => check({ slices, ...row }));
});

describe('how an endpoint is chosen', () => {
  it.each([
    ['is not said without a policy', [], undefined],
    ['is not said by a policy that only weighs', [policy([{ pod: '*', weight: 2 }])], undefined],
    ['is the default where a policy says so', [policy([], { algorithm: 'WeightedRandom' })], undefined],
    ['is what the policy says', [policy([], { algorithm: 'PeakEwma' })], { algorithm: 'PeakEwma', hashOn: 'Pod' }],
    [
      'is by what Maglev shall hash',
      [policy([], { algorithm: 'Maglev', hashOn: 'SourceAddress' })],
      { algorithm: 'Maglev', hashOn: 'SourceAddress' },
    ],
    [
      'does not depend on that for others',
      [policy([], { algorithm: 'RoundRobin', hashOn: 'SourceAddress' })],
      { algorithm: 'RoundRobin', hashOn: 'Pod' },
    ],
  ] as const)('%s', (_, policies, choice) => {
    const { ports } = desire({ service: service(), slices: [slice([endpoint('10.1.0.1')])], policies, node: OUR_NODE });
    expect(ports[0]?.choice).toEqual(choice);
  });

  it.each([
    ['not without a policy', [], undefined],
    ['not by a policy that does not say so', [policy([], { algorithm: 'PeakEwma' })], undefined],
    ['where the policy says so', [policy([], { firstResponseTime: 'Measure' })], true],
    ['not where the policy says so', [policy([], { firstResponseTime: 'Ignore' })], undefined],
    [
      'not by a policy that another one goes before',
      [policy([], { name: 'a' }), policy([], { name: 'b', firstResponseTime: 'Measure' })],
      undefined,
    ],
    [
      'whatever a policy for some clients leaves unsaid',
      [
        policy([], { name: 'a', firstResponseTime: 'Measure' }),
        policy([{ weight: 2 }], { name: 'b', clients: { matchLabels: { ring: 'testers' }, matchExpressions: [] } }),
      ],
      true,
    ],
  ] as const)('first responses are measured %s', (_, policies, measured) => {
    const ports = [
      { name: 'tcp', protocol: 'TCP', port: 80, nodePort: 0 },
      { name: 'udp', protocol: 'UDP', port: 80, nodePort: 0 },
    ] as const;
    const input = { service: service({ ports }), slices: [slice([endpoint('10.1.0.1')])], policies, node: OUR_NODE };
    expect(desire(input).ports.map((port) => port.measured)).toEqual([measured, undefined]);
  });

  it.each([
    ['Maglev', 4],
    ['RoundRobin', undefined],
  ] as const)('%s knows the number of all that are listed: %s', (algorithm, listed) => {
    const own = [endpoint('10.1.0.1', { pod: 'drained' }), endpoint('10.1.0.2', NOT_READY), endpoint('10.1.0.3')];
    const { ports } = desire({
      service: service(),
      slices: [
        slice(own, { name: 'a' }),
        slice([endpoint('10.1.0.3'), endpoint('10.1.0.4', { node: 'other' })], { name: 'b' }),
      ],
      policies: [policy([{ pod: 'drained', weight: 0 }], { algorithm })],
      node: OUR_NODE,
    });
    expect(ports[0]?.groups[0]?.endpoints).toHaveLength(2);
    expect(ports[0]?.groups[0]?.listed).toBe(listed);
  });
});
