import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { versionQuery } from '../../src/sources/kubernetes/query.ts';
import { resourcesFor } from '../../src/sources/kubernetes/resources.ts';
import { retryUntil } from '../helpers/retry.ts';
import { type AgentSide, openAgentSide } from './agent-side.ts';
import { putNode, putService, setEndpoints, slicePath } from './cluster-contents.ts';
import { type RealCluster, startRealCluster } from './real-cluster.ts';

let cluster: RealCluster;
let agent: AgentSide;

beforeAll(async () => {
  cluster = await startRealCluster();
  await cluster.apply('deploy/kustomize/base/access.yaml');
  await cluster.apply('deploy/kustomize/base/traffic-policies.yaml');
  await putNode(cluster);
  for (const name of ['web', 'cart', 'login']) await putService(cluster, name, ['10.1.0.1', '10.1.0.2']);
});

afterAll(() => cluster?.[Symbol.asyncDispose]());

beforeEach(async () => {
  agent = await openAgentSide(cluster);
  await agent.mirror.followed();
});

afterEach(() => agent?.[Symbol.asyncDispose]());

test('a change of endpoints arrives within a moment', async ({ annotate }) => {
  const delays: number[] = [];
  for (let round = 0; round < 50; round++) {
    const from = agent.mirror.told.length;
    await setEndpoints(cluster, 'web', [`10.1.1.${round + 1}`]);
    const answeredMs = performance.now();
    await retryUntil(() => agent.mirror.told.length > from, { intervalMs: 1 });
    delays.push(agent.mirror.toldAtMs[from]! - answeredMs);
    expect(agent.mirror.told.slice(from)).toEqual(['put EndpointSlice shop/web']);
  }
  await annotate(`after the writer was answered: median ${delays.toSorted((a, b) => a - b)[25]?.toFixed(1)} ms`);
  expect(Math.max(...delays)).toBeLessThan(1000);
  await agent.mirror.equal();
});

test('an API server that is killed and starts again takes nothing back, and is followed again', async () => {
  const from = agent.mirror.told.length;
  await cluster.stopApiServer();
  await retryUntil(() => agent.mirror.trouble !== undefined, { timeoutMs: 20_000 });
  await sleep(1000);
  expect(agent.mirror.told.slice(from).filter((line) => !/^(trouble|well)/.test(line))).toEqual([]);
  await cluster.startApiServer();
  await setEndpoints(cluster, 'cart', ['10.1.2.1']);
  await agent.mirror.equal(30_000);
  await retryUntil(() => agent.mirror.trouble === undefined, { timeoutMs: 30_000 });
  expect(agent.mirror.told.slice(from).filter((line) => line.startsWith('delete'))).toEqual([]);
});

test('whoever was cut off while the past was forgotten reads everything anew, and learns what was deleted', async () => {
  const from = agent.mirror.told.length;
  await agent.gate.shut();
  await setEndpoints(cluster, 'web', ['10.1.3.1']);
  await cluster.delete(slicePath('login'));
  await cluster.delete('/api/v1/namespaces/shop/services/login');
  await cluster.compact();
  // What it has in memory begins with its start.
  await cluster.stopApiServer();
  await cluster.startApiServer();
  for (let round = 0; round < 20; round++) await setEndpoints(cluster, 'cart', [`10.1.4.${round + 1}`]);
  await agent.gate.open();
  await agent.mirror.equal(30_000);
  const told = agent.mirror.told.slice(from).filter((line) => !/^(trouble|well)/.test(line));
  expect(told.toSorted()).toEqual([
    'delete EndpointSlice shop/login',
    'delete Service shop/login',
    'put EndpointSlice shop/cart',
    'put EndpointSlice shop/web',
  ]);
});

test('a Service that was made anew under its name while nobody looked is told as another one', async () => {
  const from = agent.mirror.told.length;
  await agent.gate.shut();
  await cluster.delete('/api/v1/namespaces/shop/services/web');
  await cluster.create('/api/v1/namespaces/shop/services', {
    metadata: { name: 'web' },
    spec: { ports: [{ name: 'http', port: 81, targetPort: 8080 }] },
  });
  await agent.gate.open();
  await agent.mirror.equal(30_000);
  const told = agent.mirror.told.slice(from).filter((line) => line.includes('Service'));
  expect(told).toEqual(['delete Service shop/web', 'put Service shop/web']);
});

test('a way to the server that is cut again and again is found again each time', async () => {
  for (let round = 0; round < 10; round++) {
    await agent.gate.shut();
    await setEndpoints(cluster, 'web', [`10.1.5.${round + 1}`]);
    await agent.gate.open();
    await agent.mirror.equal(30_000);
  }
  expect(agent.mirror.told.filter((line) => line.startsWith('delete'))).toEqual([]);
});

/** Those that this cluster has. */
const RESOURCES = resourcesFor('node-a').filter(({ dispensable }) => dispensable !== true);

test.each(RESOURCES)('the version of $name is told as it is now, with one object at most', async (resource) => {
  const before = (await cluster.call('GET', `${resource.path}?limit=1`)).body.metadata.resourceVersion;
  await setEndpoints(cluster, 'web', ['10.1.6.1']);
  await setEndpoints(cluster, 'web', ['10.1.6.2']);
  const { status, body } = await cluster.call('GET', versionQuery(resource));
  const after = (await cluster.call('GET', `${resource.path}?limit=1`)).body.metadata.resourceVersion;
  expect(status).toBe(200);
  expect(body.items.length).toBeLessThanOrEqual(1);
  expect(Number(body.metadata.resourceVersion)).toBeGreaterThan(Number(before));
  expect(Number(body.metadata.resourceVersion)).toBeLessThanOrEqual(Number(after));
});
