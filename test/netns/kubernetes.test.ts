import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import type { AgentProcess } from '../helpers/agent-process.ts';
import { makeServiceAccountPlace, startAgentInCluster } from '../helpers/api-server/in-cluster.ts';
import { type ApiServerProcess, startApiServerProcess } from '../helpers/api-server/process.ts';
import type { NewObject } from '../helpers/api-server/resources.ts';
import { manifestOf } from '../helpers/object-directory.ts';
import { endpoint, node as nodeObject, service, slice } from '../helpers/objects.ts';
import { heldLines, wantedLines } from '../helpers/pinned-tables.ts';
import { retryUntil } from '../helpers/retry.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';

const VIP = '10.96.0.1';
const SECOND_VIP = '10.96.0.2';
const NOTHING = { backends: 0, services: 0, slots: 0, frontends: 0, removed: 0 };

let node: EmbeddedNode;
let client: SocketShell;
let server: ApiServerProcess;
let agent: AgentProcess;
let opened: AsyncDisposableStack;
let addresses: Readonly<Record<'v1' | 'v2', string>>;

beforeEach(async () => {
  opened = new AsyncDisposableStack();
  opened.use(makeServiceAccountPlace());
  node = opened.use(await createNode({ name: 'kubernetes' }));
  const [v1, v2, clientPod] = await Promise.all(['v1', 'v2', 'client'].map((name) => node.addPod(name)));
  for (const pod of [v1!, v2!]) await (await openShell(pod)).serve('tcp', '*', 8080, pod.name);
  addresses = { v1: v1!.address4, v2: v2!.address4 };
  client = await openShell(clientPod!);
  server = opened.use(await startApiServerProcess({}, (command, args, options) => node.spawn(command, args, options)));
  opened.defer(() => agent?.[Symbol.asyncDispose]());
  await server.call('put', 'nodes', manifest(nodeObject()));
  await putWeb('v1');
  agent = await startAgentInCluster(node, server).ready();
});

afterEach(() => opened.disposeAsync());

test('a Service that appears is served within a second, its endpoints as they come and go, and no more once it is gone', async () => {
  expect(await client.whoAnswers('tcp', VIP, 80)).toBe('v1');
  await server.call('put', 'services', manifest(service({ name: 'cart', clusterIPs: [SECOND_VIP] })));
  await server.call('put', 'endpointslices', manifest(cartSlice('v2')));
  await answers(SECOND_VIP, 'v2', 1000);
  await server.call('put', 'endpointslices', manifest(slice([], { name: 'cart-1', service: 'cart' })));
  await answers(SECOND_VIP, 'ECONNREFUSED', 1000);
  await server.call('put', 'endpointslices', manifest(cartSlice('v1')));
  await answers(SECOND_VIP, 'v1', 1000);
  await server.call('delete', 'services', 'shop/cart');
  await retryUntil(() => heldLines(node.bpfRoot).every((line) => !line.includes(SECOND_VIP)));
  expect(heldLines(node.bpfRoot)).toEqual(wantedLines(web('v1')));
});

test('an API server that is away for two seconds disturbs nobody, and is followed again', async () => {
  const load = client.startHammer('tcp', VIP, 80, { threads: 2, reset: true, pauseMicros: 500 });
  await server.call('down');
  await putWeb('v2');
  await sleep(2000);
  expect(await client.whoAnswers('tcp', VIP, 80)).toBe('v1');
  expect(await agent.status()).toMatchObject({ ready: true });
  await server.call('up');
  await answers(VIP, 'v2', 10_000);
  const { errors, total, by } = await load.stop();
  expect({ errors, some: total > 500, answered: (by.v1 ?? 0) + (by.v2 ?? 0) }).toEqual({
    errors: {},
    some: true,
    answered: total,
  });
  await retryUntil(async () => (await agent.status()).source.trouble === '', { timeoutMs: 10_000 });
});

test('an agent that is killed while the server is away and starts again waits for it, routes on, and writes nothing', async () => {
  const before = heldLines(node.bpfRoot);
  const load = client.startHammer('tcp', VIP, 80, { threads: 2, reset: true, pauseMicros: 500 });
  await server.call('down');
  await agent.kill();
  agent = startAgentInCluster(node, server);
  await retryUntil(async () => (await agent.status()).source.trouble !== '', { timeoutMs: 10_000 });
  expect(await agent.status()).toMatchObject({ ready: false, source: { synced: false, whole: false } });
  expect(heldLines(node.bpfRoot)).toEqual(before);
  expect(await client.whoAnswers('tcp', VIP, 80)).toBe('v1');
  await server.call('up');
  await agent.logged('ready:', 0, 20_000);
  expect(await agent.status()).toMatchObject({ ready: true, lastChange: { writes: NOTHING } });
  expect(heldLines(node.bpfRoot)).toEqual(before);
  expect((await load.stop()).errors).toEqual({});
  await putWeb('v2');
  await answers(VIP, 'v2', 1000);
});

test('half of what the server has is not taken for all of it, by an agent that starts', async () => {
  const before = heldLines(node.bpfRoot);
  await agent.kill();
  await server.call('fault', { resource: 'endpointslices', on: 'sync', trouble: { kind: 'stall' } });
  agent = startAgentInCluster(node, server);
  await retryUntil(async () => (await agent.status()).objects.services === 1, { timeoutMs: 10_000 });
  await sleep(300);
  expect(await agent.status()).toMatchObject({ ready: false, source: { synced: false } });
  expect(heldLines(node.bpfRoot)).toEqual(before);
  expect(await client.whoAnswers('tcp', VIP, 80)).toBe('v1');
  await server.call('disturb', { kind: 'reset' }, 'endpointslices');
  await agent.logged('the kernel held everything already', 0, 20_000);
});

const answers = (address: string, name: string, timeoutMs: number): Promise<unknown> =>
  retryUntil(async () => (await client.whoAnswers('tcp', address, 80)) === name, { timeoutMs });

const web = (version: 'v1' | 'v2'): readonly [ClusterObject, ClusterObject] => [
  service(),
  slice([endpoint(addresses[version])]),
];

const putWeb = async (version: 'v1' | 'v2'): Promise<void> => {
  const [object, endpoints] = web(version);
  await server.call('put', 'services', manifest(object));
  await server.call('put', 'endpointslices', manifest(endpoints));
};

const cartSlice = (version: 'v1' | 'v2'): ClusterObject =>
  slice([endpoint(addresses[version])], { name: 'cart-1', service: 'cart' });

const manifest = (object: ClusterObject): NewObject => manifestOf(object) as NewObject;
