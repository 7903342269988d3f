import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { WantedStatus } from '../../src/core/status/wanted.ts';
import { serviceAccount } from '../../src/sources/kubernetes/access.ts';
import { createClient } from '../../src/sources/kubernetes/client.ts';
import { createReflector, type Reflector } from '../../src/sources/kubernetes/reflector.ts';
import { resourcesFor } from '../../src/sources/kubernetes/resources.ts';
import { Statuses } from '../../src/sources/kubernetes/status/statuses.ts';
import { systemClock } from '../../src/sources/kubernetes/timing.ts';
import { retryUntil } from '../helpers/retry.ts';
import { QUICK_ELECTION } from '../kubernetes/status-scene.ts';
import { requestToken } from './agent-side.ts';
import { type RealCluster, startRealCluster } from './real-cluster.ts';
import { putRouteDefinition, removeRouteDefinition, routesIn } from './route-definitions.ts';

/** With no more rights than the manifests give. */

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';

let cluster: RealCluster;
let directory: string;
let agents: Statuses[];
let ends: (() => Promise<void>)[];

beforeAll(async () => {
  cluster = await startRealCluster();
  await cluster.apply('deploy/kustomize/base/access.yaml');
  await cluster.apply('deploy/kustomize/base/traffic-policies.yaml');
  await putRouteDefinition(cluster, ['v1']);
  directory = mkdtempSync(`${tmpdir()}/shunt-status-`);
  copyFileSync(`${cluster.directory}/ca.crt`, `${directory}/ca.crt`);
  writeFileSync(`${directory}/token`, await requestToken(cluster));
});

afterAll(async () => {
  rmSync(directory, { recursive: true, force: true });
  await cluster?.[Symbol.asyncDispose]();
});

beforeEach(() => {
  agents = [];
  ends = [];
});

afterEach(async () => {
  for (const end of ends) await end();
});

test('one of ten agents takes the lease, and the next one when that one stops', async () => {
  await putRoute('web');
  for (let index = 0; index < 10; index++) openAgent(`node-${index}`).want([wantedRoute('web')]);
  await retryUntil(() => leaders().length === 1, { timeoutMs: 10_000 });
  const { spec, metadata } = (await cluster.call('GET', `${LEASES}/shunt-status`)).body;
  expect(spec).toMatchObject({ leaseDurationSeconds: 1, holderIdentity: leaders()[0]?.status().leader });
  expect(metadata.name).toBe('shunt-status');
  await leaders()[0]?.stop();
  expect((await cluster.call('GET', `${LEASES}/shunt-status`)).body.spec.holderIdentity).toBe('');
  await retryUntil(() => leaders().length === 1, { timeoutMs: 10_000 });
});

test('the status of a route is written beside that of others, changed, and taken back', async () => {
  await putRoute('cart');
  const foreign = { controllerName: 'example.com/gateway', parentRef: { name: 'gateway' } };
  const path = `${routesIn('v1', 'shop')}/cart/status`;
  await cluster.patch(path, { status: { parents: [foreign] } });
  const statuses = openAgent('node-0');
  statuses.want([wantedRoute('cart')]);
  await retryUntil(async () => (await parents('cart')).length === 2, { timeoutMs: 10_000 });
  // The server adds defaults to what others wrote; ours says all that it has to say.
  expect((await parents('cart'))[0]).toMatchObject(foreign);
  expect((await parents('cart'))[1]).toMatchObject({
    controllerName: 'shunt.dev/agent',
    parentRef: { group: '', kind: 'Service', name: 'web' },
    conditions: [{ type: 'Accepted', status: 'True', observedGeneration: 1 }],
  });
  await retryUntil(() => statuses.status().pending === 0);
  statuses.want([wantedRoute('cart', 'other words')]);
  await retryUntil(async () => (await parents('cart'))[1]?.conditions[0].message === 'other words');
  statuses.want([]);
  await retryUntil(async () => (await parents('cart')).length === 1);
  expect(statuses.status().writes).toMatchObject({ written: 3, failed: 0, undone: 0 });
});

test('the status of a policy is written as its definition has it', async () => {
  await cluster.create('/apis/shunt.dev/v1alpha1/namespaces/shop/trafficpolicies', {
    apiVersion: 'shunt.dev/v1alpha1',
    kind: 'TrafficPolicy',
    metadata: { name: 'weights' },
    spec: { targetRefs: [{ kind: 'Service', name: 'web' }], endpointWeights: [{ pod: 'web-*', weight: 3 }] },
  });
  const statuses = openAgent('node-0');
  const route = wantedRoute('weights');
  const ref = { ...route.ref, kind: 'TrafficPolicy', apiVersion: 'shunt.dev/v1alpha1' } as const;
  statuses.want([{ ref, kind: 'ancestors', entries: route.entries }]);
  await retryUntil(() => statuses.status().pending === 0 && statuses.status().isLeader, { timeoutMs: 10_000 });
  expect(statuses.complaints()).toEqual([]);
});

test('routes are followed from one version to another, and none is deleted by that', async () => {
  await putRoute('web');
  const told: string[] = [];
  const reflector = followRoutes(told);
  await retryUntil(() => told.includes('synced'), { timeoutMs: 10_000 });
  expect(reflector.status().apiVersion).toBe('gateway.networking.k8s.io/v1');
  const before = told.splice(0);
  await putRouteDefinition(cluster, ['v1alpha2']);
  await retryUntil(() => reflector.status().apiVersion === 'gateway.networking.k8s.io/v1alpha2', { timeoutMs: 30_000 });
  await retryUntil(() => told.includes('put web v1alpha2'), { timeoutMs: 10_000 });
  await putRouteDefinition(cluster, ['v1', 'v1alpha2']);
  await putRouteDefinition(cluster, ['v1']);
  await retryUntil(() => told.includes('put web v1'), { timeoutMs: 30_000 });
  expect(before).toContain('put web v1');
  expect(told.filter((line) => line.startsWith('delete'))).toEqual([]);
  await removeRouteDefinition(cluster);
  await retryUntil(() => told.includes('delete web'), { timeoutMs: 30_000 });
  await retryUntil(() => reflector.status().apiVersion === undefined, { timeoutMs: 30_000 });
  await putRouteDefinition(cluster, ['v1alpha2']);
  await cluster.create(routesIn('v1alpha2', 'shop'), routeOf('back', 'v1alpha2'));
  await retryUntil(() => told.includes('put back v1alpha2'), { timeoutMs: 30_000 });
});

const openAgent = (name: string): Statuses => {
  const client = createClient(serviceAccount({ server: cluster.url, directory }), name);
  const statuses = new Statuses({
    client,
    clock: systemClock,
    random: Math.random,
    namespace: 'kube-system',
    nodeName: name,
    resourceOf: (kind) => resourcesFor(name).find((resource) => resource.kind === kind)?.name,
    timing: QUICK_ELECTION,
    onComplaints: () => {},
  });
  agents.push(statuses);
  ends.push(async () => {
    await statuses.stop();
    client.close();
  });
  return statuses;
};

const leaders = (): readonly Statuses[] => agents.filter((statuses) => statuses.status().isLeader);

const followRoutes = (told: string[]): Reflector => {
  const client = createClient(serviceAccount({ server: cluster.url, directory }));
  const reflector = createReflector<string>({
    client,
    resource: resourcesFor('node-a').find(({ name }) => name === 'tcproutes')!,
    project: (raw) => (raw as { readonly apiVersion: string }).apiVersion.split('/')[1] ?? '',
    handler: {
      onEvents: (events) => {
        for (const event of events) {
          told.push(event.type === 'put' ? `put ${event.name} ${event.object}` : `delete ${event.name}`);
        }
      },
      onSynced: () => told.push('synced'),
      onTrouble: (error) => told.push(error === undefined ? 'well' : `trouble ${error.message}`),
    },
    timing: { absentMs: 500, absentMaxMs: 500, backoffMaxMs: 1000 },
  });
  reflector.start();
  ends.push(async () => {
    await reflector.stop();
    client.close();
  });
  return reflector;
};

const routeOf = (name: string, version: string): object => ({
  apiVersion: `gateway.networking.k8s.io/${version}`,
  kind: 'TCPRoute',
  metadata: { name },
  spec: { parentRefs: [{ group: '', kind: 'Service', name: 'web' }] },
});

const putRoute = async (name: string): Promise<void> => {
  if ((await cluster.call('GET', `${routesIn('v1', 'shop')}/${name}`)).status === 404) {
    await cluster.create(routesIn('v1', 'shop'), routeOf(name, 'v1'));
  }
};

const parents = async (name: string) => {
  const { body } = await cluster.call('GET', `${routesIn('v1', 'shop')}/${name}`);
  return body.status?.parents ?? [];
};

const wantedRoute = (name: string, message = ''): WantedStatus => ({
  ref: { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'TCPRoute', namespace: 'shop', name, generation: 1 },
  kind: 'parents',
  entries: [
    {
      of: { group: '', kind: 'Service', namespace: 'shop', name: 'web' },
      conditions: [{ type: 'Accepted', status: 'True', reason: 'Accepted', message, observedGeneration: 1 }],
    },
  ],
});
