import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ChoiceRule } from '../../src/core/model/desired.ts';
import { write } from '../helpers/hand-made.ts';
import { CLOSED_PORT, type HandMadeScene, NAMES, openHandMadeScene, VIP, WEIGHTS } from '../helpers/hand-made-scene.ts';
import { retryUntil } from '../helpers/retry.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';
import { chiSquaredP } from '../helpers/statistics.ts';

/** Real connections, chosen in each of the ways. Backend i is the server i; the Service is record 0. */

const VIP6 = 'fd00:10:96::1';

let scene: HandMadeScene;
let client: SocketShell;

beforeEach(async () => {
  scene = await openHandMadeScene('algorithms');
  client = scene.client;
});

afterEach(() => scene?.[Symbol.asyncDispose]());

const serve = (): Promise<unknown> =>
  Promise.all(scene.servers.map((server, index) => server.serve('tcp', '*', 8080, NAMES[index] as string)));

const choose = (
  choice: ChoiceRule,
  more: { readonly lookup?: readonly number[]; readonly port?: number; readonly protocol?: 'TCP' | 'UDP' } = {},
): void => {
  const { lookup = [], port = 8080, protocol = 'TCP' } = more;
  write(scene.kernel, {
    services: [{ index: 0, choice }],
    backends: scene.pods.map(({ address4 }, index) => ({
      index,
      address: address4,
      port,
      protocol,
      weight: WEIGHTS[index] as number,
    })),
    ranges: [{ base: 1, entries: [0, 1, 2], weights: WEIGHTS, stride: 5, lookup }],
    frontends: [{ address: VIP, slotBase: 1, slotCount: 3, protocol }],
  });
};

const loads = (): readonly number[] =>
  NAMES.map((_, backend) => {
    const { pending, active } = scene.kernel.stats.backend(backend);
    return pending + active;
  });

test('round robin gives each endpoint exactly its weight in connections, round by round', async () => {
  await serve();
  choose({ algorithm: 'RoundRobin', hashOn: 'Pod' });
  for (const rounds of [1, 1, 10]) {
    const { by } = await client.hammer('tcp', VIP, 80, { count: 6 * rounds });
    expect(by).toEqual({ v0: 3 * rounds, v1: 2 * rounds, v2: rounds });
  }
});

test('round robin gives each family rounds of its own, also where clients come by IPv4 and IPv6 in turn', async () => {
  await serve();
  const entries = [0, 1];
  write(scene.kernel, {
    services: [{ index: 0, choice: { algorithm: 'RoundRobin', hashOn: 'Pod' } }],
    backends: entries.flatMap((index) => [
      { index, address: scene.pods[index]?.address4 as string },
      { index: index + 2, address: scene.pods[index]?.address6 as string },
    ]),
    ranges: [
      { base: 1, entries, weights: [1, 1], stride: 1 },
      { base: 11, entries: [2, 3], weights: [1, 1], stride: 1 },
    ],
    frontends: [
      { address: VIP, slotBase: 1, slotCount: 2 },
      { address: VIP6, slotBase: 11, slotCount: 2 },
    ],
  });
  for (let many = 0; many < 10; many++) for (const vip of [VIP, VIP6]) await client.whoAnswers('tcp', vip, 80);
  expect([0, 1, 2, 3].map((backend) => scene.kernel.stats.backend(backend).attempts)).toEqual([5, 5, 5, 5]);
});

test.each(['LeastConnections', 'PeakEwma'] as const)(
  'datagrams of sockets that do not connect, which nobody counts, go by weight under %s',
  async (algorithm) => {
    await Promise.all(scene.servers.map((server, index) => server.serve('udp', '*', 8080, NAMES[index] as string)));
    choose({ algorithm, hashOn: 'Pod' }, { protocol: 'UDP' });
    const { by } = await client.hammer('udp-unconnected', VIP, 80, { count: 600 });
    const counts = NAMES.map((name) => by[name] ?? 0);
    expect(chiSquaredP(counts, [300, 200, 100])).toBeGreaterThan(0.001);
  },
);

test('the algorithm of a Service in use changes by its record alone', async () => {
  await serve();
  choose({ algorithm: 'RoundRobin', hashOn: 'Pod' });
  const flow = client.startHammer('tcp', VIP, 80, { ms: 600, threads: 2 });
  for (const algorithm of ['LeastConnections', 'PeakEwma', 'WeightedRandom', 'Maglev', 'RoundRobin'] as const) {
    write(scene.kernel, { services: [{ index: 0, choice: { algorithm, hashOn: 'Pod' } }] });
    await sleep(80);
  }
  const { total, errors } = await flow.result;
  expect(errors).toEqual({});
  expect(total).toBeGreaterThan(50);
  const { by } = await client.hammer('tcp', VIP, 80, { count: 60 });
  expect(by).toEqual({ v0: 30, v1: 20, v2: 10 });
});

describe('least connections', () => {
  /** Connections that stay. */
  const connect = async (shell = client): Promise<number> => {
    const fd = await shell.socket('tcp4');
    expect(await shell.connect(fd, VIP, 80)).toEqual({ ok: true });
    return fd;
  };

  test('keeps live connections in proportion to weights', async () => {
    await serve();
    choose({ algorithm: 'LeastConnections', hashOn: 'Pod' });
    for (let many = 0; many < 30; many++) await connect();
    expect(loads()).toEqual([15, 10, 5]);
  });

  test('counts on what is live after connections have ended in any way, and none is left in the end', async () => {
    await serve();
    choose({ algorithm: 'LeastConnections', hashOn: 'Pod' });
    const mortal = await openShell(await scene.node.addPod('mortal'));
    for (let many = 0; many < 6; many++) await connect(mortal);
    const fds = [];
    for (let many = 0; many < 6; many++) fds.push(await connect());
    expect(loads()).toEqual([6, 4, 2]);
    mortal.process.kill('SIGKILL');
    await once(mortal.process, 'close');
    await retryUntil(() => loads().reduce((sum, load) => sum + load) === 6);
    for (const [index, fd] of fds.entries()) await (index % 2 === 0 ? client.closeSocket(fd) : client.reset(fd));
    await retryUntil(() => loads().every((load) => load === 0));
  });

  test('counts neither what was refused nor what was given up before it was answered', async () => {
    for (const server of scene.servers) await server.serve('tcp', '*', 8081, 'full', 'full');
    choose({ algorithm: 'LeastConnections', hashOn: 'Pod' }, { port: CLOSED_PORT });
    expect(await client.hammer('tcp', VIP, 80, { count: 20 })).toMatchObject({ errors: { ECONNREFUSED: 20 } });
    expect(loads()).toEqual([0, 0, 0]);
    choose({ algorithm: 'LeastConnections', hashOn: 'Pod' }, { port: 8081 });
    const fds = [];
    for (let many = 0; many < 6; many++) {
      const fd = await client.socket('tcp4', { nonblock: true });
      expect(await client.connect(fd, VIP, 80)).toEqual({ error: 'EINPROGRESS' });
      fds.push(fd);
    }
    expect(loads()).toEqual([3, 2, 1]);
    for (const fd of fds) await client.closeSocket(fd);
    await retryUntil(() => loads().every((load) => load === 0));
    expect(scene.kernel.stats.service(0)).toMatchObject({ attempts: 26, refused: 20, abandoned: 6 });
  });
});

describe('Maglev', () => {
  const lookup = Array.from({ length: 101 }, (_, place) => place % 3);

  test('sends a pod to one endpoint, and sockets with addresses of their own to theirs', async () => {
    await serve();
    choose({ algorithm: 'Maglev', hashOn: 'Pod' }, { lookup });
    const { by } = await client.hammer('tcp', VIP, 80, { count: 50 });
    expect(Object.values(by)).toEqual([50]);
    choose({ algorithm: 'Maglev', hashOn: 'SourceAddress' }, { lookup });
    expect((await client.hammer('tcp', VIP, 80, { count: 50 })).by).toEqual(by);
    const own = scene.node.pods.get('client')?.address4 as string;
    const bound = await Promise.all(Array.from({ length: 10 }, () => answerFrom(own)));
    expect(new Set(bound).size).toBe(1);
  });

  const answerFrom = async (address: string): Promise<unknown> => {
    const fd = await client.socket('tcp4');
    expect(await client.bind(fd, address, 0)).toEqual({ ok: true });
    expect(await client.connect(fd, VIP, 80)).toEqual({ ok: true });
    const answer = await client.recv(fd);
    await client.closeSocket(fd);
    return 'text' in answer ? answer.text : answer.error;
  };

  test('chooses at random as long as there is no table', async () => {
    await serve();
    choose({ algorithm: 'Maglev', hashOn: 'Pod' });
    expect(Object.keys((await client.hammer('tcp', VIP, 80, { count: 60 })).by)).toHaveLength(3);
  });
});
