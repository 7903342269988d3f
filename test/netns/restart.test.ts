import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import { type AgentProcess, startAgentProcess } from '../helpers/agent-process.ts';
import { ObjectDirectory } from '../helpers/object-directory.ts';
import { endpoint, service, slice } from '../helpers/objects.ts';
import { heldLines, wantedLines } from '../helpers/pinned-tables.ts';
import { retryUntil } from '../helpers/retry.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';

const VIP = '10.96.0.1';
const KEPT = 8;
const NOTHING = { backends: 0, services: 0, slots: 0, frontends: 0, removed: 0 };

let node: EmbeddedNode;
let client: SocketShell;
let objects: ObjectDirectory;
let agent: AgentProcess;

beforeEach(async () => {
  node = await createNode({ name: 'restart' });
  const [first, second, clientPod] = await Promise.all(['v1', 'v2', 'client'].map((name) => node.addPod(name)));
  for (const pod of [first!, second!]) await (await openShell(pod)).serve('tcp', '*', 8080, pod.name);
  client = await openShell(clientPod!);
  objects = new ObjectDirectory();
  objects.write('web', service(), slice([endpoint(first!.address4), endpoint(second!.address4)]));
  agent = await startAgentProcess(node, { source: objects.path }).ready();
});

afterEach(async () => {
  await node?.close();
  objects?.[Symbol.dispose]();
});

describe.each(['stopped', 'killed'] as const)('an agent that was %s and starts again', (how) => {
  const end = async (): Promise<void> => {
    if (how === 'killed') await agent.kill();
    else expect(await agent.stop()).toBe(0);
  };

  test('writes nothing when nothing has changed, and says so', async () => {
    const before = heldLines(node.bpfRoot);
    expect(before).toEqual(wantedLines(await objects.read()));
    await end();
    agent = await startAgentProcess(node, { source: objects.path }).ready();
    expect(await agent.logged('the kernel held everything already')).toMatchObject({ ports: 1, ...NOTHING });
    expect(await agent.status()).toMatchObject({ ready: true, lastChange: { ports: 1, writes: NOTHING } });
    expect(heldLines(node.bpfRoot)).toEqual(before);
  });

  test('goes on counting, and brings back to zero what was opened before', async () => {
    const kept = client.startHammer('tcp', VIP, 80, { threads: KEPT, keep: true, pauseMicros: 5000 });
    const load = client.startHammer('tcp', VIP, 80, { threads: 2, reset: true, pauseMicros: 200 });
    await retryUntil(async () => (await webStats()).attempts > 100 + KEPT);
    await end();
    const dead = await client.hammer('tcp', VIP, 80, { count: 500, reset: true });
    expect(dead).toMatchObject({ errors: {}, total: 500 });
    agent = await startAgentProcess(node, { source: objects.path }).ready();

    const loaded = await load.stop();
    expect(loaded.errors).toEqual({});
    const attempts = loaded.total + dead.total + KEPT;
    await retryUntil(async () => (await webStats()).active === KEPT);
    expect(await webStats()).toMatchObject({ attempts, established: attempts, active: KEPT, pending: 0 });
    expect((await kept.stop()).errors).toEqual({});
    await retryUntil(async () => (await webStats()).active === 0);
    expect(await webStats()).toMatchObject({ attempts, closed: attempts, active: 0, pending: 0, broken: 0 });
  });

  test('finds what changed while there was none, and no connection fails meanwhile', async () => {
    const load = client.startHammer('tcp', VIP, 80, { threads: 2, reset: true, pauseMicros: 200 });
    await end();
    const only = (await objects.read()).flatMap((each) => (each.kind === 'EndpointSlice' ? each.endpoints : []))[1];
    objects.write('web', service({ affinityTimeoutS: 60 }), slice([only!]));
    objects.write('new', service({ name: 'new', clusterIPs: ['10.96.0.2'] }));
    agent = await startAgentProcess(node, { source: objects.path }).ready();
    expect(heldLines(node.bpfRoot)).toEqual(wantedLines(await objects.read()));
    expect((await load.stop()).errors).toEqual({});
    expect(await client.whoAnswers('tcp', '10.96.0.2', 80)).toBe('ECONNREFUSED');
    expect(await client.hammer('tcp', VIP, 80, { count: 50, reset: true })).toMatchObject({ by: { v2: 50 } });
  });
});

test.each([
  { where: 'at the same admin socket', socket: () => agent.socket, says: 'an agent is running' },
  { where: 'at another one', socket: () => undefined, says: 'another agent works on the tables' },
])('a second agent on the same tables, $where, ends at once and changes nothing', async ({ socket, says }) => {
  await using second = startAgentProcess(node, { source: '/nonexistent', socket: socket() });
  expect(await second.ended()).toBe(1);
  expect(second.trace()).toContain(says);
  expect(await client.whoAnswers('tcp', VIP, 80)).toMatch(/^v[12]$/);
  expect(await agent.status()).toMatchObject({ ready: true, unhealthy: '' });
});

const webStats = async () => {
  const web = (await agent.services()).find(({ service: name }) => name === 'web');
  if (web === undefined) throw new Error('the Service is not there');
  return web.stats;
};
