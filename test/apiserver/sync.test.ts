import { afterAll, beforeAll, expect, test } from 'vitest';
import { retryUntil } from '../helpers/retry.ts';
import { type AgentSide, openAgentSide } from './agent-side.ts';
import { putNode, putService, setEndpoints } from './cluster-contents.ts';
import { type RealCluster, startRealCluster } from './real-cluster.ts';

const SERVICES = 5000;

let cluster: RealCluster;
let agent: AgentSide;

beforeAll(async () => {
  cluster = await startRealCluster();
  await cluster.apply('deploy/kustomize/base/access.yaml');
  await cluster.apply('deploy/kustomize/base/traffic-policies.yaml');
  await putNode(cluster);
  await inParallel(SERVICES, (index) => putService(cluster, `s-${index}`, addressesOf(index), 'fill'));
  agent = await openAgentSide(cluster);
}, 600_000);

afterAll(async () => {
  await agent?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

test(`${SERVICES} Services and their slices are all told, with no more than the role of the manifests allows`, async ({
  annotate,
}) => {
  const startMs = performance.now();
  await agent.mirror.start();
  await retryUntil(() => agent.mirror.synced, { timeoutMs: 60_000 });
  await annotate(`all told after ${(performance.now() - startMs).toFixed(0)} ms`);
  await agent.mirror.equal(30_000);
  // The API server has one Service of its own.
  expect(agent.mirror.objects.size).toBe(2 * SERVICES + 1 + 2);
  expect(agent.mirror).toMatchObject({ whole: true, trouble: undefined, complaints: [] });
});

test('a thousand slices that change one after the other arrive in their last state', async () => {
  const from = agent.mirror.told.length;
  await inParallel(1000, (index) => setEndpoints(cluster, `s-${index}`, addressesOf(index + 7), 'fill'));
  await inParallel(100, (index) => setEndpoints(cluster, `s-${index}`, [], 'fill'));
  await agent.mirror.equal(30_000);
  expect(agent.mirror.told.slice(from).filter((line) => !line.startsWith('put EndpointSlice'))).toEqual([]);
  expect(agent.mirror.told.length - from).toBeGreaterThanOrEqual(1000);
});

const addressesOf = (index: number): readonly string[] => [
  `10.1.${(index >> 7) & 255}.${(index & 127) + 1}`,
  `10.1.${(index >> 7) & 255}.${(index & 127) + 128}`,
];

/** Eight at a time. */
const inParallel = async (count: number, work: (index: number) => Promise<unknown>): Promise<void> => {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
};
