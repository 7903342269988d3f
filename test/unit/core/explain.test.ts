import { describe, expect, it } from 'vitest';
import { applyEvents, createCluster } from '../../../src/core/cluster.ts';
import { type Decision, explain, oracle } from '../../../src/core/explain.ts';
import type { ClusterObject } from '../../../src/core/model/objects.ts';
import {
  endpoint,
  GONE_SILENT,
  NOT_READY,
  node,
  OUR_NODE,
  pod,
  policy,
  SERVES_WHILE_TERMINATING,
  service,
  slice,
} from '../../helpers/objects.ts';
import { held } from '../../helpers/route-objects.ts';

const ASKED = { address: '10.96.0.1', port: 80, protocol: 'TCP' } as const;

const ask = (objects: readonly ClusterObject[], question: Partial<Decision['question']> = {}): Decision => {
  const cluster = createCluster();
  applyEvents(
    cluster,
    objects.map((object) => ({ type: 'put', object })),
  );
  return explain({ cluster, node: OUR_NODE }, { ...ASKED, ...question });
};

const HTTP = { name: 'http', protocol: 'TCP', port: 80 } as const;

/** One line for each endpoint: what became of it. */
const verdicts = (decision: Decision): readonly string[] =>
  !('endpoints' in decision)
    ? []
    : decision.endpoints.map(({ address, port, slice: name, verdict }) => {
        const { verdict: kind, ...details } = verdict;
        return `${address}:${port ?? '?'} of ${name}: ${kind} ${JSON.stringify(details)}`;
      });

describe('a connection is refused because the Service has no such port', () => {
  it.each<{ when: string; question: Partial<Decision['question']> }>([
    { when: 'by its number', question: { port: 81 } },
    { when: 'under that protocol', question: { protocol: 'UDP' } },
  ])('$when', ({ question }) => {
    expect(ask([service()], question)).toMatchObject({
      outcome: 'refused',
      reason: 'no such port',
      service: 'shop/web',
      ports: ['80/TCP'],
    });
  });
});

describe('a connection from inside to an address from outside is sent as if the policy were Cluster', () => {
  const far = slice([endpoint('10.1.0.1', { node: 'node-b' })]);
  const local = { internalTrafficPolicy: 'Local' } as const;
  it.each<{ asked: string; objects: readonly ClusterObject[]; question: Partial<Decision['question']> }>([
    {
      asked: 'an address of the load balancer',
      objects: [service({ ...local, type: 'LoadBalancer', loadBalancerIPs: ['203.0.113.1'] }), far],
      question: { address: '203.0.113.1' },
    },
    {
      asked: 'a node port',
      objects: [
        node({ addresses: ['192.0.2.1'] }),
        service({ ...local, type: 'NodePort', ports: [{ ...HTTP, nodePort: 30_080 }] }),
        far,
      ],
      question: { address: '192.0.2.1', port: 30_080 },
    },
  ])('$asked', ({ objects, question }) => {
    expect(ask(objects, question)).toMatchObject({ outcome: 'sent', service: 'shop/web' });
    expect(ask(objects)).toMatchObject({ outcome: 'refused', reason: 'no endpoint on this node' });
  });
});

describe('a connection is left alone', () => {
  it.each<{ when: string; objects: readonly ClusterObject[]; question?: Partial<Decision['question']>; why: object }>([
    {
      when: 'no Service has the address',
      objects: [service()],
      question: { address: '10.96.0.9' },
      why: { reason: 'no such address' },
    },
    {
      when: 'no port of the Service is served',
      objects: [service({ ports: [{ name: 'sig', protocol: 'SCTP', port: 80 }] })],
      question: { port: 81 },
      why: { reason: 'no such port', service: 'shop/web', ports: ['80/SCTP'] },
    },
    {
      when: 'an address from outside has no such port',
      objects: [service({ type: 'LoadBalancer', loadBalancerIPs: ['203.0.113.1'] })],
      question: { address: '203.0.113.1', port: 81 },
      why: { reason: 'not one of its ports', of: 'Service shop/web', ports: ['80/TCP'] },
    },
    {
      when: 'external addresses are off',
      objects: [service({ externalIPs: ['203.0.113.1'] })],
      question: { address: '203.0.113.1' },
      why: { reason: 'no such address' },
    },
    {
      when: 'the number is no node port of this node',
      objects: [node({ addresses: ['192.0.2.1'] }), service({ ports: [{ ...HTTP, nodePort: 30_080 }] })],
      question: { address: '192.0.2.1', port: 30_081 },
      why: { reason: 'not one of its ports', of: 'node node-a', ports: ['30080/TCP'] },
    },
    {
      when: 'the node port is asked for at another node',
      objects: [
        node({ name: 'node-b', addresses: ['192.0.2.2'] }),
        service({ ports: [{ ...HTTP, nodePort: 30_080 }] }),
      ],
      question: { address: '192.0.2.2', port: 30_080 },
      why: { reason: 'no such address' },
    },
    {
      when: 'the address is that of a Pod on this node',
      objects: [pod({ addresses: ['10.1.0.9'] })],
      question: { address: '10.1.0.9' },
      why: { reason: 'pod address', pod: 'shop/web-0' },
    },
    {
      when: 'the port is an SCTP port',
      objects: [service({ ports: [{ name: 'sig', protocol: 'SCTP', port: 80 }] })],
      question: { protocol: 'SCTP' },
      why: { reason: 'protocol not served', service: 'shop/web' },
    },
    {
      when: "the Service is another proxy's",
      objects: [service({ proxyName: 'other' })],
      why: { reason: 'not programmed', service: 'shop/web', complaint: expect.objectContaining({ severity: 'note' }) },
    },
    {
      when: 'the address is that of an endpoint of a headless Service',
      objects: [service({ headless: true, clusterIPs: [] }), slice([endpoint('10.1.0.1')])],
      question: { address: '10.1.0.1' },
      why: { reason: 'endpoint address', of: [{ service: 'shop/web', slice: 'web-1', headless: true }] },
    },
    {
      when: 'the address is that of an endpoint whose Service does not exist',
      objects: [slice([endpoint('10.1.0.1')])],
      question: { address: '10.1.0.1' },
      why: { reason: 'endpoint address', of: [{ service: 'shop/web', slice: 'web-1', headless: false }] },
    },
  ])('when $when', ({ objects, question = {}, why }) => {
    expect(ask(objects, question)).toEqual({ outcome: 'left alone', question: { ...ASKED, ...question }, why });
  });
});

describe('a connection is refused', () => {
  it.each<{ because: string; objects: readonly ClusterObject[] }>([
    { because: 'no slice', objects: [] },
    { because: 'no endpoint', objects: [slice([])] },
    { because: 'no endpoint of that family', objects: [slice([endpoint('fd00:1::1')], { family: 6 })] },
    { because: 'no endpoint with that port', objects: [slice([endpoint('10.1.0.1')], { ports: [] })] },
    { because: 'no endpoint ready', objects: [slice([endpoint('10.1.0.1', NOT_READY)])] },
    { because: 'every weight is 0', objects: [slice([endpoint('10.1.0.1')]), policy([{ weight: 0 }])] },
    {
      because: 'no endpoint on this node',
      objects: [service({ internalTrafficPolicy: 'Local' }), slice([endpoint('10.1.0.1', { node: 'node-b' })])],
    },
  ])('because of $because', ({ because, objects }) => {
    expect(ask([service(), ...objects])).toMatchObject({ outcome: 'refused', reason: because });
  });

  it('for the reason that is the nearest to an answer', () => {
    const slices = [
      slice([endpoint('fd00:1::1')], { name: 'web-6', family: 6 }),
      slice([endpoint('10.1.0.1')], { name: 'web-2', ports: [] }),
      slice([endpoint('10.1.0.2', NOT_READY)], { name: 'web-3' }),
    ];
    expect(ask([service(), ...slices])).toMatchObject({ outcome: 'refused', reason: 'no endpoint ready' });
  });
});

describe('every endpoint gets a verdict', () => {
  it.each<{ rule: string; objects: readonly ClusterObject[]; want: readonly string[] }>([
    {
      rule: 'equal shares without a policy',
      objects: [slice([endpoint('10.1.0.1'), endpoint('10.1.0.2')])],
      want: [
        '10.1.0.1:8080 of web-1: share {"weight":1,"of":2,"percent":50}',
        '10.1.0.2:8080 of web-1: share {"weight":1,"of":2,"percent":50}',
      ],
    },
    {
      rule: 'weights, zero included, name the entry of the policy that gave them',
      objects: [
        slice([
          endpoint('10.1.0.1', { pod: 'a' }),
          endpoint('10.1.0.2', { pod: 'b' }),
          endpoint('10.1.0.3', { pod: 'c' }),
        ]),
        policy([
          { pod: 'b', weight: 3 },
          { pod: 'c', weight: 0 },
        ]),
      ],
      want: [
        '10.1.0.1:8080 of web-1: share {"weight":1,"of":4,"percent":25}',
        '10.1.0.2:8080 of web-1: share {"weight":3,"of":4,"percent":75,"saidBy":{"policy":"weights","entry":0}}',
        '10.1.0.3:8080 of web-1: weight 0 {"saidBy":{"policy":"weights","entry":1}}',
      ],
    },
    {
      rule: 'not ready, and terminating while others are ready',
      objects: [
        slice([
          endpoint('10.1.0.1'),
          endpoint('10.1.0.2', NOT_READY),
          endpoint('10.1.0.3', SERVES_WHILE_TERMINATING),
          endpoint('10.1.0.4', GONE_SILENT),
        ]),
      ],
      want: [
        '10.1.0.1:8080 of web-1: share {"weight":1,"of":1,"percent":100}',
        '10.1.0.2:8080 of web-1: not ready {"terminating":false}',
        '10.1.0.3:8080 of web-1: terminating, others are ready {}',
        '10.1.0.4:8080 of web-1: not ready {"terminating":true}',
      ],
    },
    {
      rule: 'terminating ones share when none is ready',
      objects: [slice([endpoint('10.1.0.2', NOT_READY), endpoint('10.1.0.3', SERVES_WHILE_TERMINATING)])],
      want: [
        '10.1.0.2:8080 of web-1: not ready {"terminating":false}',
        '10.1.0.3:8080 of web-1: share {"weight":1,"of":1,"percent":100}',
      ],
    },
    {
      rule: 'a second listing names the slice that counts',
      objects: [slice([endpoint('10.1.0.1')], { name: 'web-2' }), slice([endpoint('10.1.0.1')], { name: 'web-1' })],
      want: [
        '10.1.0.1:8080 of web-1: share {"weight":1,"of":1,"percent":100}',
        '10.1.0.1:8080 of web-2: counted already {"slice":"web-1"}',
      ],
    },
    {
      rule: 'endpoints of other families, ports and nodes are seen and say so',
      objects: [
        service({ internalTrafficPolicy: 'Local' }),
        slice([endpoint('10.1.0.1', { node: 'node-a' }), endpoint('10.1.0.2', { node: 'node-b' })], { name: 'web-1' }),
        slice([endpoint('fd00:1::1', { node: 'node-a' })], { name: 'web-2', family: 6 }),
        slice([endpoint('10.1.0.3', { node: 'node-a' })], { name: 'web-3', ports: [] }),
      ],
      want: [
        '10.1.0.1:8080 of web-1: share {"weight":1,"of":1,"percent":100}',
        '10.1.0.2:8080 of web-1: not on this node {}',
        'fd00:1::1:8080 of web-2: other family {}',
        '10.1.0.3:? of web-3: no port of that name {}',
      ],
    },
  ])('$rule', ({ objects, want }) => {
    expect(verdicts(ask([service(), ...objects]))).toEqual(want);
  });
});

describe('the Service that answers', () => {
  it('is the oldest of those that have the address and port, and the others are named', () => {
    const objects = [
      service({ name: 'young', createdAtMs: 3 }),
      service({ name: 'old', createdAtMs: 1, ports: [{ name: 'admin', protocol: 'TCP', port: 81 }] }),
      service({ name: 'owner', createdAtMs: 2 }),
      service({ name: 'foreign', createdAtMs: 0, proxyName: 'other' }),
    ];
    expect(ask(objects)).toMatchObject({ service: 'shop/owner', rivals: ['shop/young'] });
  });

  it('brings along what is complained about it', () => {
    const policies = [policy([], { name: 'a' }), policy([], { name: 'b' })];
    expect(ask([service(), ...policies])).toMatchObject({ complaints: [{ object: 'TrafficPolicy shop/b' }] });
  });
});

describe('what the kernel holds', () => {
  const cluster = createCluster();
  applyEvents(
    cluster,
    [
      service(),
      slice([endpoint('10.1.0.1'), endpoint('10.1.0.2', { pod: 'b' })]),
      policy([{ pod: 'b', weight: 3 }]),
      service({ name: 'idle', clusterIPs: ['10.96.0.2'] }),
    ].map((object) => ({ type: 'put', object })),
  );
  const kernel = (address: string, table: ReadonlyMap<string, number> | null) =>
    explain({ cluster, node: OUR_NODE, table: table && held(table) }, { ...ASKED, address }).kernel;
  const shares = (first: number, second: number) =>
    new Map([
      ['10.1.0.1:8080', first],
      ['10.1.0.2:8080', second],
    ]);

  it.each<{
    state: string;
    address: string;
    table: ReadonlyMap<string, number> | null;
    outcome: string;
    agrees: boolean;
  }>([
    { state: 'the same shares agree', address: '10.96.0.1', table: shares(0.25, 0.75), outcome: 'sent', agrees: true },
    {
      state: 'shares within the rounding of slots agree',
      address: '10.96.0.1',
      table: shares(0.25 + 2 ** -32, 0.75 - 2 ** -32),
      outcome: 'sent',
      agrees: true,
    },
    { state: 'other shares do not', address: '10.96.0.1', table: shares(0.5, 0.5), outcome: 'sent', agrees: false },
    {
      state: 'an endpoint too few does not',
      address: '10.96.0.1',
      table: new Map([['10.1.0.2:8080', 1]]),
      outcome: 'sent',
      agrees: false,
    },
    {
      state: 'an endpoint too many does not',
      address: '10.96.0.1',
      table: new Map([...shares(0.25, 0.75), ['10.1.0.3:8080', 0]]),
      outcome: 'sent',
      agrees: false,
    },
    { state: 'refusing does not', address: '10.96.0.1', table: new Map(), outcome: 'refused', agrees: false },
    { state: 'nothing does not', address: '10.96.0.1', table: null, outcome: 'left alone', agrees: false },
    {
      state: 'refusing agrees with refusing',
      address: '10.96.0.2',
      table: new Map(),
      outcome: 'refused',
      agrees: true,
    },
    {
      state: 'nothing agrees with leaving alone',
      address: '10.9.9.9',
      table: null,
      outcome: 'left alone',
      agrees: true,
    },
    { state: 'a leftover does not', address: '10.9.9.9', table: new Map(), outcome: 'refused', agrees: false },
  ])('$state', ({ address, table, outcome, agrees }) => {
    expect(kernel(address, table)).toEqual({
      outcome,
      agrees,
      shares: Object.fromEntries(table ?? []),
      refused: table?.size === 0 ? 1 : 0,
    });
  });

  it('is left out when nobody looked', () => {
    expect(explain({ cluster, node: OUR_NODE }, ASKED)).not.toHaveProperty('kernel');
  });
});

describe('the oracle', () => {
  it('gives each endpoint its weight over the sum of weights', () => {
    const endpoints = [1, 2, 97].map((weight, index) => ({ address: `10.1.0.${index + 1}`, port: 8080, weight }));
    expect([...oracle({ ...GROUP, family: 4, addresses: ['10.96.0.1'], endpoints }).shares]).toEqual([
      ['10.1.0.1:8080', 0.01],
      ['10.1.0.2:8080', 0.02],
      ['10.1.0.3:8080', 0.97],
    ]);
  });

  it('writes IPv6 endpoints in brackets', () => {
    const endpoints = [{ address: 'fd00:1::1', port: 8080, weight: 1 }];
    expect([...oracle({ ...GROUP, family: 6, addresses: ['fd00:96::1'], endpoints }).shares]).toEqual([
      ['[fd00:1::1]:8080', 1],
    ]);
  });
});

/** What a group needs besides. */
const GROUP = { kind: 'cluster', port: 80, scope: 'cluster' } as const;
