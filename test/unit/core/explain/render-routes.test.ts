import { describe, expect, it } from 'vitest';
import { applyEvents, type ClusterEvent, createCluster } from '../../../../src/core/cluster.ts';
import { type ExplainInput, explain, renderExplain } from '../../../../src/core/explain.ts';
import type { ClusterObject } from '../../../../src/core/model/objects.ts';
import { endpoint, NOT_READY, OUR_NODE, pod, policy, service, slice } from '../../../helpers/objects.ts';
import { cgroup, destinationRule, grant, held, narrowed, route } from '../../../helpers/route-objects.ts';

const ASKED = { address: '10.96.0.1', port: 80, protocol: 'TCP' } as const;

const explained = (
  objects: readonly (ClusterObject | ClusterEvent)[],
  { client, ...input }: Partial<ExplainInput> & { readonly client?: string } = {},
): string => {
  const cluster = createCluster();
  applyEvents(
    cluster,
    objects.map((each) => ('kind' in each ? ({ type: 'put', object: each } as const) : each)),
  );
  const question = client === undefined ? ASKED : { ...ASKED, client };
  return renderExplain(explain({ cluster, node: OUR_NODE, ...input }, question)).join('\n');
};

const V1 = [
  service({ name: 'v1', clusterIPs: ['10.96.1.1'] }),
  slice([endpoint('10.1.1.1')], { name: 'v1-1', service: 'v1' }),
];
const V2 = [
  service({ name: 'v2', clusterIPs: ['10.96.1.2'] }),
  slice([endpoint('10.1.2.1'), endpoint('10.1.2.2')], { name: 'v2-1', service: 'v2' }),
];
const CANARY = pod({ name: 'canary', labels: { track: 'canary' } });

it('says which route counts, what each backend gets of it and by which algorithm', () => {
  const objects = [
    service(),
    ...V1,
    ...V2,
    policy([], { name: 'turns', services: ['v2'], algorithm: 'RoundRobin' }),
    route([{ name: 'v1', weight: 95 }, { name: 'v2', weight: 4 }, { name: 'gone' }]),
  ];
  const share = new Map([
    ['10.1.1.1:8080', 0.95],
    ['10.1.2.1:8080', 0.02],
    ['10.1.2.2:8080', 0.02],
  ]);
  expect(explained(objects, { table: { shares: share, refused: 0.01 } })).toBe(`\
10.96.0.1:80/TCP is port http of Service shop/web.
TCPRoute shop/split shares its connections:

   95.00 % (95/100)  shop/v1:80
    4.00 % (4/100)   shop/v2:80
    1.00 % (1/100)   shop/gone:80  refused: there is no Service shop/gone

A connection of shop/v1:80 is sent to its one endpoint:

  10.1.1.1:8080  100.00 % (1/1)  EndpointSlice v1-1

A connection of shop/v2:80 is sent to one of 2 endpoints by RoundRobin (TrafficPolicy shop/turns):

  10.1.2.1:8080   50.00 % (1/2)  EndpointSlice v2-1
  10.1.2.2:8080   50.00 % (1/2)  EndpointSlice v2-1

warning: TCPRoute shop/split spec.rules[0].backendRefs[2]: there is no Service shop/gone: its share of Service shop/web is refused

The kernel's tables say the same.`);
});

it('says what the kernel holds instead, also what it refuses', () => {
  const table = { shares: new Map([['10.1.1.1:8080', 0.75]]), refused: 0.25 };
  expect(explained([service(), ...V1, route([{ name: 'v1' }])], { table })).toMatch(
    /say something else; now a new connection is sent:\n {2}10\.1\.1\.1:8080 {2}75\.00 %\n {2}refused {8}25\.00 %$/,
  );
});

it('says why a share is refused that has a Service', () => {
  const objects = [
    service(),
    service({ name: 'v1', clusterIPs: ['10.96.1.1'] }),
    slice([endpoint('10.1.1.1', NOT_READY)], { service: 'v1' }),
    ...V2,
    route([{ name: 'v1' }, { name: 'v2', weight: 3 }]),
  ];
  expect(explained(objects)).toContain(`\
   25.00 % (1/4)  shop/v1:80  refused: no endpoint that may answer is ready
   75.00 % (3/4)  shop/v2:80

A connection of shop/v1:80 is refused:

Not chosen:
  10.1.1.1:8080  not ready  EndpointSlice web-1
`);
});

it.each([
  { why: 'its route has no backend with a weight', backends: [{ name: 'v1', weight: 0 }] },
  { why: 'no backend of its route can answer', backends: [{ name: 'gone' }] },
])('says that a connection is refused because $why', ({ why, backends }) => {
  expect(explained([service(), ...V1, route(backends)])).toContain(
    `\nA new connection is refused at once (ECONNREFUSED): ${why} (TCPRoute shop/split).\n`,
  );
});

it('says for whom a route is, and how a Pod of theirs is answered', () => {
  const objects = [
    service(),
    ...V1,
    pod({ namespace: 'bank', name: 'teller', labels: { track: 'canary' } }),
    grant({ namespace: 'shop', from: [{ kind: 'TCPRoute', namespace: 'bank' }] }),
    route([{ name: 'v1' }], { namespace: 'bank' }),
    narrowed({ track: 'canary' }, { namespace: 'bank', services: [], routes: [{ kind: 'TCPRoute', name: 'split' }] }),
  ];
  const text = explained(objects, { client: 'bank/teller' });
  expect(text).toContain(
    '\nTCPRoute bank/split, for Pods of namespace bank and the clients of TrafficPolicy bank/narrowed, shares its connections:\n',
  );
  expect(text).toMatch(/\nSo it is for Pod bank\/teller, and not for everybody\.$/);
});

const NARROWED = [
  service(),
  slice([endpoint('10.1.0.1'), endpoint('10.1.0.2')]),
  CANARY,
  narrowed({ track: 'canary' }, { algorithm: 'LeastConnections' }),
];

it('names the Pods that are answered otherwise', () => {
  expect(explained(NARROWED)).toMatch(/\nAnswered otherwise \(see --from\): Pod shop\/canary\.$/);
});

it('says what counts for a Pod that is answered otherwise', () => {
  const text = explained(NARROWED, { client: 'shop/canary' });
  expect(text).toContain(
    '\nA new connection is sent to one of 2 endpoints by LeastConnections (TrafficPolicy shop/narrowed):\n',
  );
  expect(text).toMatch(
    /\n\nShares are the weights; what each gets of it follows its load from this node\.\nTrafficPolicy shop\/narrowed counts for this client\.\nSo it is for Pod shop\/canary, and not for everybody\.$/,
  );
});

it('says whose drain and whose algorithm count for a Pod whose own policy says nothing of it', () => {
  const weights = policy([{ node: 'node-b', weight: 0 }], { algorithm: 'RoundRobin' });
  const objects = [
    service(),
    slice([endpoint('10.1.0.1'), endpoint('10.1.0.2', { node: 'node-b' }), endpoint('10.1.0.3')]),
    CANARY,
  ];
  const drained = explained([...objects, narrowed({ track: 'canary' }, { algorithm: 'Maglev' }), weights], {
    client: 'shop/canary',
  });
  expect(drained).toContain('one of 2 endpoints by Maglev of its Pod (TrafficPolicy shop/narrowed):\n');
  expect(drained).toMatch(/ {2}10\.1\.0\.2:8080 {2}weight 0 .*TrafficPolicy weights endpointWeights\[0\]/);
  expect(drained).toContain(
    '\nTrafficPolicy shop/narrowed counts for this client, and TrafficPolicy shop/weights for what it leaves unsaid.\n',
  );
  const slow = explained([...objects, narrowed({ track: 'canary' }, { slowStartMs: 1000 }), weights], {
    client: 'shop/canary',
  });
  expect(slow).toContain('one of 2 endpoints by RoundRobin (TrafficPolicy shop/weights):\n');
});

it.each([
  {
    client: 'shop/other',
    says: 'Pod shop/other is not known here: this is what everybody gets. Is it spelt so, and a Pod of this node?',
  },
  { client: 'shop/plain', says: 'Pod shop/plain is answered as everybody is.' },
])('says of $client: $says', ({ client, says }) => {
  const text = explained([...NARROWED, pod({ name: 'plain' })], { client });
  expect(text).toContain('\nA new connection is sent to one of 2 endpoints:\n');
  expect(text.split('\n').at(-1)).toBe(says);
});

it('says of a Pod whose cgroup the agent does not know that it gets what everybody gets', () => {
  const table = held(
    new Map([
      ['10.1.0.1:8080', 0.5],
      ['10.1.0.2:8080', 0.5],
    ]),
  );
  expect(explained(NARROWED, { client: 'shop/canary', table })).toContain(
    '\nThe cgroup of Pod shop/canary is not known: it gets what everybody gets.\n',
  );
  const known = { type: 'client', pod: 'shop/canary', client: cgroup(7) } as const;
  expect(explained([...NARROWED, known], { client: 'shop/canary', table })).toContain('\nSo it is for Pod shop/canary');
});

it('says of a Pod for which no rule is that it is answered as everybody is, whether or not its cgroup is known', () => {
  const table = held(new Map([['10.1.0.1:8080', 1]]));
  const objects = [service(), slice([endpoint('10.1.0.1')]), CANARY];
  expect(explained(objects, { client: 'shop/canary', table })).toContain(
    '\nPod shop/canary is answered as everybody is.\n',
  );
});

it('lists what of a DestinationRule is not honoured', () => {
  const rule = destinationRule({ ignored: ['spec.trafficPolicy.connectionPool', 'spec.subsets'] });
  expect(explained([service(), slice([endpoint('10.1.0.1')]), rule])).toMatch(
    /\nnote: DestinationRule shop\/rule spec\.trafficPolicy\.connectionPool: is not honoured for Service shop\/web\nnote: DestinationRule shop\/rule spec\.subsets: is not honoured for Service shop\/web$/,
  );
});

it('lists what is not honoured of a DestinationRule of a Service that a route leads to, once', () => {
  const rule = destinationRule({ services: ['v1'], ignored: ['spec.subsets'] });
  const objects = [service(), ...V1, ...V2, rule, route([{ name: 'v1' }, { name: 'v1' }, { name: 'v2' }])];
  const text = explained(objects);
  expect(text.match(/^note: .*$/gm)).toEqual([
    'note: DestinationRule shop/rule spec.subsets: is not honoured for Service shop/v1',
  ]);
});

it('says of a Service that a route leads back to no more than once what is not honoured', () => {
  const rule = destinationRule({ ignored: ['spec.subsets'] });
  const text = explained([service(), slice([endpoint('10.1.0.1')]), rule, route([{ name: 'web' }])]);
  expect(text.match(/^note: .*$/gm)).toHaveLength(1);
});

describe('of a Pod of another node', () => {
  const objects = [
    service({ internalTrafficPolicy: 'Local' }),
    slice([endpoint('10.1.0.1', { node: 'node-a' }), endpoint('10.1.0.2', { node: 'node-b' })]),
    pod({ name: 'far', node: 'node-b', labels: { track: 'canary' } }),
    narrowed({ track: 'canary' }, { algorithm: 'LeastConnections' }),
  ];

  it('says where it is and what holds there', () => {
    const text = explained(objects, { client: 'shop/far' });
    expect(text).toMatch(
      /^Pod shop\/far is on node node-b, not node-a: what follows is said of node-b\.\n\n10\.96\.0\.1:80/,
    );
    expect(text).toContain(
      'sent to its one endpoint by LeastConnections (TrafficPolicy shop/narrowed):\n\n  10.1.0.2:8080',
    );
    expect(text).toContain('Only endpoints on this node (node-b) may answer');
  });

  it('says so too where nobody knows on which node it is asked', () => {
    const text = explained(objects, { client: 'shop/far', node: { ...OUR_NODE, name: '' } });
    expect(text).toMatch(/^Pod shop\/far is on node node-b: what follows is said of node-b\.\n/);
  });

  it('says of one on the asked node, or on none yet, nothing of nodes', () => {
    for (const node of ['node-a', '']) {
      expect(explained([...objects, pod({ name: 'near', node })], { client: 'shop/near' })).not.toContain('is on node');
    }
  });

  it('says to ask there when an agent is asked that looks into the kernel of its own node', () => {
    const text = explained(objects, { client: 'shop/far', table: held(new Map([['10.1.0.1:8080', 1]])) });
    expect(text).toContain(
      '\nPod shop/far is on node node-b: this is what everybody gets on this one. Ask the agent there.\n',
    );
    expect(text).toContain("The kernel's tables say the same.");
  });
});

it('shows what is new with the weight that it has by now', () => {
  const objects = [service(), slice([endpoint('10.1.0.1'), endpoint('10.1.0.2')]), policy([], { slowStartMs: 1000 })];
  const since = (_: string, address: string) => (address === '10.1.0.2' ? 0 : undefined);
  expect(explained(objects, { slowStart: () => ({ nowMs: 0, since }) })).toContain(`\
  10.1.0.1:8080   90.91 % (100/110)  EndpointSlice web-1
  10.1.0.2:8080    9.09 % (10/110)   EndpointSlice web-1  new, at 10 % of its weight`);
});

it('says which error keeps a route as it was', () => {
  const complaint = (object: string) => ({ severity: 'error', object, path: 'spec', message: 'is wrong' }) as const;
  const reading = {
    synced: true,
    whole: true,
    complaints: [
      complaint('TCPRoute shop/split'),
      complaint('TrafficPolicy shop/turns'),
      complaint('Service shop/far'),
    ],
  };
  const objects = [
    service(),
    service({ name: 'far', clusterIPs: ['10.96.1.3'] }),
    ...V1,
    policy([], { name: 'turns', services: ['v1'] }),
    route([{ name: 'v1' }]),
  ];
  const text = explained(objects, { reading });
  expect(text).toContain('TCPRoute shop/split spec: is wrong');
  expect(text).toContain('TrafficPolicy shop/turns spec: is wrong');
  expect(text).not.toContain('Service shop/far spec: is wrong');
});
