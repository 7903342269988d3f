import { describe, expect, test } from 'vitest';
import { complaintsOf, objectOf, read } from '../../../helpers/reading.ts';

const policy = (spec: object = {}, fields: object = {}) => ({
  apiVersion: 'shunt.dev/v1alpha1',
  kind: 'TrafficPolicy',
  metadata: { name: 'canary', namespace: 'shop' },
  spec: { targetRefs: [{ group: '', kind: 'Service', name: 'cart' }], ...spec },
  ...fields,
});

const route = (kind: string, name: string): object => ({ group: 'gateway.networking.k8s.io', kind, name });

describe('a TrafficPolicy that cannot be read', () => {
  const standInOf = (raw: object): unknown => {
    const result = read(raw);
    return result.outcome === 'rejected' ? result.standIn : 'not rejected';
  };

  test('stands for somebody unknown at the routes that it names', () => {
    const targetRefs = [{ kind: 'Service', name: 'cart' }, route('TCPRoute', 'beta')];
    const raw = policy({
      targetRefs,
      clients: { matchLabel: {} },
      endpointWeights: [{ weight: 2 }],
      algorithm: 'Maglev',
      sameNode: 'Redirect',
      firstResponseTime: 'Measure',
    });
    expect(standInOf(raw)).toEqual({
      kind: 'TrafficPolicy',
      namespace: 'shop',
      name: 'canary',
      createdAtMs: Number.POSITIVE_INFINITY,
      generation: 0,
      services: [],
      routes: [{ kind: 'TCPRoute', name: 'beta' }],
      algorithm: undefined,
      hashOn: 'Pod',
      endpointWeights: [],
      slowStartMs: 0,
      clients: { matchLabels: {}, matchExpressions: [] },
      ignored: [],
      standsIn: true,
    });
  });

  test('so does one of a version that there is not', () => {
    const raw = { ...policy({ targetRefs: [route('TCPRoute', 'beta')], clients: {} }), apiVersion: 'shunt.dev/v1' };
    expect(complaintsOf(raw)).toEqual(['error apiVersion: must be shunt.dev/v1alpha1']);
    expect(standInOf(raw)).toMatchObject({ standsIn: true });
  });

  test('stands for nothing when it is for Services alone', () => {
    expect(standInOf(policy({ algorithm: 'Random' }))).toBeUndefined();
  });

  const ROUTE = route('TCPRoute', 'beta');

  test.each<{ title: string; raw: object }>([
    { title: 'says nothing of clients', raw: policy({ targetRefs: [ROUTE] }) },
    { title: 'says only how to choose', raw: policy({ targetRefs: [ROUTE], algorithm: 'RoundRobin' }) },
    {
      title: 'is for a Service too, for everybody',
      raw: policy({ targetRefs: [{ kind: 'Service', name: 'cart' }, ROUTE], endpointWeights: [{ weight: 2 }] }),
    },
    { title: 'has a wrong value elsewhere', raw: policy({ targetRefs: [ROUTE], slowStart: { duration: 'long' } }) },
  ])('takes no route from anybody when it $title', ({ raw }) => {
    expect(standInOf(raw)).toBeUndefined();
  });

  test.each<{ title: string; raw: object }>([
    { title: 'has a field that may be meant for them', raw: policy({ targetRefs: [ROUTE], client: {} }) },
    { title: 'has them in the wrong place', raw: policy({ targetRefs: [ROUTE] }, { clients: {} }) },
    { title: 'has them at a target', raw: policy({ targetRefs: [{ ...ROUTE, clients: {} }] }) },
    { title: 'has them in a way that nobody can read', raw: policy({ targetRefs: [ROUTE], clients: 'testers' }) },
  ])('is for some clients, nobody knows which, when it $title', ({ raw }) => {
    expect(standInOf(raw)).toMatchObject({ standsIn: true });
  });
});

describe('TrafficPolicy', () => {
  test('is read whole', () => {
    const raw = policy(
      {
        targetRefs: [
          { kind: 'Service', name: 'cart' },
          { group: '', kind: 'Service', name: 'cart-canary' },
          route('TCPRoute', 'cart'),
        ],
        algorithm: 'Maglev',
        hashOn: 'SourceAddress',
        endpointWeights: [
          { pod: 'cart-canary-*', weight: 5 },
          { node: 'node-a', zone: 'zone-1', weight: 0 },
          { labels: { 'example.com/rack': 'r1', empty: '' }, weight: 3 },
          { weight: 1000 },
        ],
        slowStart: { duration: '1m30s' },
        clients: {
          matchLabels: { app: 'checkout', constructor: 'a' },
          matchExpressions: [
            { key: 'tier', operator: 'In', values: ['beta', 'alpha'] },
            { key: 'example.com/old', operator: 'DoesNotExist' },
          ],
        },
      },
      {
        metadata: { name: 'canary', namespace: 'shop', generation: 7, creationTimestamp: '2026-11-22T22:51:17Z' },
        status: { ancestors: [] },
      },
    );
    expect(complaintsOf(raw)).toEqual([]);
    expect(objectOf(raw)).toEqual({
      kind: 'TrafficPolicy',
      namespace: 'shop',
      name: 'canary',
      createdAtMs: Date.UTC(2026, 10, 22, 22, 51, 17),
      generation: 7,
      services: ['cart', 'cart-canary'],
      routes: [{ kind: 'TCPRoute', name: 'cart' }],
      algorithm: 'Maglev',
      hashOn: 'SourceAddress',
      endpointWeights: [
        { pod: 'cart-canary-*', weight: 5 },
        { node: 'node-a', zone: 'zone-1', weight: 0 },
        { labels: { 'example.com/rack': 'r1', empty: '' }, weight: 3 },
        { weight: 1000 },
      ],
      slowStartMs: 90_000,
      clients: {
        matchLabels: { app: 'checkout', constructor: 'a' },
        matchExpressions: [
          { key: 'tier', operator: 'In', values: ['beta', 'alpha'] },
          { key: 'example.com/old', operator: 'DoesNotExist', values: [] },
        ],
      },
      ignored: [],
    });
  });

  test('with a target alone leaves everything to others', () => {
    expect(objectOf(policy())).toEqual({
      kind: 'TrafficPolicy',
      namespace: 'shop',
      name: 'canary',
      createdAtMs: Number.POSITIVE_INFINITY,
      generation: 0,
      services: ['cart'],
      routes: [],
      algorithm: undefined,
      hashOn: 'Pod',
      endpointWeights: [],
      slowStartMs: 0,
      clients: undefined,
      ignored: [],
    });
  });

  test.each(['Redirect', 'Plain'])('says %s of connections on one node', (sameNode) => {
    const raw = policy({ sameNode });
    expect(complaintsOf(raw)).toEqual([]);
    expect(objectOf(raw)).toMatchObject({ sameNode });
  });

  test.each(['Measure', 'Ignore'])('says %s of first response times', (firstResponseTime) => {
    const raw = policy({ firstResponseTime });
    expect(complaintsOf(raw)).toEqual([]);
    expect(objectOf(raw)).toMatchObject({ firstResponseTime });
  });

  test('has the defaults of its definition', () => {
    expect(objectOf(policy({ targetRefs: [{ name: 'cart' }], slowStart: {} }))).toMatchObject({
      services: ['cart'],
      slowStartMs: 30_000,
    });
  });

  test.each(['1s', '4s999ms'])(
    'that was stored with a slow start of %s, as was right before, has one of 5 s',
    (duration) => {
      const raw = policy({ slowStart: { duration } });
      expect(objectOf(raw)).toMatchObject({ slowStartMs: 5000 });
      expect(complaintsOf(raw)).toEqual([
        `warning spec.slowStart.duration: must be 5s to 1h, is "${duration}": it counts as 5s`,
      ]);
    },
  );

  test.each<{ title: string; entries: readonly object[]; says: readonly (readonly [index: number, by: number])[] }>([
    {
      title: 'one for all',
      entries: [{ weight: 1 }, { pod: 'a', weight: 2 }, { zone: 'z', weight: 2 }],
      says: [
        [1, 0],
        [2, 0],
      ],
    },
    {
      title: 'the same',
      entries: [
        { pod: 'a-*', weight: 1 },
        { pod: 'a-*', weight: 2 },
      ],
      says: [[1, 0]],
    },
    {
      title: 'a wider pattern',
      entries: [
        { pod: 'a-*', weight: 1 },
        { pod: 'a-b*-c', weight: 2 },
      ],
      says: [[1, 0]],
    },
    {
      title: 'a narrower pattern',
      entries: [
        { pod: 'a-b*', weight: 1 },
        { pod: 'a-*', weight: 2 },
      ],
      says: [],
    },
    {
      title: 'another field',
      entries: [
        { node: 'a', weight: 1 },
        { zone: 'a', weight: 2 },
      ],
      says: [],
    },
    {
      title: 'one field of two',
      entries: [
        { zone: 'z', weight: 1 },
        { zone: 'z', pod: 'a', weight: 2 },
      ],
      says: [[1, 0]],
    },
    {
      title: 'a field more',
      entries: [
        { zone: 'z', pod: 'a', weight: 1 },
        { zone: 'z', weight: 2 },
      ],
      says: [],
    },
    {
      title: 'labels',
      entries: [
        { weight: 3, labels: { a: '1' } },
        { weight: 2, labels: { a: '1', b: '2' } },
        { weight: 2, labels: { b: '2' } },
      ],
      says: [[1, 0]],
    },
  ])('warns of entries that never count, as an earlier one matches first: $title', ({ entries, says }) => {
    expect(complaintsOf(policy({ endpointWeights: entries }))).toEqual(
      says.map(
        ([index, by]) =>
          `warning spec.endpointWeights[${index}]: never counts: spec.endpointWeights[${by}] matches all of it first`,
      ),
    );
  });

  test('is for the clients of routes of each kind', () => {
    const kinds = ['GRPCRoute', 'HTTPRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute'];
    const raw = policy({ targetRefs: kinds.map((kind) => route(kind, 'canary.v2')), clients: {} });
    expect(objectOf(raw)).toMatchObject({
      services: [],
      routes: kinds.map((kind) => ({ kind, name: 'canary.v2' })),
      clients: { matchLabels: {}, matchExpressions: [] },
    });
  });

  test.each([
    [
      'an unknown field',
      policy({}, { specs: {} }),
      'specs: is not a field of a TrafficPolicy; here are apiVersion, kind, metadata, spec, status: is spec meant?',
    ],
    [
      'a field in capitals',
      policy({ EndpointWeights: [] }),
      'spec.EndpointWeights: is not a field of a TrafficPolicy; here are targetRefs, algorithm, hashOn, endpointWeights, ' +
        'slowStart, sameNode, firstResponseTime, clients: is endpointWeights meant?',
    ],
    [
      'an unknown field of spec',
      policy({ endpointWeight: [] }),
      'spec.endpointWeight: is not a field of a TrafficPolicy',
    ],
    [
      'an unknown field of a weight',
      policy({ endpointWeights: [{ pods: 'a', weight: 1 }] }),
      'spec.endpointWeights[0].pods: is not a field',
    ],
    [
      'an unknown field of a target',
      policy({ targetRefs: [{ kind: 'Service', name: 'cart', namespace: 'x' }] }),
      'spec.targetRefs[0].namespace: is not a field',
    ],
    ['no spec', policy({}, { spec: null }), 'spec.targetRefs: must name at least one Service or route'],
    ['no target', policy({ targetRefs: [] }), 'spec.targetRefs: must name at least one Service or route'],
    [
      'a target of another kind',
      policy({ targetRefs: [{ kind: 'Gateway', name: 'cart' }] }),
      'spec.targetRefs[0].kind: must be Service, GRPCRoute, HTTPRoute, TLSRoute, TCPRoute or UDPRoute, is "Gateway"',
    ],
    [
      'a target of another group',
      policy({ targetRefs: [{ group: 'v1', kind: 'Service', name: 'cart' }] }),
      'spec.targetRefs[0].group: must be "", the group of Service, is "v1"',
    ],
    [
      'a target without name',
      policy({ targetRefs: [{ kind: 'Service' }] }),
      'spec.targetRefs[0].name: must be at most 63',
    ],
    [
      'a target twice',
      policy({
        targetRefs: [
          { kind: 'Service', name: 'cart' },
          { kind: 'Service', name: 'cart' },
        ],
      }),
      'spec.targetRefs[1].name: "cart" is the name of an earlier target',
    ],
    ['no weight', policy({ endpointWeights: [{ pod: 'a' }] }), 'spec.endpointWeights[0].weight: is missing'],
    [
      'a negative weight',
      policy({ endpointWeights: [{ weight: -1 }] }),
      'spec.endpointWeights[0].weight: must be 0 to 1000, is -1',
    ],
    [
      'a weight of 1001',
      policy({ endpointWeights: [{ weight: 1001 }] }),
      'spec.endpointWeights[0].weight: must be 0 to 1000, is 1001',
    ],
    [
      'a percentage',
      policy({ endpointWeights: [{ weight: '5%' }] }),
      'spec.endpointWeights[0].weight: must be a whole number, is "5%"',
    ],
    [
      'an empty pattern',
      policy({ endpointWeights: [{ pod: '', weight: 1 }] }),
      'spec.endpointWeights[0].pod: must not be empty',
    ],
    [
      'an unknown algorithm',
      policy({ algorithm: 'Random' }),
      'spec.algorithm: must be WeightedRandom, RoundRobin, LeastConnections, PeakEwma or Maglev, is "Random"',
    ],
    ['hashOn and no algorithm', policy({ hashOn: 'Pod' }), 'spec.hashOn: is for algorithm Maglev only'],
    [
      'a route without its group',
      policy({ targetRefs: [{ kind: 'TCPRoute', name: 'cart' }], clients: {} }),
      'spec.targetRefs[0].group: must be "gateway.networking.k8s.io", the group of TCPRoute, is ""',
    ],
    [
      'a route for everybody',
      policy({ targetRefs: [route('TCPRoute', 'cart')] }),
      'spec.clients: is missing: a policy says of a route whose connections it is for; nothing changes for the route',
    ],
    [
      'an algorithm for a route alone',
      policy({ targetRefs: [route('TCPRoute', 'cart')], clients: {}, algorithm: 'RoundRobin' }),
      'spec.algorithm: is for Services, and the policy is for routes alone',
    ],
    [
      'a time without unit',
      policy({ slowStart: { duration: '30' } }),
      'spec.slowStart.duration: must be a duration such as "30s" or "1m30s", is "30"',
    ],
    [
      'a start of more than an hour',
      policy({ slowStart: { duration: '1h1ms' } }),
      'spec.slowStart.duration: must be 5s to 1h, is "1h1ms"',
    ],
    [
      'an unknown field of a selector',
      policy({ clients: { labels: {} } }),
      'spec.clients.labels: is not a field of a TrafficPolicy; here are matchLabels, matchExpressions',
    ],
    [
      'an unknown operator',
      policy({ clients: { matchExpressions: [{ key: 'a', operator: 'Is' }] } }),
      'spec.clients.matchExpressions[0].operator: must be In, NotIn, Exists or DoesNotExist, is "Is"',
    ],
    [
      'no values to be in',
      policy({ clients: { matchExpressions: [{ key: 'a', operator: 'In' }] } }),
      'spec.clients.matchExpressions[0].values: must not be empty with operator In',
    ],
    [
      'values to exist',
      policy({ clients: { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] } }),
      'spec.clients.matchExpressions[0].values: must be empty with operator Exists',
    ],
    [
      'a key that is no name',
      policy({ clients: { matchLabels: { 'a/b/c': 'd' } } }),
      'spec.clients.matchLabels.a/b/c: must be a name of a label such as "app" or "example.com/app", is "a/b/c"',
    ],
    [
      'a value that is no text',
      policy({ endpointWeights: [{ labels: { a: 5 }, weight: 1 }] }),
      'spec.endpointWeights[0].labels.a: must be a string, is 5',
    ],
    [
      'a label that is named as a property of every object',
      policy({ clients: JSON.parse('{"matchLabels":{"__proto__":"a"}}') }),
      'spec.clients.matchLabels.__proto__: must be a name',
    ],
  ])('with %s is rejected', (_, raw, complaint) => {
    expect(read(raw).outcome).toBe('rejected');
    expect(complaintsOf(raw)).toEqual([expect.stringContaining(`error ${complaint}`)]);
  });
});
