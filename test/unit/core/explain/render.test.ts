import { expect, it } from 'vitest';
import { applyEvents, createCluster } from '../../../../src/core/cluster.ts';
import { type ExplainInput, explain, type Question, renderExplain } from '../../../../src/core/explain.ts';
import {
  endpoint,
  NOT_READY,
  OUR_NODE,
  policy,
  SERVES_WHILE_TERMINATING,
  service,
  slice,
} from '../../../helpers/objects.ts';
import { held } from '../../../helpers/route-objects.ts';

const cluster = createCluster();
applyEvents(
  cluster,
  [
    service({ affinityTimeoutS: 600 }),
    service({ name: 'later', createdAtMs: 1 }),
    slice(
      [
        endpoint('10.1.0.1', { pod: 'web-stable-1', node: 'node-a' }),
        endpoint('10.1.0.2', { pod: 'web-canary-1', node: 'node-b' }),
        endpoint('10.1.0.3', { pod: 'web-old', ...SERVES_WHILE_TERMINATING }),
        endpoint('10.1.0.4', NOT_READY),
      ],
      { name: 'web-1' },
    ),
    slice([endpoint('10.1.0.1', { pod: 'web-stable-1' }), endpoint('10.1.0.9', { pod: 'web-2' })], { name: 'web-2' }),
    slice([endpoint('fd00:1::1')], { name: 'web-6', family: 6 }),
    slice([endpoint('10.1.0.7')], { name: 'web-7', ports: [] }),
    policy([
      { pod: 'web-2', weight: 0 },
      { pod: 'web-canary-*', weight: 5 },
      { pod: 'web-stable-*', weight: 95 },
    ]),
    policy([], { name: 'younger', createdAtMs: 1 }),
    service({ name: 'idle', clusterIPs: ['10.96.0.2'], ports: [{ name: '', protocol: 'UDP', port: 53 }] }),
    slice([], { name: 'idle-1', service: 'idle' }),
    service({ name: 'edge', clusterIPs: ['10.96.0.3'], proxyName: 'other' }),
    service({ name: 'local', clusterIPs: ['fd00:96::4'], internalTrafficPolicy: 'Local' }),
    slice([endpoint('fd00:1::8', { node: 'node-b' })], { name: 'local-1', service: 'local', family: 6 }),
    service({ name: 'store', headless: true, clusterIPs: [] }),
    slice([endpoint('10.1.0.50')], { name: 'store-1', service: 'store' }),
  ].map((object) => ({ type: 'put', object })),
);

const text = (address: string, port: number, protocol: Question['protocol'], table?: ExplainInput['table']): string =>
  renderExplain(
    explain({ cluster, node: OUR_NODE, ...(table === undefined ? {} : { table }) }, { address, port, protocol }),
  ).join('\n');

it('says who answers with which share, who does not and why, and which object said so', () => {
  expect(text('10.96.0.1', 80, 'TCP')).toBe(`\
10.96.0.1:80/TCP is port http of Service shop/web.
A new connection is sent to one of 2 endpoints:

  10.1.0.1:8080   95.00 % (95/100)  web-stable-1  node-a  EndpointSlice web-1  TrafficPolicy weights endpointWeights[2]
  10.1.0.2:8080    5.00 % (5/100)   web-canary-1  node-b  EndpointSlice web-1  TrafficPolicy weights endpointWeights[1]

Not chosen:
  10.1.0.3:8080     terminating, others are ready            web-old       EndpointSlice web-1
  10.1.0.4:8080     not ready                                              EndpointSlice web-1
  10.1.0.1:8080     counted already, in EndpointSlice web-1  web-stable-1  EndpointSlice web-2
  10.1.0.9:8080     weight 0                                 web-2         EndpointSlice web-2  TrafficPolicy weights endpointWeights[0]
  [fd00:1::1]:8080  of the other address family                            EndpointSlice web-6
  10.1.0.7          no port of that name                                   EndpointSlice web-7

A client keeps its endpoint until it was idle for 600 s (sessionAffinity: ClientIP).
Service shop/later asks for the same address and port, and goes without.
warning: TrafficPolicy shop/younger spec.targetRefs: ignored for Service shop/web: TrafficPolicy shop/weights is older and governs it alone
warning: EndpointSlice shop/web-7 ports: has no port, while Service shop/web has http/TCP: no endpoint is used`);
});

it.each<{ when: string; address: string; port: number; protocol?: Question['protocol']; want: readonly string[] }>([
  {
    when: 'nobody is there',
    address: '10.96.0.2',
    port: 53,
    protocol: 'UDP',
    want: [
      '10.96.0.2:53/UDP is the port of Service shop/idle.',
      'A new connection is refused at once (ECONNREFUSED): EndpointSlice idle-1 lists no endpoint.',
    ],
  },
  {
    when: 'nobody is on this node',
    address: 'fd00:96::4',
    port: 80,
    want: [
      '[fd00:96::4]:80/TCP is port http of Service shop/local.',
      'A new connection is refused at once (ECONNREFUSED): none of its endpoints is on this node.',
      '',
      'Not chosen:',
      '  [fd00:1::8]:8080  not on this node  node-b  EndpointSlice local-1',
      '',
      'Only endpoints on this node (node-a) may answer (internalTrafficPolicy: Local).',
    ],
  },
  {
    when: 'the port is unknown',
    address: '10.96.0.1',
    port: 81,
    want: [
      '10.96.0.1:81/TCP is no port of Service shop/web, which has this address (its ports: 80/TCP).',
      'A new connection is refused at once (ECONNREFUSED).',
    ],
  },
  {
    when: 'another proxy serves it',
    address: '10.96.0.3',
    port: 80,
    want: [
      '10.96.0.3:80/TCP is left alone: Service shop/edge is not programmed ' +
        '(metadata.labels[service.kubernetes.io/service-proxy-name]): ' +
        'left to the proxy named other: we serve Services without this label.',
    ],
  },
  {
    when: 'the address is a Pod of a headless Service',
    address: '10.1.0.50',
    port: 80,
    want: [
      '10.1.0.50:80/TCP is left alone: 10.1.0.50 is no Service address ' +
        'but an endpoint of headless Service shop/store (EndpointSlice store-1).',
    ],
  },
  {
    when: 'nobody knows the address',
    address: '192.0.2.1',
    port: 80,
    want: ['192.0.2.1:80/TCP is left alone: no Service has the address 192.0.2.1.'],
  },
])('says what happens when $when', ({ address, port, protocol = 'TCP', want }) => {
  expect(text(address, port, protocol).split('\n')).toEqual(want);
});

it('says that the kernel holds the same', () => {
  expect(text('192.0.2.1', 80, 'TCP', null)).toMatch(/\n\nThe kernel's tables say the same\.$/);
});

it('says what the kernel holds instead', () => {
  const table = new Map([
    ['10.1.0.1:8080', 0.99994],
    ['10.1.0.2:8080', 0.00006],
  ]);
  expect(text('10.96.0.1', 80, 'TCP', held(table))).toMatch(
    /\n\nThe kernel's tables say something else; now a new connection is sent:\n {2}10\.1\.0\.1:8080 {2}99\.99 %\n {2}10\.1\.0\.2:8080 {2}0\.006 %$/,
  );
});
