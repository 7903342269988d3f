import { describe, expect, it } from 'vitest';
import type { ClusterEvent } from '../../../../src/core/cluster.ts';
import { desire } from '../../../../src/core/desire/desire.ts';
import type { ClusterObject } from '../../../../src/core/model/objects.ts';
import { endpoint, OUR_NODE, pod, policy, service, slice } from '../../../helpers/objects.ts';
import {
  cgroup,
  destinationRule,
  grant,
  labelled,
  manyNarrowed,
  narrowed,
  route,
} from '../../../helpers/route-objects.ts';
import { check, desired, OWN, type Row, SHOP, V1, version } from './shop.ts';

const V2 = '10.96.0.1:80 -> 1 of shop/v2:80 (10.1.2.1:8080=1)';

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
