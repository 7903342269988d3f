import { expect, test } from 'vitest';
import type { RejectedObject, WantedStatus } from '../../src/core/status/wanted.ts';
import type { NewObject, RawObject } from '../helpers/api-server/resources.ts';
import { policy } from '../helpers/objects.ts';
import { retryUntil } from '../helpers/retry.ts';
import { type ClusterScene, OBJECTS, openCluster, openFollowed } from './cluster-scene.ts';
import { QUICK_ELECTION } from './status-scene.ts';

const WRITING = { leaseNamespace: 'kube-system', electionTiming: QUICK_ELECTION };

test('the source writes what is wanted into the status of a policy, and gives the lease back when it is stopped', async () => {
  await using scene = await openFollowed('watch-list', WRITING);
  scene.source.want?.([wanted('weights')]);
  await retryUntil(() => ancestors(scene).length === 1);
  expect(ancestors(scene)).toMatchObject([
    {
      controllerName: 'shunt.dev/agent',
      ancestorRef: { kind: 'Service', name: 'web' },
      conditions: [{ reason: 'Accepted' }],
    },
  ]);
  await retryUntil(() => scene.source.statusWriting?.()?.pending === 0);
  expect(scene.source.statusWriting?.()).toMatchObject({ isLeader: true, writes: { written: 1, failed: 0 } });
  expect(scene.source.statusWriting?.()?.leader).toMatch(/^node-a_/);
  await scene.source.stop();
  expect(lease(scene)?.spec).toMatchObject({ holderIdentity: '' });
});

test('the source notices by its watch that somebody took what it wrote away', async () => {
  await using scene = await openFollowed('watch-list', WRITING);
  scene.source.want?.([wanted('weights')]);
  await retryUntil(() => ancestors(scene).length === 1);
  scene.put(policy([{ weight: 1 }]));
  expect(ancestors(scene)).toEqual([]);
  await retryUntil(() => ancestors(scene).length === 1);
});

test('a source that may write nothing says so among the complaints, and is in no trouble', async () => {
  const forbidden = [{ resource: 'leases', verb: 'get' }] as const;
  await using scene = await openFollowed('watch-list', { ...WRITING, server: { forbidden } });
  scene.source.want?.([wanted('weights')]);
  await retryUntil(() => scene.mirror.complaints.length > 0);
  expect(scene.mirror.complaints).toMatchObject([{ severity: 'warning', object: 'Lease kube-system/shunt-status' }]);
  expect(scene.mirror.trouble).toBeUndefined();
  scene.put(policy([{ weight: 5 }]));
  await scene.mirror.equal();
});

test('what a route that is a Gateway’s by now still says of us is taken back, though nothing else is wanted', async () => {
  await using scene = await openFollowed('watch-list', { ...WRITING, server: { served: { tcproutes: ['v1'] } } });
  const ours = { controllerName: 'shunt.dev/agent', parentRef: { kind: 'Service', name: 'web' }, conditions: [] };
  const theirs = { ...ours, controllerName: 'example.com/gateway' };
  const parents = () => {
    const { status } = scene.server.store.get('tcproutes', 'shop/left') as RawObject;
    return (status as { readonly parents: readonly object[] }).parents;
  };
  scene.server.store.put('tcproutes', {
    metadata: { name: 'left', namespace: 'shop', generation: 2 },
    spec: { parentRefs: [{ name: 'gateway' }], rules: [{ backendRefs: [{ name: 'web', port: 80 }] }] },
    status: { parents: [theirs, ours] },
  });
  scene.source.want?.([]);
  await retryUntil(() => parents().length === 1);
  expect(parents()).toEqual([theirs]);
  await retryUntil(() => lease(scene)?.spec !== undefined && scene.source.statusWriting?.()?.isLeader === false);
});

test('what is said of statuses stays when Pods are told after all the rest', async () => {
  const lease = { resource: 'leases', verb: 'get' } as const;
  const pods = [
    { resource: 'pods', verb: 'list' },
    { resource: 'pods', verb: 'watch' },
  ] as const;
  const objects = OBJECTS.filter(({ kind }) => kind !== 'Pod');
  await using scene = await openFollowed('watch-list', {
    ...WRITING,
    objects,
    server: { forbidden: [lease, ...pods] },
  });
  scene.source.want?.([wanted('weights')]);
  await retryUntil(() => scene.mirror.complaints.length > 0);
  scene.server.behaviour.forbidden = [lease];
  await retryUntil(() => scene.source.watches?.().find(({ resource }) => resource === 'pods')?.synced === true);
  expect(scene.mirror.complaints).toMatchObject([{ object: 'Lease kube-system/shunt-status' }]);
});

test('without a namespace for a lease nobody writes', async () => {
  await using scene = await openFollowed('watch-list');
  scene.source.want?.([wanted('weights')]);
  expect(scene.source.statusWriting?.()).toBeUndefined();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(scene.server.objectRequests).toEqual([]);
});

test('a policy that cannot be read is told with what its status needs, and anew with each generation', async () => {
  await using scene = await openCluster('watch-list');
  const put = (generation: number, spec: object): RawObject =>
    scene.server.store.put('trafficpolicies', { metadata: { name: 'odd', namespace: 'shop', generation }, spec });
  put(3, {
    targetRefs: [{ kind: 'Service', name: 'web' }, { kind: 'Gateway', name: 'no' }, 7],
    endpointWeights: 'none',
  });
  await scene.mirror.followed();
  const [rejected] = scene.source.rejected?.() ?? [];
  expect(rejected).toMatchObject({
    ref: { kind: 'TrafficPolicy', namespace: 'shop', name: 'odd', apiVersion: 'shunt.dev/v1alpha1', generation: 3 },
    targets: [{ kind: 'Service', name: 'web' }],
  } satisfies Partial<RejectedObject>);
  expect(rejected?.complaints[0]).toMatchObject({ severity: 'error', object: 'TrafficPolicy shop/odd' });
  const list = scene.source.rejected?.();
  const told = scene.mirror.changes;
  put(4, {
    targetRefs: [{ kind: 'Service', name: 'web' }, { kind: 'Gateway', name: 'no' }, 7],
    endpointWeights: 'none',
  });
  await retryUntil(() => scene.source.rejected?.()[0]?.ref.generation === 4);
  expect(scene.source.rejected?.()).not.toBe(list);
  expect(scene.mirror.changes).toBeGreaterThan(told);
  scene.put(policy([{ weight: 1 }], { name: 'odd' }));
  await retryUntil(() => scene.source.rejected?.().length === 0);
});

const ancestors = (scene: ClusterScene): readonly object[] => {
  const { status } = scene.server.store.get('trafficpolicies', 'shop/weights') as RawObject;
  return (status as { readonly ancestors?: readonly object[] } | undefined)?.ancestors ?? [];
};

const lease = (scene: ClusterScene): NewObject | undefined =>
  scene.server.store.get('leases', 'kube-system/shunt-status');

const wanted = (name: string): WantedStatus => ({
  ref: { apiVersion: 'shunt.dev/v1alpha1', kind: 'TrafficPolicy', namespace: 'shop', name, generation: 1 },
  kind: 'ancestors',
  entries: [
    {
      of: { group: '', kind: 'Service', namespace: 'shop', name: 'web' },
      conditions: [{ type: 'Accepted', status: 'True', reason: 'Accepted', message: '', observedGeneration: 1 }],
    },
  ],
});
