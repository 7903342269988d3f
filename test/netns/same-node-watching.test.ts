import { existsSync, unlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openKernel } from '../../src/dataplane/kernel/kernel.ts';
import { listSets } from '../../src/dataplane/kernel/pins.ts';
import { linkIn } from '../../src/dataplane/kernel/same-node/pins.ts';
import type { KernelSameNode } from '../../src/dataplane/kernel/same-node/same-node.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import type { Pod } from '../../src/demo/pod.ts';
import { openShell } from '../helpers/socket-shell.ts';

/** Who is not joined pays for reads that are watched: so they are watched only where there is somebody to be joined. */

let node: EmbeddedNode;
let client: Pod;
let server: Pod;
let kernel: Awaited<ReturnType<typeof openKernel>> & { readonly sameNode: KernelSameNode };
let timer: NodeJS.Timeout;

const open = async (): Promise<void> => {
  const capacity = { frontends: 64, slots: 256, backends: 64, services: 64 };
  const { cgroup, bpfRoot } = node;
  const selfTest = async () => [{ name: 'joins-ipv4', failure: undefined }];
  const options = { cgroup, bpfRoot, connections: 4096, capacity, netns: '/run/netns', selfTest };
  kernel = (await openKernel(options)) as typeof kernel;
  kernel.sameNode.set([client, server].map(({ address4: address }) => ({ address, port: 0, mode: 'redirect' })));
  await kernel.sameNode.settled();
  // Ten times as often as the agent does, so that what takes seconds there does not here.
  timer = setInterval(() => kernel.sameNode.tend(), 10);
};

beforeEach(async () => {
  node = await createNode({ name: 'watching' });
  [client, server] = await Promise.all([node.addPod('client'), node.addPod('server')]);
  await open();
});

afterEach(async () => {
  clearInterval(timer);
  kernel.sameNode.set([]);
  await kernel.sameNode.settled();
  kernel.close();
  await node.close();
});

const isWatching = (): boolean =>
  listSets(node.bpfRoot, 'same-node').some(({ path }) => existsSync(linkIn(path, 'read')));

/** Send back what comes; and one message after the other, with a pause, on one connection. */
const ECHO = `require('net').createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(8080)`;
const talk = (address: string, pauseMs = 2): string => `
  const socket = require('net').connect(8080, '${address}').on('error', () => process.exit());
  socket.on('connect', () => socket.write('again'));
  socket.on('data', (data) => setTimeout(() => socket.write(data), ${pauseMs}));
`;

const start = (pod: Pod, script: string) => pod.spawn(process.execPath, ['-e', script], { stdio: 'inherit' });

const startTalking = (from: Pod, pauseMs?: number) =>
  start(from, `setTimeout(() => { ${talk(server.address4, pauseMs)} }, 200)`);

const untilJoined = () =>
  vi.waitFor(() => expect(kernel.sameNode.stats().sockets).toMatchObject({ candidate: 0, joined: 2 }), WAITING);

const WAITING = { timeout: 15_000, interval: 10 };

test('reads are watched from the first connection that may be joined until some time after the last one', async () => {
  start(server, ECHO);
  const other = await node.addPod('other');
  const alone = startTalking(other);
  await sleep(700);
  expect(isWatching()).toBe(false);
  alone.kill();

  for (let round = 0; round < 2; round++) {
    const talking = startTalking(client);
    await untilJoined();
    expect(isWatching()).toBe(true);
    const { messages } = kernel.sameNode.stats();
    await vi.waitFor(() => expect(kernel.sameNode.stats().messages).toBeGreaterThan(messages + 600), WAITING);
    expect(isWatching()).toBe(true);
    talking.kill();
    await vi.waitFor(() => expect(isWatching()).toBe(false), WAITING);
  }
  expect(kernel.sameNode.stats().unfit).toMatchObject({ splices: 0, refused: 0 });
});

test('reads that somebody has stopped from being watched are watched again as long as there is a connection', async () => {
  start(server, ECHO);
  startTalking(client);
  await untilJoined();
  const [{ path } = { path: '' }] = listSets(node.bpfRoot, 'same-node');
  unlinkSync(linkIn(path, 'read'));
  await vi.waitFor(() => expect(isWatching()).toBe(true), WAITING);
});

test('nobody is joined who is not wanted to be any more by the time that it could be', async () => {
  start(server, ECHO);
  startTalking(client, 40);
  await vi.waitFor(() => expect(kernel.sameNode.stats().sockets.candidate).toBe(2), WAITING);
  kernel.sameNode.set([{ address: '10.244.99.1', port: 0, mode: 'redirect' }]);
  let joined = 0;
  const until = Date.now() + 3000;
  while (Date.now() < until) {
    joined = Math.max(joined, kernel.sameNode.stats().sockets.joined);
    await sleep(10);
  }
  expect(joined).toBe(0);
  expect(kernel.sameNode.stats()).toMatchObject({ sockets: { candidate: 2 }, unfit: { unwanted: 0 } });
});

test('a socket that is connected again hears nothing of what it had not read of the connection before', async () => {
  start(server, ECHO);
  const shell = await openShell(client);
  const fd = await shell.socket('tcp4', { nonblock: true });
  const connect = async () => {
    await shell.connect(fd, server.address4, 8080);
    await vi.waitFor(async () => expect(await shell.getpeername(fd)).toMatchObject({ port: 8080 }), WAITING);
  };
  await sleep(300);
  await connect();
  const untilRedirected = (): Promise<void> => {
    const { messages } = kernel.sameNode.stats();
    return vi.waitFor(async () => {
      await shell.send(fd, 'again');
      await shell.poll(fd, 'in', WAITING.timeout);
      expect(await shell.recv(fd)).toEqual({ text: 'again' });
      expect(kernel.sameNode.stats().messages).toBeGreaterThan(messages + 100);
    }, WAITING);
  };
  await untilRedirected();
  const { messages } = kernel.sameNode.stats();
  await shell.send(fd, 'stale');
  await vi.waitFor(() => expect(kernel.sameNode.stats().messages).toBeGreaterThan(messages + 1), WAITING);
  await shell.connectUnspec(fd);
  await connect();
  await shell.send(fd, 'fresh');
  await shell.poll(fd, 'in', WAITING.timeout);
  expect(await shell.recv(fd)).toEqual({ text: 'fresh' });
  await untilRedirected();
  await shell.close();
});

test('who speaks with a socket that is never joined is not joined either, and a later connection of the same ports is', async () => {
  start(server, ECHO);
  const shell = await openShell(client);
  const port = 40_000;
  const connect = async (nonblock: boolean): Promise<number> => {
    const fd = await shell.socket('tcp4', { nonblock });
    await shell.setsockopt(fd, 'SO_REUSEADDR', 1);
    await shell.bind(fd, client.address4, port);
    await shell.connect(fd, server.address4, 8080);
    await vi.waitFor(async () => expect(await shell.getpeername(fd)).toMatchObject({ port: 8080 }), WAITING);
    return fd;
  };
  const echo = async (fd: number): Promise<void> => {
    await shell.send(fd, 'again');
    await shell.poll(fd, 'in', WAITING.timeout);
    expect(await shell.recv(fd)).toEqual({ text: 'again' });
  };
  await sleep(300);
  const blocking = await connect(false);
  await vi.waitFor(() => expect(isWatching()).toBe(true), WAITING);
  for (let exchange = 0; exchange < 100; exchange++) await echo(blocking);
  await sleep(200);
  const { unfit, fallbacks, sockets } = kernel.sameNode.stats();
  expect(unfit).toMatchObject({ blocks: 1, peer: 1 });
  expect(sockets).toMatchObject({ joined: 0 });
  expect(Object.values(fallbacks)).toEqual(Object.values(fallbacks).map(() => 0));
  await shell.reset(blocking);

  const looping = await connect(true);
  await vi.waitFor(async () => {
    await echo(looping);
    expect(kernel.sameNode.stats().messages).toBeGreaterThan(100);
  }, WAITING);
  await shell.close();
});

test.each([
  { how: 'level', unfit: [], what: 'may stop at a short read' },
  { how: 'edge-on', unfit: [], what: 'reads on after a short read' },
  { how: 'edge', unfit: ['edge'], what: 'takes a short read for the last' },
])('a reader that is told by $how and $what is kept from being joined by $unfit', async ({ how, unfit }) => {
  server.spawn('build/test/epoll-echo', ['8080', how], { stdio: 'inherit' });
  startTalking(client);
  await vi.waitFor(() => {
    const { unfit: why, messages } = kernel.sameNode.stats();
    // The walk may come to its peer first, which then finds that what it sends goes by TCP.
    const own = { ...why, peer: 0, falls_back: 0 };
    expect(Object.keys(own).filter((each) => own[each as keyof typeof own] > 0)).toEqual(unfit);
    if (unfit.length === 0) expect(messages).toBeGreaterThan(100);
  }, WAITING);
  if (unfit.length > 0) expect(kernel.sameNode.stats().messages).toBe(0);
});

test('an agent that goes on with what another one left watches at once', async () => {
  start(server, ECHO);
  startTalking(client);
  await untilJoined();
  clearInterval(timer);
  kernel.close();
  await open();
  expect(isWatching()).toBe(true);
  await untilJoined();
});
