import { spawn } from 'node:child_process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { unload } from '../../src/dataplane/kernel/unload.ts';
import { namespacePath } from '../../src/demo/namespace.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import { allEnded, countersOf, serviceStats } from '../helpers/counted.ts';
import { retryUntil } from '../helpers/retry.ts';
import { type RunningAgent, startAgent } from '../helpers/running-agent.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';
import { SERVER_PORT, serviceWith } from '../helpers/stage.ts';
import { serverOf } from '../helpers/ways.ts';

/** Whose connections are Shunt's, and from when to when. */

const WEB = ['10.96.0.1', 'fd00:10:96::1'] as const;
const GREETING = 'v1\n';

let node: EmbeddedNode;
let client: SocketShell;
let server: SocketShell;
let agent: RunningAgent | undefined;

beforeEach(async () => {
  node = await createNode({ name: 'reach' });
  client = await openShell(await node.addPod('client'));
  server = await openShell(await node.addPod('v1'));
  await server.serve('tcp', '*', SERVER_PORT, 'v1');
  await server.serve('udp', '*', SERVER_PORT, 'v1');
});

afterEach(async () => {
  await agent?.stop();
  agent = undefined;
  await node.close();
});

const start = async (): Promise<RunningAgent> => {
  agent = await startAgent(node, { objects: serviceWith('web', WEB, [v1()]) });
  return agent;
};

const v1 = () => ({ pod: node.pods.get('v1')!, shell: server });

test.each(['tcp4', 'udp4'] as const)('a %s socket older than Shunt connects through it', async (kind) => {
  const fd = await client.socket(kind);
  expect(await client.connect(fd, WEB[0], 80)).toEqual({ error: 'EHOSTUNREACH' });
  const running = await start();
  expect(await client.connect(fd, WEB[0], 80)).toEqual({ ok: true });
  expect(await client.getpeername(fd)).toEqual({ address: WEB[0], port: 80 });
  expect(await serverOf(client, fd, kind)).toBe('v1');
  await client.closeSocket(fd);
  await retryUntil(() => allEnded(running));
});

test('a connection older than Shunt goes on, under its own name and uncounted', async () => {
  const { address4 } = v1().pod;
  const fd = await client.socket('tcp4');
  await client.connect(fd, address4, SERVER_PORT);
  expect(await client.recv(fd)).toEqual({ text: GREETING });
  const running = await start();
  expect(await client.exchange(fd, 1000)).toEqual({ sent: 1000, received: 1000 });
  expect(await client.getpeername(fd)).toEqual({ address: address4, port: SERVER_PORT });
  await client.closeSocket(fd);
  expect(countersOf(serviceStats(running, 'shop/web/tcp/TCP'))).toEqual({});
});

test('connections go on while no agent runs, new ones are made, and the next agent finds them counted', async () => {
  const running = await start();
  const fd = await client.socket('tcp4');
  await client.connect(fd, WEB[0], 80);
  expect(await client.recv(fd)).toEqual({ text: GREETING });
  await running.stop();
  expect(await client.exchange(fd, 1000)).toEqual({ sent: 1000, received: 1000 });
  expect(await client.whoAnswers('tcp', WEB[1], 80)).toBe('v1');
  await client.closeSocket(fd);
  const next = await start();
  await retryUntil(() => allEnded(next));
  expect(countersOf(serviceStats(next, 'shop/web/tcp/TCP'))).toMatchObject({ attempts: 2, established: 2, closed: 2 });
});

test('a connection goes on after Shunt is unloaded; only its peer is then the endpoint', async () => {
  const running = await start();
  const fd = await client.socket('tcp4');
  await client.connect(fd, WEB[0], 80);
  expect(await client.recv(fd)).toEqual({ text: GREETING });
  await running.stop();
  agent = undefined;
  await unload(node.bpfRoot, false);
  const { address4 } = v1().pod;
  expect(await client.getpeername(fd)).toEqual({ address: address4, port: SERVER_PORT });
  expect(await client.exchange(fd, 1000)).toEqual({ sent: 1000, received: 1000 });
  await client.closeSocket(fd);
});

test('a process of a pod that is in another cgroup is left alone', async () => {
  const running = await start();
  const { netns } = node.pods.get('client')!;
  await using outside = await openShell({
    spawn: (command, args = [], options = {}) =>
      spawn('nsenter', [`--net=${namespacePath(netns)}`, '--', command, ...args], options),
  });
  expect(await outside.whoAnswers('tcp', v1().pod.address4, SERVER_PORT)).toBe('v1');
  expect(await outside.whoAnswers('tcp', WEB[0], 80)).toBe('EHOSTUNREACH');
  expect(await client.whoAnswers('tcp', WEB[0], 80)).toBe('v1');
  await retryUntil(() => allEnded(running));
});
