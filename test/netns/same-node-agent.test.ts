import type { ChildProcess } from 'node:child_process';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import type { Pod } from '../../src/demo/pod.ts';
import { endpoint, pod, policy, service, slice } from '../helpers/objects.ts';
import { type RunningAgent, startAgent } from '../helpers/running-agent.ts';

/** What policies and labels ask for, as the agent does it: programs that read as event loops do, and what they say. */

const ADDRESS = '10.96.0.10';
const PORT = 8080;

/** Sends back what comes. */
const SERVER = `require('net').createServer((socket) => socket.pipe(socket)).listen(${PORT}, () => console.log('ready'))`;

/** Counts what has come back as it was sent, one message at a time, and says so; ends when anything else comes. */
const client = (address: string, port: number): string => `
  const socket = require('net').connect(${port}, '${address}');
  let round = 0;
  const send = () => socket.write('round ' + ++round);
  socket.on('connect', send);
  socket.on('data', (data) => {
    if (String(data) !== 'round ' + round) { console.log('wrong: ' + data); process.exit(1); }
    if (round % 20 === 0) console.log('rounds ' + round);
    setTimeout(send, 1);
  });
  socket.on('close', () => { console.log('closed'); process.exit(1); });
  socket.on('error', (error) => { console.log(error.message); process.exit(1); });
`;

let node: EmbeddedNode;
let server: Pod;
let caller: Pod;
let agent: RunningAgent | undefined;

beforeEach(async () => {
  node = await createNode({ name: 'asked' });
  [server, caller] = await Promise.all([node.addPod('server'), node.addPod('caller')]);
  await said(run(server, SERVER), /ready/);
});

afterEach(async () => {
  await agent?.stop();
  agent = undefined;
  await node.close();
});

const run = (place: Pod, script: string): Said => {
  const child = place.spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const program: Said = { child, text: '' };
  child.stdout?.on('data', (data) => {
    program.text += String(data);
  });
  return program;
};

interface Said {
  readonly child: ChildProcess;
  text: string;
}

const said = (program: Said, what: RegExp) => vi.waitFor(() => expect(program.text).toMatch(what), WAITING);

const roundsOf = ({ text }: Said): number => Number(/rounds (\d+)\n$/.exec(text)?.[1] ?? 0);

/** The connection goes on, and nothing was ever wrong. */
const expectGoingOn = async (program: Said): Promise<void> => {
  const before = roundsOf(program);
  await vi.waitFor(() => expect(roundsOf(program)).toBeGreaterThan(before + 20), WAITING);
  expect(program.text).toMatch(/^(rounds \d+\n)+$/);
};

const WAITING = { timeout: 15_000, interval: 20 };

const podOf = ({ name, address4, address6 }: Pod, fields: Parameters<typeof pod>[0] = {}) =>
  pod({ name, addresses: [address4, address6], ...fields });

const objects = (): readonly ClusterObject[] => [
  podOf(server),
  podOf(caller),
  service({ clusterIPs: [ADDRESS] }),
  slice([endpoint(server.address4)]),
];

const REDIRECT = policy([], { sameNode: 'Redirect' });

const sameNode = () => agent?.agent.status().sameNode;

const expectJoined = () =>
  vi.waitFor(() => {
    expect(sameNode()?.sockets.joined).toBe(2);
    expect(sameNode()?.messages).toBeGreaterThan(20);
  }, WAITING);

test('a policy joins a connection, and another one parts it while it is open, with no message lost', async () => {
  agent = await startAgent(node, { objects: objects() });
  expect(sameNode()).toMatchObject({ attached: false, unavailable: '' });
  await agent.put(REDIRECT);
  await vi.waitFor(() => expect(sameNode()?.attached).toBe(true), WAITING);
  const program = run(caller, client(ADDRESS, 80));
  await expectJoined();
  await expectGoingOn(program);
  const explained = agent.agent.explain({ address: ADDRESS, port: 80, protocol: 'TCP', client: 'shop/caller' });
  expect(explained.sameNode).toMatchObject([{ address: server.address4, redirected: true, reason: 'policy' }]);

  await agent.put(policy([], { sameNode: 'Plain' }));
  expect(sameNode()?.attached).toBe(false);
  await expectGoingOn(program);
  expect(agent.failures).toEqual([]);
});

test('labels of both Pods join them without any Service, and one that says plain parts them', async () => {
  const labelled = { sameNode: 'redirect' } as const;
  agent = await startAgent(node, { objects: [podOf(server, labelled), podOf(caller, labelled)] });
  await vi.waitFor(() => expect(sameNode()?.attached).toBe(true), WAITING);
  const program = run(caller, client(server.address4, PORT));
  await expectJoined();
  await agent.put(podOf(server, { sameNode: 'plain' }));
  const { messages } = sameNode() ?? { messages: 0 };
  await expectGoingOn(program);
  // One may have been on its way.
  expect(sameNode()?.messages).toBeLessThanOrEqual(messages + 1);
});

test('who does not ask is not joined, though others are', async () => {
  const other = await node.addPod('other');
  agent = await startAgent(node, { objects: [...objects(), podOf(other, { sameNode: 'plain' }), REDIRECT] });
  await vi.waitFor(() => expect(sameNode()?.attached).toBe(true), WAITING);
  const program = run(other, client(ADDRESS, 80));
  await expectGoingOn(program);
  await expectGoingOn(program);
  expect(sameNode()).toMatchObject({ messages: 0, sockets: { joined: 0 } });
});

test('a program by the name of nginx is not joined: it would trust FIONREAD', async () => {
  const labelled = { sameNode: 'redirect' } as const;
  agent = await startAgent(node, { objects: [podOf(server, labelled), podOf(caller, labelled)] });
  await vi.waitFor(() => expect(sameNode()?.attached).toBe(true), WAITING);
  const program = run(caller, `process.title = 'nginx'; ${client(server.address4, PORT)}`);
  await expectGoingOn(program);
  await vi.waitFor(() => expect(sameNode()?.unfit.program).toBe(1), WAITING);
  await expectGoingOn(program);
  expect(sameNode()).toMatchObject({ messages: 0 });
});

test('an agent that comes after finds it as it was, and the connection goes on', async () => {
  agent = await startAgent(node, { objects: [...objects(), REDIRECT] });
  await vi.waitFor(() => expect(sameNode()?.attached).toBe(true), WAITING);
  const program = run(caller, client(ADDRESS, 80));
  await expectJoined();
  await agent.stop();
  await expectGoingOn(program);
  agent = await startAgent(node, { objects: [...objects(), REDIRECT] });
  await expectJoined();
  await expectGoingOn(program);
});

test('what goes socket to socket counts for the Service and for who asks while it goes on, also when its endpoint is no more', async () => {
  const labelled = { sameNode: 'redirect' } as const;
  const [, , asked, listed] = objects();
  agent = await startAgent(node, {
    objects: [podOf(server, labelled), podOf(caller, labelled), asked, listed].filter((each) => each !== undefined),
  });
  await vi.waitFor(() => expect(sameNode()?.attached).toBe(true), WAITING);
  const program = run(caller, client(ADDRESS, 80));
  await expectJoined();
  const sent = (): number => [...(agent?.agent.services('shop/web') ?? [])][0]?.stats.bytesSent ?? 0;
  await vi.waitFor(() => expect(sent()).toBeGreaterThan(100), WAITING);
  const sentByCallers = (): number =>
    (agent?.dataplane.callers?.read().entries() ?? []).reduce((sum, { bytesSent }) => sum + bytesSent, 0);
  await vi.waitFor(() => expect(sentByCallers()).toBe(sent()), WAITING);

  await agent.put(slice([]));
  const before = sent();
  const { messages = 0 } = sameNode() ?? {};
  await vi.waitFor(() => expect(sent()).toBeGreaterThan(before + 100), WAITING);
  await vi.waitFor(() => expect(sentByCallers()).toBe(sent()), WAITING);
  expect(sameNode()?.messages).toBeGreaterThan(messages + 20);
  await expectGoingOn(program);
});
