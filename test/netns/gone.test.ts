import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '../../src/demo/command.ts';
import { addNamespace, removeNamespaces, runInNamespace, runIp } from '../../src/demo/namespace.ts';
import { createNode } from '../../src/demo/node.ts';
import { startAgentProcess } from '../helpers/agent-process.ts';
import { serviceStats } from '../helpers/counted.ts';
import { ObjectDirectory } from '../helpers/object-directory.ts';
import { retryUntil } from '../helpers/retry.ts';
import { SOCKET_ENDINGS } from '../helpers/socket-endings.ts';
import { openShell, type SocketKind, type SocketShell } from '../helpers/socket-shell.ts';
import { type Actor, openStage, SERVER_PORT, type Stage, serviceWith, slicesOf } from '../helpers/stage.ts';
import { inForm, serverOf, UDP_WAYS } from '../helpers/ways.ts';

/** A connected UDP socket is told that its endpoint is gone: who waits for an answer is woken, and can connect again. */

const WEB = ['10.96.0.1', 'fd00:10:96::1'] as const;
const SHORT_LIVED = ['10.96.0.2', 'fd00:10:96::2'] as const;
const MANY = 500;
const WOKEN = { error: 'ECONNABORTED' } as const;

/** Where a client may be: each has a network namespace of its own. */
const PLACES = ['a pod', 'the network of the node'] as const;

const rows = PLACES.flatMap((place) => UDP_WAYS.map((way) => ({ place, ...way })));

const connected = async (shell: SocketShell, kind: SocketKind, address: string): Promise<number> => {
  const fd = await shell.socket(kind);
  expect(await shell.connect(fd, address, 80)).toEqual({ ok: true });
  return fd;
};

describe.each(SOCKET_ENDINGS)('by %s,', (socketEnding) => {
  let stage: Stage<'client' | 'v1' | 'v2'>;
  let inNode: SocketShell;

  beforeAll(async () => {
    stage = await openStage({
      name: 'gone',
      clients: ['client'],
      servers: ['v1', 'v2'],
      objects: ({ v1 }) => serviceWith('web', WEB, [v1]),
      agent: { socketEnding },
    });
    inNode = await openShell(stage.node);
  });

  afterAll(() => stage?.[Symbol.asyncDispose]());

  const shellAt = (place: (typeof PLACES)[number]): SocketShell =>
    place === 'a pod' ? stage.actors.client.shell : inNode;

  const serve = (...actors: readonly Actor[]) => stage.agent.put(...slicesOf('web', actors));

  describe.each(rows)('a $kind socket ($form) in $place', ({ place, kind, form }) => {
    const address = inForm(WEB, form);

    test('is woken when its endpoint is removed, and connects to another one', async () => {
      const { v1, v2 } = stage.actors;
      const shell = shellAt(place);
      await serve(v1);
      const fd = await connected(shell, kind, address);
      expect(await serverOf(shell, fd, kind)).toBe('v1');
      const waiting = shell.recv(fd, 10_000);
      await serve(v2);
      expect(await waiting).toEqual(WOKEN);
      expect(await shell.getpeername(fd)).toEqual({ error: 'ENOTCONN' });
      expect(await shell.connect(fd, address, 80)).toEqual({ ok: true });
      expect(await serverOf(shell, fd, kind)).toBe('v2');
      expect(await shell.getpeername(fd)).toEqual({ address, port: 80 });
      await shell.closeSocket(fd);
    });

    test('is woken when the last endpoint goes, is refused meanwhile, and connects when there is one again', async () => {
      const { v1 } = stage.actors;
      const shell = shellAt(place);
      await serve(v1);
      const fd = await connected(shell, kind, address);
      for (let round = 0; round < 3; round++) {
        const waiting = shell.recv(fd, 10_000);
        await serve();
        expect(await waiting).toEqual(WOKEN);
        expect(await shell.connect(fd, address, 80)).toEqual({ error: 'ECONNREFUSED' });
        await serve(v1);
        expect(await shell.connect(fd, address, 80)).toEqual({ ok: true });
        expect(await serverOf(shell, fd, kind)).toBe('v1');
      }
      await shell.closeSocket(fd);
    });

    test('is woken when its Service is deleted', async () => {
      const shell = shellAt(place);
      const objects = serviceWith('short-lived', SHORT_LIVED, [stage.actors.v1]);
      await stage.agent.put(...objects);
      const fd = await connected(shell, kind, inForm(SHORT_LIVED, form));
      const waiting = shell.recv(fd, 10_000);
      await stage.agent.remove(...objects);
      expect(await waiting).toEqual(WOKEN);
      expect(await shell.send(fd, 'x')).toEqual({ error: 'EDESTADDRREQ' });
      await shell.closeSocket(fd);
    });
  });

  // The kernel looks where to send before it looks for errors.
  test('a client that does not wait learns it from poll, and from the error of its next call', async () => {
    const { client, v1, v2 } = stage.actors;
    await serve(v1);
    const fd = await connected(client.shell, 'udp4', WEB[0]);
    const before = stage.agent.socketsEnded;
    await serve(v2);
    await retryUntil(() => stage.agent.socketsEnded === before + 1);
    expect(await client.shell.poll(fd, 'in', 0)).toContain('err');
    expect(await client.shell.send(fd, 'x')).toEqual({ error: 'EDESTADDRREQ' });
    expect(await client.shell.recv(fd, 0)).toEqual(WOKEN);
    expect(await client.shell.poll(fd, 'in', 0)).toEqual([]);
    await client.shell.closeSocket(fd);
  });

  test('what dup and fork share is one socket', async () => {
    const { client, v1, v2 } = stage.actors;
    await serve(v1);
    const fd = await connected(client.shell, 'udp4', WEB[0]);
    const copy = await client.shell.dup(fd);
    await client.shell.forkHold();
    const before = stage.agent.socketsEnded;
    const waiting = client.shell.recv(copy, 10_000);
    await serve(v2);
    expect(await waiting).toEqual(WOKEN);
    expect(await client.shell.getpeername(fd)).toEqual({ error: 'ENOTCONN' });
    await retryUntil(() => stage.agent.socketsEnded === before + 1);
    await client.shell.closeSocket(fd);
    await client.shell.closeSocket(copy);
  });

  test(`${MANY} sockets are woken at once, and everybody else is not kept waiting`, async () => {
    const { client, v1, v2 } = stage.actors;
    await serve(v1);
    const before = { ended: stage.agent.socketsEnded, ...serviceStats(stage.agent, 'shop/web/udp/UDP') };
    const fds: number[] = [];
    for (let index = 0; index < MANY; index++) {
      const { kind, form } = UDP_WAYS[index % UDP_WAYS.length]!;
      fds.push(await connected(index % 2 === 0 ? client.shell : inNode, kind, inForm(WEB, form)));
    }
    await serve(v2);
    await retryUntil(() => stage.agent.socketsEnded === before.ended + MANY);
    for (const [index, fd] of fds.entries()) {
      const shell = index % 2 === 0 ? client.shell : inNode;
      expect(await shell.getsockopt(fd, 'so_error')).toEqual(WOKEN);
      await shell.closeSocket(fd);
    }
    // Each is counted as closed once, when the application closes it.
    await retryUntil(() => serviceStats(stage.agent, 'shop/web/udp/UDP').closed >= before.closed + MANY);
    expect(serviceStats(stage.agent, 'shop/web/udp/UDP').attempts).toBe(before.attempts + MANY);
  });

  test('after tables have grown it goes on', async () => {
    const { client, v1, v2 } = stage.actors;
    await serve(v1);
    const fd = await connected(client.shell, 'udp4', WEB[0]);
    const { services } = stage.agent.dataplane.tables.capacity;
    const objects = Array.from({ length: services + 1 }, (_, index) =>
      serviceWith(`grown-${index}`, [`10.96.1.${index}`, `fd00:10:96::1:${index}`], [v1]),
    ).flat();
    await stage.agent.put(...objects);
    expect(stage.agent.dataplane.tables.capacity.services).toBeGreaterThan(services);
    const waiting = client.shell.recv(fd, 10_000);
    await serve(v2);
    expect(await waiting).toEqual(WOKEN);
    await client.shell.closeSocket(fd);
    await stage.agent.remove(...objects);
  });

  test('nothing stays behind: no thread, no descriptor, and no hold on a network namespace', async () => {
    const { client, v1, v2 } = stage.actors;
    const passing = `${stage.node.name}-passing`;
    await addNamespace(passing);
    await runInNamespace(
      stage.node.netns,
      'adding a link',
      runIp([`link add passing type veth peer name eth0 netns ${passing}`]),
    );
    // One that dissolved its connection is looked for everywhere, and found nowhere.
    await serve(v1);
    const dissolved = await connected(client.shell, 'udp4', WEB[0]);
    await client.shell.connectUnspec(dissolved);
    const round = async (): Promise<void> => {
      await serve(v1);
      const fd = await connected(client.shell, 'udp4', WEB[0]);
      const waiting = client.shell.recv(fd, 10_000);
      await serve(v2);
      expect(await waiting).toEqual(WOKEN);
      await client.shell.closeSocket(fd);
    };
    await round();
    // The program of the walk that counts stays open from the first walk on.
    await stage.agent.dataplane.countLive?.();
    const before = { files: countIn('/proc/self/fd'), threads: countIn('/proc/self/task') };
    for (let times = 0; times < 10; times++) await round();
    await retryUntil(() => countIn('/proc/self/fd') <= before.files && countIn('/proc/self/task') <= before.threads);
    await removeNamespaces([passing]);
    await retryUntil(async () => !(await linksIn(stage.node.netns)).includes('passing'));
    await client.shell.closeSocket(dissolved);
  });
});

test('sockets that found no place among the others are woken, too', async () => {
  await using stage = await openStage({
    name: 'gone-overflow',
    clients: ['client'],
    servers: ['v1', 'v2'],
    objects: ({ v1 }) => serviceWith('web', WEB, [v1]),
    agent: { connections: 4 },
  });
  const { client, v1, v2 } = stage.actors;
  const fds: number[] = [];
  for (let index = 0; index < 4 * 6; index++) {
    const { kind, form } = UDP_WAYS[index % UDP_WAYS.length]!;
    fds.push(await connected(client.shell, kind, inForm(WEB, form)));
  }
  expect(stage.agent.agent.verdicts().overflowed).toBeGreaterThanOrEqual(fds.length - 4);
  const others = await connectedToOther(stage, v1);
  await stage.agent.put(...slicesOf('web', [v2]));
  await retryUntil(() => stage.agent.socketsEnded === fds.length);
  for (const fd of fds) expect(await client.shell.recv(fd, 0)).toEqual(WOKEN);
  for (const fd of others) expect(await serverOf(client.shell, fd, 'udp4')).toBe('v1');
});

/** Three sockets that go to the same endpoint through another Service. */
const connectedToOther = async (stage: Stage<'client' | 'v1' | 'v2'>, actor: Actor): Promise<readonly number[]> => {
  const addresses = ['10.96.0.9', 'fd00:10:96::9'] as const;
  await stage.agent.put(...serviceWith('other', addresses, [actor]));
  const { shell } = stage.actors.client;
  return [await connected(shell, 'udp4', addresses[0]), await connected(shell, 'udp4', addresses[0])];
};

describe('an endpoint that went while no agent ran', () => {
  test.each(['killed', 'stopped'] as const)('is told to its sockets by the next one (%s)', async (how) => {
    using objects = new ObjectDirectory();
    await using stage = await openNode(objects);
    const { client, v2, node } = stage;
    await using agent = startAgentProcess(node, { source: objects.path });
    await agent.ready();
    const fds = await Promise.all(UDP_WAYS.map(({ kind, form }) => connected(client, kind, inForm(WEB, form))));
    await (how === 'killed' ? agent.kill() : agent.stop());
    objects.write('web', ...serviceWith('web', WEB, [v2]));
    const waiting = client.recv(fds[0]!, 10_000);
    await using next = startAgentProcess(node, { source: objects.path });
    expect(await waiting).toEqual(WOKEN);
    expect(await next.logged('woke connected UDP sockets')).toMatchObject({ sockets: UDP_WAYS.length });
    for (const fd of fds.slice(1)) expect(await client.recv(fd, 0)).toEqual(WOKEN);
  });
});

test('without a directory of network namespaces it is told in that of the agent, and the log says so', async () => {
  const nowhere = mkdtempSync(`${tmpdir()}/shunt-namespaces-`);
  rmdirSync(nowhere);
  using objects = new ObjectDirectory();
  await using stage = await openNode(objects);
  const { client, v2, node } = stage;
  await using agent = startAgentProcess(node, { source: objects.path, flags: ['--netns', nowhere] });
  await agent.ready();
  expect(await agent.logged('the directory of network namespaces does not exist')).toMatchObject({
    level: 'warn',
    netns: nowhere,
  });
  const inNode = await openShell(node);
  const far = await connected(client, 'udp4', WEB[0]);
  const near = await connected(inNode, 'udp4', WEB[0]);
  const waiting = inNode.recv(near, 10_000);
  objects.write('web', ...serviceWith('web', WEB, [v2]));
  expect(await waiting).toEqual(WOKEN);
  expect(await serverOf(client, far, 'udp4')).toBe('v1');
});

/** A node whose agent is a process: two servers, a client, and a Service with the first server in a directory. */
const openNode = async (objects: ObjectDirectory) => {
  const node = await createNode({ name: 'gone-process' });
  try {
    const [v1, v2, client] = await Promise.all(
      ['v1', 'v2', 'client'].map(async (name) => {
        const pod = await node.addPod(name);
        return { pod, shell: await openShell(pod) };
      }),
    );
    for (const { pod, shell } of [v1!, v2!]) await shell.serve('udp', '*', SERVER_PORT, pod.name);
    objects.write('web', ...serviceWith('web', WEB, [v1!]));
    return { node, v1: v1!, v2: v2!, client: client!.shell, [Symbol.asyncDispose]: () => node.close() };
  } catch (error) {
    await node.close();
    throw error;
  }
};

const countIn = (directory: string): number => readdirSync(directory).length;

const linksIn = (netns: string): Promise<string> => runCommand('listing links', 'ip', ['-n', netns, '-o', 'link']);
