import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { KernelDataplane } from '../../src/dataplane/kernel/kernel.ts';
import { runCommand } from '../../src/demo/command.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import { closeFd } from '../../src/native/descriptor.ts';
import { openObject } from '../../src/native/object.ts';
import { attachCgroup } from '../../src/native/program.ts';
import { openHandMade, write } from '../helpers/hand-made.ts';
import { retryUntil } from '../helpers/retry.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';

/** Connections whose end Shunt is not told of, because somebody else's sockops program sets the flags anew. */

const VIP = '10.96.0.1';
const FULL = '10.96.0.2';
const OBJECT = join(import.meta.dirname, '../../build/bpf/test/foreign.bpf.o');
/** enum of BPF_SOCK_OPS_..._CB. */
const AT_SYN = 3;
const AT_HANDSHAKE = 4;
const NOTHING = { connections: 0, failure: undefined };

let node: EmbeddedNode;
let kernel: KernelDataplane;
let client: SocketShell;
let server: SocketShell;
let listener: number;
let foreign: number[];

beforeEach(async () => {
  foreign = [];
  node = await createNode({ name: 'lost' });
  const pod = await node.addPod('server');
  server = await openShell(pod);
  client = await openShell(await node.addPod('client'));
  listener = await server.socket('tcp4');
  await server.bind(listener, '0.0.0.0', 8080);
  await server.listen(listener);
  await server.serve('tcp', '*', 8081, 'full', 'full');
  kernel = await openHandMade(node);
  const backend = { address: pod.address4, service: 0 };
  write(kernel, {
    services: [{ index: 0, choice: { algorithm: 'LeastConnections', hashOn: 'Pod' } }],
    backends: [
      { ...backend, index: 0, port: 8080 },
      { ...backend, index: 1, port: 8081 },
    ],
    ranges: [0, 1].map((index) => ({ base: 1 + 10 * index, entries: [index], weights: [1] })),
    frontends: [
      { address: VIP, slotBase: 1, slotCount: 1 },
      { address: FULL, slotBase: 11, slotCount: 1 },
    ],
  });
});

afterEach(async () => {
  kernel?.close();
  for (const fd of foreign) closeFd(fd);
  await node?.close();
});

/** As another agent would, that has these network namespaces. */
const reopen = async (netns: string): Promise<void> => {
  kernel.close();
  kernel = await openHandMade(node, { netns });
};

/** Attached after Shunt, it has the last word on the flags. */
const overwriteFlags = (when: number): void => {
  using object = openObject(new Uint8Array(readFileSync(OBJECT)), 'foreign');
  object.setConstant('sets_flags_at', new Uint8Array(Uint32Array.of(when).buffer));
  object.load();
  const program = object.program('foreign_sockops');
  foreign.push(program, attachCgroup(program, node.cgroup, 'sockops'));
};

const connected = async (): Promise<{ here: number; there: number }> => {
  const here = await client.socket('tcp4');
  expect(await client.connect(here, VIP, 80)).toEqual({ ok: true });
  const { fd: there } = (await server.accept(listener)) as { readonly fd: number };
  return { here, there };
};

const used = (): number => kernel.stats.connections().used;
/** As the agent does, some time apart. */
const endTwice = async () => [await kernel.endLost(), await kernel.endLost()];

test('a connection whose news were taken away is ended as closed by the second call that misses its socket', async () => {
  overwriteFlags(AT_HANDSHAKE);
  const { here, there } = await connected();
  await server.closeSocket(there);
  await client.recv(here);
  await client.closeSocket(here);
  expect(kernel.stats.backend(0)).toMatchObject({ established: 1, closed: 0, active: 1 });
  await retryUntil(async () => (await socketsOf('client')) === 0);
  expect(await endTwice()).toEqual([NOTHING, { connections: 1, failure: undefined }]);
  expect(used()).toBe(0);
  expect(kernel.stats.backend(0)).toMatchObject({ established: 1, closed: 1, active: 0 });
  expect(kernel.stats.service(0)).toMatchObject({ established: 1, closed: 1, active: 0 });
  expect(await endTwice()).toEqual([NOTHING, NOTHING]);
});

test('one that was given up before any answer is ended as abandoned', async () => {
  overwriteFlags(AT_SYN);
  const fd = await client.socket('tcp4', { nonblock: true });
  expect(await client.connect(fd, FULL, 80)).toEqual({ error: 'EINPROGRESS' });
  await client.closeSocket(fd);
  expect(kernel.stats.backend(1)).toMatchObject({ attempts: 1, pending: 1 });
  expect(await endTwice()).toEqual([NOTHING, { connections: 1, failure: undefined }]);
  expect(kernel.stats.backend(1)).toMatchObject({ attempts: 1, pending: 0, abandoned: 1 });
});

test('the one that the peer has ended is over when its application closes it, without any search', async () => {
  overwriteFlags(AT_HANDSHAKE);
  const { here, there } = await connected();
  await server.reset(there);
  expect(await client.recv(here)).toEqual({ error: 'ECONNRESET' });
  await client.closeSocket(here);
  expect(used()).toBe(0);
  expect(kernel.stats.backend(0)).toMatchObject({ established: 1, closed: 1, active: 0 });
});

describe('is not ended', () => {
  test('a connection that goes on, in whatever namespace', async () => {
    overwriteFlags(AT_HANDSHAKE);
    await connected();
    for (let many = 0; many < 3; many++) expect(await kernel.endLost()).toEqual(NOTHING);
    const empty = mkdtempSync(`${tmpdir()}/lost-`);
    await reopen(empty);
    for (let many = 0; many < 3; many++) expect(await kernel.endLost()).toEqual(NOTHING);
    rmSync(empty, { recursive: true });
    expect(used()).toBe(1);
  });

  test('one that its application has closed and that still has something to send', async () => {
    overwriteFlags(AT_HANDSHAKE);
    const { here, there } = await connected();
    await server.setsockopt(there, 'so_rcvbuf', 4096);
    await client.setsockopt(here, 'so_sndbuf', 1 << 20);
    await client.send(here, 'x'.repeat(60_000));
    await runCommand('cutting the way', 'ip', [
      '-n',
      node.pods.get('server')?.netns as string,
      'link',
      'set',
      'eth0',
      'down',
    ]);
    await client.closeSocket(here);
    for (let many = 0; many < 3; many++) expect(await kernel.endLost()).toEqual(NOTHING);
    expect(used()).toBe(1);
  });

  test('any, where a namespace cannot be walked; the count begins anew then', async () => {
    overwriteFlags(AT_SYN);
    const namespaces = mkdtempSync(`${tmpdir()}/lost-`);
    symlinkSync(`/run/netns/${node.pods.get('client')?.netns}`, join(namespaces, 'client'));
    await reopen(namespaces);
    const fd = await client.socket('tcp4', { nonblock: true });
    await client.connect(fd, FULL, 80);
    await client.closeSocket(fd);
    expect(await kernel.endLost()).toEqual(NOTHING);
    symlinkSync('loop', join(namespaces, 'loop'));
    expect(await kernel.endLost()).toEqual({
      connections: 0,
      failure: expect.objectContaining({ code: 'SHUNT_E_KERNEL' }),
    });
    rmSync(join(namespaces, 'loop'));
    expect(await endTwice()).toEqual([NOTHING, { connections: 1, failure: undefined }]);
    rmSync(namespaces, { recursive: true });
  });
});

test('what is lost is counted where it must be after a growth', async () => {
  overwriteFlags(AT_SYN);
  const fd = await client.socket('tcp4', { nonblock: true });
  await client.connect(fd, FULL, 80);
  await client.closeSocket(fd);
  expect(await kernel.endLost()).toEqual(NOTHING);
  await kernel.grow({ frontends: 128, slots: 512, backends: 128, services: 128 });
  expect(await kernel.endLost()).toEqual({ connections: 1, failure: undefined });
  expect(kernel.stats.backend(1)).toMatchObject({ attempts: 1, pending: 0, abandoned: 1 });
});

/** TCP sockets of a pod, of any state. */
const socketsOf = async (pod: string): Promise<number> => {
  const { netns } = node.pods.get(pod)!;
  const table = await runCommand('listing sockets', 'ip', ['netns', 'exec', netns, 'cat', '/proc/net/tcp']);
  return table.trim().split('\n').length - 1;
};
