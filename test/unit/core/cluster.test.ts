import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyEvents, type Cluster, type ClusterEvent, createCluster, inputFor } from '../../../src/core/cluster.ts';
import type { ClusterObject } from '../../../src/core/model/objects.ts';
import { endpoint, policy, service, slice } from '../../helpers/objects.ts';

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
    fc.record({ namespace, name, service: name }).map((fields) => slice([], fields)),
    fc
      .record({ namespace, name, services: fc.uniqueArray(name, { maxLength: 3 }) })
      .map((fields) => policy([], fields)),
  );
  const event = fc.tuple(object, fc.boolean()).map(([each, exists]) => (exists ? put(each) : gone(each)));

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

  it('changes for no Service that was not touched', () => {
    const keys = ['shop', 'bank'].flatMap((space) => ['a', 'b', 'c'].map((each) => `${space}/${each}`));
    fc.assert(
      fc.property(fc.array(event, { maxLength: 20 }), fc.array(event, { maxLength: 3 }), (before, events) => {
        const cluster = createCluster();
        applyEvents(cluster, before);
        const inputs = new Map(keys.map((key) => [key, inputFor(cluster, key)]));
        const touched = applyEvents(cluster, events);
        for (const key of keys) {
          if (!touched.has(key)) expect(inputFor(cluster, key)).toEqual(inputs.get(key));
        }
      }),
    );
  });
});
