import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { endpoint, policy, service, slice } from '../helpers/objects.ts';
import { openPinnedTables } from '../helpers/pinned-tables.ts';
import { retryUntil } from '../helpers/retry.ts';
import { openShell, type Server, type SocketShell } from '../helpers/socket-shell.ts';
import { SERVER_PORT } from '../helpers/stage.ts';
import { openTraffic, type Traffic } from '../helpers/traffic.ts';

/**
 * LeastConnections is as right as its counts. Whatever became of connections before: those that are opened next and stay
 * must even out what is live, to the last one.
 */

type Name = 'client' | 'v1' | 'v2' | 'v3';
const WEB = '10.96.0.1';
/** One that has had no server yet. */
const PORT = 8090;

let traffic: Traffic<Name>;
let client: SocketShell;

beforeEach(async () => {
  traffic = await openTraffic<Name>('live', { clients: ['client'], servers: ['v1', 'v2', 'v3'] });
  client = traffic.actors.client.shell;
  traffic.objects.write('policy', policy([], { algorithm: 'LeastConnections' }));
  traffic.objects.write('web', ...web(['v1', 'v2']));
  await traffic.startAgent();
});

afterEach(() => traffic?.[Symbol.asyncDispose]());

/** v1 is at a port of its own if asked for. */
const web = (servers: readonly Name[], portOfV1 = SERVER_PORT): ClusterObject[] => [
  service({ clusterIPs: [WEB] }),
  ...servers.map((name) =>
    slice([endpoint(traffic.actors[name].pod.address4, { pod: name })], {
      name: `web-${name}`,
      ports: [{ name: 'http', protocol: 'TCP', port: name === 'v1' ? portOfV1 : SERVER_PORT }],
    }),
  ),
];

/** Opens so many that stay, one after the other. */
const hold = async (count: number, shell = client): Promise<{ by: Record<string, number>; fds: number[] }> => {
  const fds: number[] = [];
  const by: Record<string, number> = {};
  for (let many = 0; many < count; many++) {
    const fd = await shell.socket('tcp4');
    expect(await shell.connect(fd, WEB, 80)).toEqual({ ok: true });
    const answer = await shell.recv(fd);
    const name = 'text' in answer ? answer.text.trim() : answer.error;
    by[name] = (by[name] ?? 0) + 1;
    fds.push(fd);
  }
  return { by, fds };
};

const close = async (fds: readonly number[]): Promise<void> => {
  for (const fd of fds) await client.closeSocket(fd);
};

/** What is live and pending with each backend, by its address. */
const live = async (): Promise<Readonly<Record<string, number>>> =>
  Object.fromEntries(
    (await traffic.agent.backends()).map(
      ({ address, stats }) => [address, (stats.pending ?? 0) + (stats.active ?? 0)] as const,
    ),
  );

const liveTotal = async (): Promise<number> => Object.values(await live()).reduce((sum, each) => sum + each, 0);

const expectEven = async (): Promise<void> => {
  await retryUntil(async () => (await liveTotal()) === 0);
  const { by, fds } = await hold(6);
  expect(by).toEqual({ v1: 3, v2: 3 });
  await close(fds);
};

test('connections that were refused are not live', async () => {
  await traffic.put('web', ...web(['v1'], PORT));
  expect((await client.hammer('tcp', WEB, 80, { count: 20 })).errors).toEqual({ ECONNREFUSED: 20 });
  await traffic.actors.v1.shell.serve('tcp', '*', PORT, 'v1');
  await traffic.put('web', ...web(['v1', 'v2'], PORT));
  await expectEven();
});

test('connections that nobody answered in time are not live, and are while they wait', async () => {
  const silent = await traffic.actors.v1.shell.serve('tcp', '*', PORT, 'v1', 'full');
  await traffic.put('web', ...web(['v1'], PORT));
  const waiting = await pending(3);
  expect(await liveTotal()).toBe(3);
  await traffic.put('web', ...web(['v1', 'v2'], PORT));
  // Three wait at v1: the next three go to v2 before any comes there.
  const { by, fds } = await hold(3);
  expect(by).toEqual({ v2: 3 });
  await close(fds);
  for (const fd of waiting) {
    expect(await client.poll(fd, 'out', 10_000)).toContain('err');
    expect(await client.getsockopt(fd, 'so_error')).toEqual({ error: 'ETIMEDOUT' });
  }
  await answerAgain(silent);
  await expectEven();
});

test('connections that were given up before an answer are not live', async () => {
  const silent = await traffic.actors.v1.shell.serve('tcp', '*', PORT, 'v1', 'full');
  await traffic.put('web', ...web(['v1'], PORT));
  const waiting = await pending(4);
  expect(await liveTotal()).toBe(4);
  await close(waiting);
  await traffic.put('web', ...web(['v1', 'v2'], PORT));
  await answerAgain(silent);
  await expectEven();
});

/** Sockets that do not block, on their way to a server that does not answer. They give up after one second SYN. */
const pending = async (count: number): Promise<readonly number[]> => {
  const fds = [];
  for (let many = 0; many < count; many++) {
    const fd = await client.socket('tcp4', { nonblock: true });
    await client.setsockopt(fd, 'tcp_syncnt', 1);
    expect(await client.connect(fd, WEB, 80)).toEqual({ error: 'EINPROGRESS' });
    fds.push(fd);
  }
  return fds;
};

const answerAgain = async (silent: Server): Promise<void> => {
  await silent.stop();
  await traffic.actors.v1.shell.serve('tcp', '*', PORT, 'v1');
};

test('an endpoint that is drained is listed for as long as connections to it live', async () => {
  const { fds } = await hold(6);
  await traffic.put('web', ...web(['v2']));
  const gone = async () =>
    (await traffic.agent.backends())
      .filter(({ address }) => address === traffic.actors.v1.pod.address4)
      .map(({ state, share, stats }) => ({ state, share, stats }));
  expect(await gone()).toEqual([{ state: 'drained', share: 0, stats: { active: 3, pending: 0 } }]);
  await close(fds);
  await retryUntil(async () => (await gone()).length === 0);
});

test('connections of a process that was killed are not live', async () => {
  const mortal = await openShell(traffic.actors.client.pod);
  await traffic.put('web', ...web(['v1']));
  await hold(5, mortal);
  await traffic.put('web', ...web(['v1', 'v2']));
  expect(await liveTotal()).toBe(5);
  await mortal.kill();
  await expectEven();
});

test('the next agent goes on with what is live, also with what ended while there was none', async () => {
  await traffic.put('web', ...web(['v1']));
  const { fds } = await hold(4);
  await traffic.put('web', ...web(['v1', 'v2']));
  await traffic.agent.kill();
  await close(fds.splice(0, 1));
  // No agent: the kernel chooses by its own counts.
  const alone = await hold(1);
  expect(alone.by).toEqual({ v2: 1 });
  await traffic.startAgent();
  await retryUntil(async () => (await liveTotal()) === 4);
  const { by, fds: more } = await hold(4);
  expect(by).toEqual({ v1: 1, v2: 3 });
  await close([...fds, ...alone.fds, ...more]);
  await expectEven();
});

test('who takes over the record of an endpoint that is gone begins with nothing live, and loses nothing to its end', async () => {
  const before = await hold(6);
  const indexOf = (name: Name): number => backendIndex(traffic.actors[name].pod.address4);
  const index = indexOf('v1');
  await traffic.put('web', ...web(['v2']));
  await close(before.fds.splice(3));
  // A record is free again after a grace period: whoever comes next takes the one that was given back last.
  await retryUntil(async () => {
    await traffic.put('web', ...web(['v2', 'v3']));
    if (indexOf('v3') === index) return true;
    await traffic.put('web', ...web(['v2']));
    return false;
  });
  const liveOfV2 = (await live())[traffic.actors.v2.pod.address4] ?? 0;
  const next = await hold(6 - liveOfV2);
  expect({ v2: (next.by.v2 ?? 0) + liveOfV2, v3: next.by.v3 }).toEqual({ v2: 3, v3: 3 });
  // Connections of v1, whose record is now another's, end; those of v3 still count.
  await close(before.fds);
  await retryUntil(async () => (await live())[traffic.actors.v3.pod.address4] === 3);
  await close(next.fds);
  await retryUntil(async () => (await liveTotal()) === 0);
  const last = await hold(4);
  expect(last.by).toEqual({ v2: 2, v3: 2 });
});

const backendIndex = (address: string): number => {
  using pinned = openPinnedTables(traffic.node.bpfRoot);
  const { tables } = pinned;
  const indexes = Array.from({ length: tables.capacity.backends }, (_, index) => index);
  return indexes.findIndex(
    (index) => tables.backendGeneration(index) % 2 === 1 && tables.backend(index).address === address,
  );
};
