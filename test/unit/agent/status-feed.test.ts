import { describe, expect, test } from 'vitest';
import { StatusFeed } from '../../../src/agent/status-feed.ts';
import { applyEvents, createCluster } from '../../../src/core/cluster.ts';
import type { ClusterObject, ObjectRef } from '../../../src/core/model/objects.ts';
import type { RejectedObject, WantedStatus } from '../../../src/core/status/wanted.ts';
import { backend, endpoint, node, OUR_NODE, pod, policy, route, service, slice } from '../../helpers/objects.ts';

/** The texts of statuses are those of `core/status`; this is about when they are told. */

const stage = () => {
  const cluster = createCluster();
  const told: (readonly WantedStatus[])[] = [];
  let rejected: readonly RejectedObject[] = [];
  const source = { want: (statuses: readonly WantedStatus[]) => void told.push(statuses), rejected: () => rejected };
  const feed = new StatusFeed({ source, cluster, node: OUR_NODE });
  const put = (...objects: readonly ClusterObject[]): number => {
    const events = objects.map((object) => ({ type: 'put', object }) as const);
    applyEvents(cluster, events);
    feed.note(events);
    feed.feed();
    return told.length;
  };
  const remove = (ref: ObjectRef): number => {
    applyEvents(cluster, [{ type: 'delete', ref }]);
    feed.note([{ type: 'delete', ref }]);
    feed.feed();
    return told.length;
  };
  const reject = (objects: readonly RejectedObject[]): number => {
    rejected = objects;
    feed.feed();
    return told.length;
  };
  return { told, put, remove, reject };
};

const namesOf = (statuses: readonly WantedStatus[] = []) => statuses.map(({ ref }) => `${ref.kind} ${ref.name}`);

const CANARY = route({ name: 'canary', backends: [backend('web-v2')] });

describe('statuses are told', () => {
  test('of all routes and policies, the first time however few there are', () => {
    const { told, put } = stage();
    expect(put()).toBe(1);
    expect(put(service(), CANARY, policy([]))).toBe(2);
    expect(told.map(namesOf)).toEqual([[], ['TCPRoute canary', 'TrafficPolicy weights']]);
  });

  test.each<{ title: string; object: ClusterObject }>([
    { title: 'a route', object: { ...CANARY, generation: 2 } },
    { title: 'a policy', object: policy([], { name: 'other' }) },
    { title: 'the parent of a route', object: service() },
    { title: 'the backend of a route', object: service({ name: 'web-v2' }) },
    { title: 'the target of a policy', object: service({ name: 'target' }) },
  ])('anew when $title comes, changes or goes', ({ object }) => {
    const { put, remove } = stage();
    put(CANARY, policy([], { name: 'targeting', services: ['target'] }));
    expect(put(object)).toBe(2);
    expect(put(object)).toBe(3);
    expect(remove(object)).toBe(4);
  });

  test.each<{ title: string; object: ClusterObject }>([
    { title: 'endpoints', object: slice([endpoint('10.1.0.1')]) },
    { title: 'Pods', object: pod() },
    { title: 'the node', object: node({ zone: 'a' }) },
    { title: 'a Service that neither is about', object: service({ name: 'else' }) },
  ])('not for $title', ({ object }) => {
    const { put, remove } = stage();
    put(service(), CANARY, policy([]));
    expect(put(object)).toBe(1);
    expect(remove(object)).toBe(1);
  });

  test('anew when others cannot be read, and while there are such for any Service', () => {
    const { told, put, reject } = stage();
    put(service());
    const ref = { kind: 'TrafficPolicy', apiVersion: 'shunt.dev/v1alpha1', namespace: 'shop', name: 'bad' } as const;
    const targets = [{ kind: 'Service', name: 'else' }] as const;
    expect(reject([{ ref: { ...ref, generation: 1 }, complaints: [], targets }])).toBe(2);
    expect(namesOf(told[1])).toEqual(['TrafficPolicy bad']);
    expect(put(service({ name: 'else' }))).toBe(3);
  });
});

test('a source that takes no status is told none', () => {
  const cluster = createCluster();
  applyEvents(cluster, [{ type: 'put', object: CANARY }]);
  const feed = new StatusFeed({ source: {}, cluster, node: OUR_NODE });
  expect(() => feed.feed()).not.toThrow();
});
