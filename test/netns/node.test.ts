import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { BPFFS } from '../../src/demo/bpffs.ts';
import { cgroupRoot } from '../../src/demo/cgroup.ts';
import { cleanStaleNodes } from '../../src/demo/leftovers.ts';
import { namespacePath } from '../../src/demo/namespace.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import type { Pod } from '../../src/demo/pod.ts';
import { retryUntil } from '../helpers/retry.ts';
import { type HammerKind, machine, openShell, type SocketShell } from '../helpers/socket-shell.ts';

const run = promisify(execFile);
const sourceUrl = (path: string): string => new URL(`../../src/${path}`, import.meta.url).href;

describe('the pods of a node', () => {
  let node: EmbeddedNode;
  let client: Pod;
  let server: Pod;
  let shells: { client: SocketShell; server: SocketShell; node: SocketShell; machine: SocketShell };

  beforeAll(async () => {
    node = await createNode();
    [client, server] = await Promise.all([node.addPod('client'), node.addPod('server', { ipv4: '10.244.3.7' })]);
    const [inClient, inServer, inNode, outside] = await Promise.all([client, server, node, machine].map(openShell));
    if (!inClient || !inServer || !inNode || !outside) throw new Error('no shells');
    shells = { client: inClient, server: inServer, node: inNode, machine: outside };
    await shells.server.serve('tcp', '*', 8080, 'server');
    await shells.server.serve('udp', '*', 8080, 'server');
  });

  afterAll(async () => {
    await node?.close();
    await shells?.machine.close();
  });

  test('have the addresses that were asked for, or the next free ones', () => {
    expect(client).toMatchObject({ address4: '10.244.1.1', address6: 'fd00:10:244:1::1' });
    expect(server).toMatchObject({ address4: '10.244.3.7', address6: 'fd00:10:244:3::7' });
  });

  test.each<{ kind: HammerKind; address: string }>([
    { kind: 'tcp', address: '10.244.3.7' },
    { kind: 'tcp', address: 'fd00:10:244:3::7' },
    { kind: 'tcp', address: '::ffff:10.244.3.7' },
    { kind: 'udp', address: '10.244.3.7' },
    { kind: 'udp', address: 'fd00:10:244:3::7' },
    { kind: 'udp-unconnected', address: '10.244.3.7' },
    { kind: 'udp-unconnected', address: 'fd00:10:244:3::7' },
  ])('reach each other by $kind at $address, as the node reaches them', async ({ kind, address }) => {
    expect(await shells.client.whoAnswers(kind, address, 8080)).toBe('server');
    expect(await shells.node.whoAnswers(kind, address, 8080)).toBe('server');
  });

  test.each(['127.0.0.1', '::1'])('have a loopback interface with %s', async (address) => {
    expect(await shells.server.whoAnswers('tcp', address, 8080)).toBe('server');
    expect(await shells.client.whoAnswers('tcp', address, 8080)).toBe('ECONNREFUSED');
  });

  test('run their processes in a network namespace and a cgroup of their own', () => {
    const places = [
      { shell: shells.client, netns: client.netns, cgroup: client.cgroup },
      { shell: shells.server, netns: server.netns, cgroup: server.cgroup },
      { shell: shells.node, netns: node.netns, cgroup: node.ownCgroup },
    ];
    for (const { shell, netns, cgroup } of places) {
      const process = `/proc/${shell.process.pid}`;
      expect(readlinkSync(`${process}/exe`)).toMatch(/socket-shell$/);
      expect(readlinkSync(`${process}/ns/net`)).toBe(`net:[${statSync(namespacePath(netns)).ino}]`);
      expect(cgroupRoot() + /^0::(.*)$/m.exec(readFileSync(`${process}/cgroup`, 'utf8'))?.[1]).toBe(cgroup);
    }
  });

  // Pod to node is a route that works, so only the lack of any other keeps these in.
  describe.each([
    { what: 'a Service', address: '10.96.0.10' },
    { what: 'a Service', address: 'fd00:10:96::10' },
    { what: 'a Service in an IPv6 socket', address: '::ffff:10.96.0.10' },
    { what: 'the world', address: '192.0.2.1' },
    { what: 'the world', address: '2001:db8::1' },
  ])('that ask for an address of $what that nothing answers, $address,', ({ address }) => {
    test.each<HammerKind>(['tcp', 'udp', 'udp-unconnected'])('are told so at once by %s', async (kind) => {
      for (const shell of [shells.client, shells.node]) {
        const { errors, slowestMicros } = await shell.hammer(kind, address, 80, { count: 20, timeoutMs: 3000 });
        expect(errors).toEqual({ [kind === 'udp-unconnected' ? 'send EHOSTUNREACH' : 'EHOSTUNREACH']: 20 });
        expect(slowestMicros).toBeLessThan(1_000_000);
      }
    });

    test('send no packet to the node, or out of it', async () => {
      const onWire = address.replace('::ffff:', '');
      const places = [shells.client, shells.node, shells.machine];
      const captures = await Promise.all(places.map((shell) => shell.capture()));
      await shells.client.whoAnswers('tcp', address, 80);
      await shells.node.whoAnswers('udp-unconnected', address, 80);
      for (const capture of captures) {
        expect(await capture.count(onWire)).toMatchObject({ matching: 0, lost: 0 });
        await capture.stop();
      }
    });
  });

  test('are seen by a capture when they do send', async () => {
    const [inside, outside] = await Promise.all([shells.node.capture(), shells.machine.capture()]);
    await shells.client.whoAnswers('tcp', server.address4, 8080);
    expect((await inside.count(server.address4)).matching).toBeGreaterThan(0);
    expect((await outside.count(server.address4)).matching).toBe(0);
    await Promise.all([inside.stop(), outside.stop()]);
  });

  test('have no link to the machine', async () => {
    const inside = await Promise.all([node, client, server].map(({ netns }) => hardwareAddresses('-n', netns)));
    const outside = await hardwareAddresses();
    expect(inside.map((addresses) => addresses.length)).toEqual([3, 1, 1]);
    for (const address of inside.flat()) expect(outside).not.toContain(address);
  });

  test('can come and go, and an address that is given again is reached at once', async () => {
    for (const name of ['first', 'second', 'third']) {
      const pod = await node.addPod('guest', { ipv4: '10.244.9.9' });
      const shell = await openShell(pod);
      await shell.serve('tcp', '*', 8080, name);
      expect(await shells.client.whoAnswers('tcp', '10.244.9.9', 8080)).toBe(name);
      expect(await shells.client.whoAnswers('tcp', 'fd00:10:244:9::9', 8080)).toBe(name);
      await node.removePod('guest');
      expect(existsSync(pod.cgroup)).toBe(false);
      expect(existsSync(namespacePath(pod.netns))).toBe(false);
      expect(shell.process.signalCode).toBe('SIGKILL');
    }
    expect([...node.pods.keys()].sort()).toEqual(['client', 'server']);
  });

  test.each([
    { why: 'a name that is taken', name: 'client', options: {}, says: 'there is one of that name' },
    { why: 'a name that is no DNS label', name: '../up', options: {}, says: 'it must be a DNS label' },
    { why: 'an address that is taken', name: 'x', options: { ipv4: '10.244.3.7' }, says: '10.244.3.7 is taken' },
    { why: "the node's address", name: 'x', options: { ipv4: '10.244.0.1' }, says: '10.244.0.1 is taken' },
    { why: 'an address of others', name: 'x', options: { ipv4: '10.0.0.1' }, says: '10.0.0.1 is not in' },
    { why: 'an IPv6 address that is taken', name: 'x', options: { ipv6: 'fd00:10:244:3:0::7' }, says: 'is taken' },
    { why: 'an IPv6 address of others', name: 'x', options: { ipv6: 'fd00::1' }, says: 'fd00::1 is not in' },
  ])('cannot have $why', async ({ name, options, says }) => {
    await expect(node.addPod(name, options)).rejects.toThrow(says);
    expect(node.pods.size).toBe(2);
  });

  test('that fail half-way leave nothing, and their name and address are free', async () => {
    await mkdir(`${node.cgroup}/pod-late`);
    await expect(node.addPod('late', { ipv4: '10.244.8.8' })).rejects.toThrow('making the cgroup');
    expect(existsSync(namespacePath(`${node.name}-pod-late`))).toBe(false);
    expect(existsSync(`${node.cgroup}/pod-late`)).toBe(false);
    expect(await node.addPod('late', { ipv4: '10.244.8.8' })).toMatchObject({ address4: '10.244.8.8' });
    await node.removePod('late');
  });
});

test('a node that takes packets for Services gets them from its pods, and lets none out', async () => {
  await using node = await createNode({ servicesToNode: true });
  await using outside = await openShell(machine);
  const pod = await node.addPod('client');
  const [inPod, inNode] = [await openShell(pod), await openShell(node)];
  const captures = [await inNode.capture(), await outside.capture()] as const;
  for (const address of ['10.96.0.10', 'fd00:10:96::10']) {
    expect(await inPod.whoAnswers('tcp', address, 80)).toMatch(/^E(HOST|NET)UNREACH$/);
    expect((await captures[0].count(address)).matching).toBeGreaterThan(0);
    expect((await captures[1].count(address)).matching).toBe(0);
  }
});

test('two nodes with the same addresses do not see each other', async () => {
  await using one = await createNode({ name: 'one' });
  await using two = await createNode({ name: 'two' });
  const shells = await Promise.all([one, two].map(async (node) => openShell(await node.addPod('pod'))));
  await Promise.all(shells.map((shell, index) => shell.serve('tcp', '*', 80, `node-${index}`)));
  const answers = await Promise.all(shells.map((shell) => shell.whoAnswers('tcp', '10.244.1.1', 80)));
  expect(answers).toEqual(['node-0', 'node-1']);
});

describe('closing a node', () => {
  test('ends its processes with their children, and removes all that bears its name', async () => {
    const node = await createNode();
    const pod = await node.addPod('pod');
    await mkdir(`${node.bpfRoot}/pins/deeper`, { recursive: true });
    await mkdir(`${pod.cgroup}/nested`);
    expect(statfsSync(node.bpfRoot).type).toBe(0xcafe4a11);
    const family = 'sleep 1000 & echo $$ $!; exec sleep 1000';
    const pids = (await Promise.all([pod, node].map((place) => firstLineOf(place.spawn('sh', ['-c', family])))))
      .flatMap((line) => line.split(' '))
      .map(Number);
    expect(pids.map(isRunning)).toEqual([true, true, true, true]);
    expect(thingsOf(node.name)).toHaveLength(4);

    await Promise.all([node.close(), node.close()]);
    expect(pids.map(isRunning)).toEqual([false, false, false, false]);
    expect(thingsOf(node.name)).toEqual([]);
    await expect(node.addPod('late')).rejects.toThrow('it is closed');
  });

  test('waits for a pod that is being added, and removes that, too', async () => {
    const node = await createNode();
    const adding = node.addPod('pod');
    await node.close();
    expect((await adding).name).toBe('pod');
    expect(thingsOf(node.name)).toEqual([]);
  });

  test('happens by itself when the set-up fails', async () => {
    const directory = mkdtempSync(`${tmpdir()}/shunt-test-`);
    writeFileSync(`${directory}/nsenter`, '#!/bin/sh\necho no namespaces today >&2\nexit 1\n', { mode: 0o755 });
    vi.stubEnv('PATH', `${directory}:${process.env.PATH}`);
    try {
      await expect(createNode()).rejects.toThrow('setting up its network: no namespaces today');
    } finally {
      vi.unstubAllEnvs();
      rmSync(directory, { recursive: true });
    }
    expect(thingsOf(`shunt-${process.pid}-`)).toEqual([]);
  });
});

test('what a dead creator has left is cleaned up, and nothing of those that live', async () => {
  await using mine = await createNode();
  const script = `
    import { createNode } from '${sourceUrl('demo/node.ts')}';
    const node = await createNode();
    const pod = await node.addPod('pod');
    pod.spawn('sleep', ['1000']);
    node.spawn('sleep', ['1000']);
    console.log(node.name);
    setInterval(() => {}, 1000);`;
  const creator = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const name = await firstLineOf(creator);

  expect(await cleanStaleNodes()).not.toContain(name);
  expect(thingsOf(name)).toHaveLength(4);
  creator.kill('SIGKILL');
  await once(creator, 'exit');

  // Whoever makes a node at the same moment may be first to clean up.
  await cleanStaleNodes();
  await retryUntil(() => thingsOf(name).length === 0);
  expect(thingsOf(mine.name)).toHaveLength(3);
});

test('creators that find no bpffs at the same time mount one', async () => {
  const script = `
    import { readFileSync } from 'node:fs';
    import { makeBpfRoot } from '${sourceUrl('demo/bpffs.ts')}';
    await Promise.all([1, 2, 3].map((n) => makeBpfRoot('${BPFFS}/' + n)));
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\\n').filter((line) => line.includes(' - bpf '));
    console.log(mounts.length);`;
  // In a mount namespace of its own, so that the machine's mounts stay as they are.
  const bare = `while umount ${BPFFS} 2>/dev/null; do :; done; exec "$@"`;
  const node = [process.execPath, '--input-type=module', '-e', script];
  const { stdout } = await run('unshare', ['--mount', '--', 'sh', '-c', bare, 'sh', ...node]);
  expect(stdout.trim()).toBe('1');
});

test('a node needs root, and says so', async () => {
  vi.spyOn(process, 'geteuid').mockReturnValue(1000);
  await expect(createNode()).rejects.toMatchObject({ code: 'SHUNT_E_NODE', message: expect.stringContaining('root') });
  vi.restoreAllMocks();
});

const hardwareAddresses = async (...where: readonly string[]): Promise<readonly string[]> => {
  const { stdout } = await run('ip', [...where, '-j', 'link', 'show']);
  const links = JSON.parse(stdout) as readonly { readonly ifname: string; readonly address: string }[];
  return links.filter(({ ifname }) => ifname !== 'lo').map(({ address }) => address);
};

/** Everything on the machine whose name starts so: namespaces, cgroups, pins. */
const thingsOf = (prefix: string): readonly string[] =>
  ['/run/netns', cgroupRoot(), BPFFS].flatMap((directory) =>
    readdirSync(directory)
      .filter((name) => name.startsWith(prefix))
      .map((name) => `${directory}/${name}`),
  );

const firstLineOf = async (child: ReturnType<typeof spawn>): Promise<string> => {
  if (child.stdout === null) throw new Error('no output to read');
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return line;
};

/** A process that has ended and waits to be reaped does not run. */
const isRunning = (pid: number): boolean =>
  existsSync(`/proc/${pid}/stat`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
