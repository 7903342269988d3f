import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyEvents, type Cluster, type ClusterEvent, createCluster, inputFor } from '../../../src/core/cluster.ts';
import { desire } from '../../../src/core/desire/desire.ts';
import type { ClusterObject } from '../../../src/core/model/objects.ts';
import { endpoint, OUR_NODE, pod, policy, service, slice } from '../../helpers/objects.ts';
import { cgroup, destinationRule, grant, labelled, narrowed, route } from '../../helpers/route-objects.ts';

const put = (object: ClusterObject): ClusterEvent => ({ type: 'put', object });

const gone = ({ kind, namespace, name }: ClusterObject): ClusterEvent => ({
  type: 'delete',
  ref: { kind, namespace, name },
});

const clusterOf = (...objects: readonly ClusterObject[]): Cluster => {
  const cluster = createCluster();
  applyEvents(cluster, objects.map(put));
  return cluster;
};

describe('what must be looked at again', () => {
  const web = service();
  const webSlice = slice([endpoint('10.1.0.1')]);
  const webPolicy = policy([{ weight: 5 }], { services: ['web', 'cart'] });

  it.each<{
    change: string;
    before: readonly ClusterObject[];
    events: readonly ClusterEvent[];
    touched: readonly string[];
  }>([
    { change: 'a new Service touches itself', before: [], events: [put(web)], touched: ['shop/web'] },
    {
      change: 'an edited Service touches itself',
      before: [web],
      events: [put({ ...web, affinityTimeoutS: 9 })],
      touched: ['shop/web'],
    },
    { change: 'a Service that goes touches itself', before: [web], events: [gone(web)], touched: ['shop/web'] },
    { change: 'a Service that never was touches nothing', before: [], events: [gone(web)], touched: [] },
    { change: 'a slice touches its Service', before: [web], events: [put(webSlice)], touched: ['shop/web'] },
    {
      change: 'a slice touches its Service before that exists',
      before: [],
      events: [put(webSlice)],
      touched: ['shop/web'],
    },
    {
      change: 'an edited slice touches its Service',
      before: [webSlice],
      events: [put(slice([]))],
      touched: ['shop/web'],
    },
    {
      change: 'a slice whose label changes touches the old Service and the new one',
      before: [webSlice],
      events: [put({ ...webSlice, service: 'cart' })],
      touched: ['shop/cart', 'shop/web'],
    },
    {
      change: 'a slice that goes touches its Service',
      before: [webSlice],
      events: [gone(webSlice)],
      touched: ['shop/web'],
    },
    { change: 'a slice that never was touches nothing', before: [], events: [gone(webSlice)], touched: [] },
    {
      change: 'a policy touches all of its Services',
      before: [],
      events: [put(webPolicy)],
      touched: ['shop/cart', 'shop/web'],
    },
    {
      change: 'a policy with other targets touches the old ones and the new ones',
      before: [webPolicy],
      events: [put({ ...webPolicy, services: ['cart', 'idle'] })],
      touched: ['shop/cart', 'shop/idle', 'shop/web'],
    },
    {
      change: 'a policy that goes touches all of its Services',
      before: [webPolicy],
      events: [gone(webPolicy)],
      touched: ['shop/cart', 'shop/web'],
    },
    {
      change: 'a batch touches each Service once',
      before: [],
      events: [put(web), put(webSlice), put(webPolicy), gone(webPolicy)],
      touched: ['shop/cart', 'shop/web'],
    },
    {
      change: 'objects of one name in two namespaces are strangers',
      before: [web, webSlice],
      events: [put({ ...webSlice, namespace: 'bank' })],
      touched: ['bank/web'],
    },
  ])('$change', ({ before, events, touched }) => {
    const cluster = clusterOf(...before);
    expect([...applyEvents(cluster, events)].sort()).toEqual(touched);
  });
});

describe('what must be looked at again because of routes', () => {
  const split = route([{ name: 'v1' }, { namespace: 'bank', name: 'v2' }]);
  const narrowing = narrowed({ track: 'canary' }, { services: [], routes: [{ kind: 'TCPRoute', name: 'split' }] });
  const consumer = route([{ name: 'v1' }], { namespace: 'bank', name: 'consumer' });
  const client = (name: string, id: number | undefined): ClusterEvent => ({
    type: 'client',
    pod: name,
    client: id === undefined ? undefined : cgroup(id),
  });
  const web0 = pod({ labels: { track: 'canary' } });

  it.each<{
    change: string;
    before: readonly (ClusterObject | ClusterEvent)[];
    events: readonly ClusterEvent[];
    touched: readonly string[];
  }>([
    { change: 'a route touches its parents', before: [], events: [put(split)], touched: ['shop/web'] },
    {
      change: 'a route that gets another parent touches the old one and the new one',
      before: [split],
      events: [put(route([], { parents: [{ name: 'cart' }] }))],
      touched: ['shop/cart', 'shop/web'],
    },
    { change: 'a route that goes touches its parents', before: [split], events: [gone(split)], touched: ['shop/web'] },
    {
      change: 'a route of another kind and the same name is another one',
      before: [split],
      events: [gone({ ...split, kind: 'HTTPRoute' })],
      touched: [],
    },
    {
      change: 'a backend Service touches the parents whose routes lead to it',
      before: [split],
      events: [put(service({ name: 'v1' }))],
      touched: ['shop/v1', 'shop/web'],
    },
    {
      change: 'a slice of a backend does',
      before: [split],
      events: [put(slice([], { service: 'v2', namespace: 'bank' }))],
      touched: ['bank/v2', 'shop/web'],
    },
    {
      change: 'a policy of a backend does',
      before: [split],
      events: [put(policy([], { services: ['v1'] }))],
      touched: ['shop/v1', 'shop/web'],
    },
    {
      change: 'a DestinationRule touches its Service and such parents',
      before: [split],
      events: [put(destinationRule({ services: ['v1'] }))],
      touched: ['shop/v1', 'shop/web'],
    },
    {
      change: 'only the first level counts',
      before: [split, route([{ name: 'deep' }], { name: 'deep', parents: [{ name: 'v1' }] })],
      events: [put(service({ name: 'deep' }))],
      touched: ['shop/deep', 'shop/v1'],
    },
    {
      change: 'a backend that a route no longer has touches itself alone',
      before: [split, route([])],
      events: [put(service({ name: 'v1' }))],
      touched: ['shop/v1'],
    },
    {
      change: 'a grant touches the parents of routes that need it',
      before: [split, consumer],
      events: [put(grant({ namespace: 'bank' }))],
      touched: ['shop/web'],
    },
    {
      change: 'a grant that goes does',
      before: [split, grant({ namespace: 'bank' })],
      events: [gone(grant({ namespace: 'bank' }))],
      touched: ['shop/web'],
    },
    {
      change: 'a grant that no route needs touches nothing',
      before: [split],
      events: [put(grant({ namespace: 'shop' }))],
      touched: [],
    },
    {
      change: 'a policy that narrows a route touches its parents',
      before: [split],
      events: [put(narrowing)],
      touched: ['shop/web'],
    },
    {
      change: 'a policy that no longer does, too',
      before: [split, narrowing],
      events: [put({ ...narrowing, clients: undefined })],
      touched: ['shop/web'],
    },
    {
      change: 'a Pod touches nothing where nothing is narrowed',
      before: [split, client('shop/web-0', 1)],
      events: [put(web0)],
      touched: [],
    },
    {
      change: 'a Pod whose cgroup is known touches the parents of narrowed routes',
      before: [split, narrowing, client('shop/web-0', 1)],
      events: [put(web0)],
      touched: ['shop/web'],
    },
    {
      change: 'a Pod whose cgroup is not known touches nothing',
      before: [split, narrowing],
      events: [put(web0)],
      touched: [],
    },
    {
      change: 'a Pod whose addresses change, and not its labels, touches nothing',
      before: [split, narrowing, web0, client('shop/web-0', 1)],
      events: [put({ ...web0, addresses: ['10.1.0.9'] })],
      touched: [],
    },
    {
      change: 'a Pod that goes touches them',
      before: [split, narrowing, web0, client('shop/web-0', 1)],
      events: [gone(web0)],
      touched: ['shop/web'],
    },
    {
      change: 'a cgroup that is found touches them',
      before: [split, narrowing, web0],
      events: [client('shop/web-0', 1)],
      touched: ['shop/web'],
    },
    {
      change: 'a cgroup that is told again touches nothing',
      before: [split, narrowing, web0, client('shop/web-0', 1)],
      events: [client('shop/web-0', 1)],
      touched: [],
    },
    {
      change: 'a cgroup that is gone touches them',
      before: [split, narrowing, web0, client('shop/web-0', 1)],
      events: [client('shop/web-0', undefined)],
      touched: ['shop/web'],
    },
    {
      change: 'a cgroup touches the parents of consumer routes of its namespace',
      before: [consumer, pod({ namespace: 'bank' })],
      events: [client('bank/web-0', 1)],
      touched: ['shop/web'],
    },
    {
      change: 'a cgroup touches nothing of the consumer routes of other namespaces',
      before: [consumer, web0],
      events: [client('shop/web-0', 1)],
      touched: [],
    },
    {
      change: 'a cgroup touches Services with a policy for some clients, and what leads to them',
      before: [split, web0, narrowed({}, { services: ['v1'] })],
      events: [client('shop/web-0', 1)],
      touched: ['shop/v1', 'shop/web'],
    },
  ])('$change', ({ before, events, touched }) => {
    const cluster = createCluster();
    applyEvents(
      cluster,
      before.map((each) => ('kind' in each ? put(each) : each)),
    );
    expect([...applyEvents(cluster, events)].sort()).toEqual(touched);
  });

  it('leaves nothing behind', () => {
    const objects = [split, consumer, narrowing, grant(), destinationRule(), web0];
    const cluster = clusterOf(...objects);
    applyEvents(cluster, [client('shop/web-0', 1), client('shop/web-0', undefined), ...objects.map(gone)]);
    expect(cluster).toEqual(createCluster());
  });
});

describe('who asks for connections that go socket to socket', () => {
  const asking = pod({ name: 'a', sameNode: 'redirect' });
  const redirect = policy([], { sameNode: 'Redirect' });
  const everybody = { pods: new Set(['shop/a']), policies: new Set(['shop/weights']) };
  const nobody = { pods: new Set(), policies: new Set() };

  it.each<{ of: string; events: readonly ClusterEvent[]; wishes: object }>([
    { of: 'a Pod and a policy that do', events: [put(asking), put(redirect)], wishes: everybody },
    { of: 'those that do no more', events: [put({ ...asking, sameNode: '' }), put(policy([]))], wishes: nobody },
    {
      of: 'those that want TCP',
      events: [put({ ...asking, sameNode: 'plain' }), put(policy([], { sameNode: 'Plain' }))],
      wishes: nobody,
    },
    { of: 'those that are gone', events: [gone(asking), gone(redirect)], wishes: nobody },
    {
      of: 'a policy for some clients',
      events: [put(asking), put({ ...redirect, clients: { matchLabels: {}, matchExpressions: [] } })],
      wishes: { ...everybody, policies: new Set() },
    },
  ])('is known of $of', ({ events, wishes }) => {
    const cluster = clusterOf(asking, redirect);
    expect(cluster.wishes).toEqual(everybody);
    applyEvents(cluster, events);
    expect(cluster.wishes).toEqual(wishes);
  });
});

describe('the input for a Service', () => {
  it('is nothing while there is no such Service, however many slices name it', () => {
    expect(inputFor(clusterOf(slice([])), 'shop/web')).toBeUndefined();
  });

  it('holds its slices and policies, in the order of their names, and no others', () => {
    const web = service();
    const slices = [slice([], { name: 'a' }), slice([], { name: 'b' }), slice([], { name: 'c' })] as const;
    const policies = [policy([], { name: 'p' }), policy([], { name: 'q' })] as const;
    const cluster = clusterOf(
      slices[2],
      policies[1],
      slices[0],
      web,
      slices[1],
      policies[0],
      slice([], { name: 'd', service: 'cart' }),
      slice([], { name: 'e', namespace: 'bank' }),
      policy([], { name: 'r', services: ['cart'] }),
    );
    expect(inputFor(cluster, 'shop/web')).toEqual({ service: web, slices, policies });
  });

  it('stays as it was when the cluster changes afterwards', () => {
    const cluster = clusterOf(service(), slice([], { name: 'a' }));
    const before = inputFor(cluster, 'shop/web');
    applyEvents(cluster, [put(slice([], { name: 'b' })), gone(slice([], { name: 'a' }))]);
    expect(before?.slices.map(({ name }) => name)).toEqual(['a']);
    expect(inputFor(cluster, 'shop/web')?.slices.map(({ name }) => name)).toEqual(['b']);
  });

  it('takes up again what was there before its Service was made anew', () => {
    const cluster = clusterOf(service(), slice([]));
    applyEvents(cluster, [gone(service())]);
    applyEvents(cluster, [put(service({ clusterIPs: ['10.96.0.2'] }))]);
    expect(inputFor(cluster, 'shop/web')?.slices).toHaveLength(1);
  });

  it('a policy that names a Service twice counts once', () => {
    const cluster = clusterOf(service(), policy([], { services: ['web', 'web'] }));
    expect(inputFor(cluster, 'shop/web')?.policies).toHaveLength(1);
    applyEvents(cluster, [gone(policy([]))]);
    expect(cluster).toEqual(clusterOf(service()));
  });
});

describe('the state of a cluster', () => {
  const name = fc.constantFrom('a', 'b', 'c');
  const namespace = fc.constantFrom('shop', 'bank');
  const object: fc.Arbitrary<ClusterObject> = fc.oneof(
    fc.record({ namespace, name, affinityTimeoutS: fc.nat(3) }).map(service),
    fc.record({ namespace, name, service: name }).map((fields) => slice([endpoint('10.1.0.1')], fields)),
    fc
      .record({ namespace, name, services: fc.uniqueArray(name, { maxLength: 3 }) })
      .map((fields) => policy([], fields)),
    fc
      .record({
        namespace,
        name,
        services: fc.uniqueArray(name, { maxLength: 2 }),
        clients: fc.constantFrom(undefined, labelled({ track: 'canary' })),
        routes: fc.subarray([{ kind: 'TCPRoute', name: 'a' } as const]),
      })
      .map((fields) => policy([], fields)),
    fc.record({ namespace, name, services: fc.tuple(name) }).map(destinationRule),
    fc
      .record({
        kind: fc.constantFrom('TCPRoute', 'HTTPRoute'),
        namespace,
        name,
        parents: fc.array(fc.record({ namespace, name }), { maxLength: 2 }),
        backends: fc.array(fc.record({ namespace, name }), { maxLength: 2 }),
      })
      .map(({ backends, ...fields }) => route(backends, fields)),
    fc
      .record({ namespace, name, from: fc.record({ kind: fc.constant('TCPRoute' as const), namespace }) })
      .map(({ from, ...fields }) => grant({ ...fields, from: [from] })),
    fc
      .record({ namespace, name, track: fc.constantFrom('canary', 'stable') })
      .map(({ track, ...fields }) => pod({ ...fields, labels: { track } })),
  );
  const event = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(object, fc.boolean()).map(([each, exists]) => (exists ? put(each) : gone(each))) },
    {
      weight: 1,
      arbitrary: fc
        .record({ pod: fc.tuple(namespace, name), client: fc.constantFrom(undefined, cgroup(1), cgroup(2)) })
        .map((each): ClusterEvent => ({ type: 'client', pod: each.pod.join('/'), client: each.client })),
    },
  );

  const refOf = (each: Exclude<ClusterEvent, { type: 'client' }>) => (each.type === 'put' ? each.object : each.ref);
  const identity = (each: ClusterEvent): string => {
    if (each.type === 'client') return `client ${each.pod}`;
    const { kind, namespace, name } = refOf(each);
    return `${kind} ${namespace}/${name}`;
  };

  it('is that of the objects that exist at the end, in whatever order they came', () => {
    const shuffled = fc
      .array(event, { maxLength: 30 })
      .chain((events) =>
        fc.tuple(fc.constant(events), fc.array(fc.nat(), { minLength: events.length, maxLength: events.length })),
      );
    fc.assert(
      fc.property(shuffled, ([events, ranks]) => {
        const last = new Map(events.map((each) => [identity(each), each]));
        const shuffledLast = [...last.values()]
          .map((each, index) => ({ each, rank: ranks[index] ?? 0 }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ each }) => each);
        const inOrder = createCluster();
        for (const each of events) applyEvents(inOrder, [each]);
        const atOnce = createCluster();
        applyEvents(atOnce, shuffledLast);
        expect(inOrder).toEqual(atOnce);
      }),
    );
  });

  /** What clients are there for whom nothing is different makes no difference. */
  const answerOf = (cluster: Cluster, key: string) => {
    const input = inputFor(cluster, key);
    return input && { ...input, clients: undefined, desired: desire({ ...input, node: OUR_NODE }) };
  };

  it('changes for no Service that was not touched', () => {
    const many = fc.array(event, { maxLength: 40, size: 'max' });
    const keys = ['shop', 'bank'].flatMap((space) => ['a', 'b', 'c'].map((each) => `${space}/${each}`));
    fc.assert(
      fc.property(many, fc.array(event, { maxLength: 3 }), (before, events) => {
        const cluster = createCluster();
        applyEvents(cluster, before);
        const inputs = new Map(keys.map((key) => [key, answerOf(cluster, key)]));
        const touched = applyEvents(cluster, events);
        for (const key of keys) {
          if (!touched.has(key)) expect(answerOf(cluster, key)).toEqual(inputs.get(key));
        }
      }),
      { numRuns: 1000 },
    );
  });
});
