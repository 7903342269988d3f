import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { retryUntil } from '../helpers/retry.ts';
import { type HammerKind, openShell, type SocketShell } from '../helpers/socket-shell.ts';
import { type Actor, openStage, type Stage, serviceWith, slicesOf } from '../helpers/stage.ts';

/** sessionAffinity: ClientIP. The client is its network namespace: a pod, whatever address it speaks from. */

const STICKY = ['10.96.0.1', 'fd00:10:96::1'] as const;
const SHORT_S = 1;
const SERVERS = ['v1', 'v2', 'v3', 'v4'] as const;
const KINDS = ['tcp', 'udp', 'udp-unconnected'] as const;
const CLIENTS = ['c1', 'c2', 'c3', 'c4', 'c5', 'c6'] as const;

let stage: Stage<(typeof SERVERS)[number] | (typeof CLIENTS)[number]>;
let servers: readonly Actor[];

beforeAll(async () => {
  stage = await openStage({
    name: 'affinity',
    clients: CLIENTS,
    servers: SERVERS,
    objects: (actors) =>
      serviceWith(
        'sticky',
        STICKY,
        SERVERS.map((name) => actors[name]),
        { affinityTimeoutS: 10_800 },
      ),
  });
  servers = SERVERS.map((name) => stage.actors[name]);
});

afterAll(() => stage?.[Symbol.asyncDispose]());

/** The endpoints that answer `count` connections. */
const answers = async (
  shell: SocketShell,
  address: string,
  { kind = 'tcp', count = 20 }: { readonly kind?: HammerKind; readonly count?: number } = {},
): Promise<readonly string[]> => Object.keys((await shell.hammer(kind, address, 80, { count })).by).sort();

describe.each(KINDS)('with session affinity, by %s,', (kind) => {
  test.each([STICKY[0], STICKY[1], `::ffff:${STICKY[0]}`])(
    'a pod keeps its endpoint over many connections to %s',
    async (to) => {
      for (const name of CLIENTS)
        expect(await answers(stage.actors[name].shell, to, { kind, count: 40 })).toHaveLength(1);
    },
  );

  test('other processes of a pod keep to the same endpoint', async () => {
    const [mine] = await answers(stage.actors.c1.shell, STICKY[0], { kind });
    await using other = await openShell(stage.actors.c1.pod);
    expect(await answers(other, STICKY[0], { kind })).toEqual([mine]);
  });

  test('a process in the network of the node keeps its endpoint', async () => {
    await using host = await openShell(stage.node);
    expect(await answers(host, STICKY[0], { kind })).toHaveLength(1);
  });
});

test('IPv4 and IPv4-mapped connections of a pod share its endpoint', async () => {
  for (const name of CLIENTS) {
    const { shell } = stage.actors[name];
    expect(await answers(shell, `::ffff:${STICKY[0]}`)).toEqual(await answers(shell, STICKY[0]));
  }
});

test('pods, families and Services choose independently of each other', async () => {
  const addresses = Array.from({ length: 12 }, (_, index) => [`10.96.1.${index}`, `fd00:10:96:1::${index}`] as const);
  await stage.agent.put(
    ...addresses.flatMap((pair, index) => serviceWith(`s${index}`, pair, servers, { affinityTimeoutS: 100 })),
  );
  const { c1, c2 } = stage.actors;
  const differences = { pods: 0, families: 0, services: 0 };
  let [last] = await answers(c1.shell, addresses[0]![0], { count: 1 });
  for (const [ipv4, ipv6] of addresses) {
    const [mine] = await answers(c1.shell, ipv4);
    differences.pods += Number((await answers(c2.shell, ipv4))[0] !== mine);
    differences.families += Number((await answers(c1.shell, ipv6))[0] !== mine);
    differences.services += Number(last !== mine);
    last = mine;
  }
  // Each of them is 0 by chance once in 4^11 runs.
  expect(differences).toEqual({ pods: expect.any(Number), families: expect.any(Number), services: expect.any(Number) });
  expect(Math.min(...Object.values(differences))).toBeGreaterThan(0);
});

test.each(KINDS)(
  'without session affinity connections spread, and so they do once it is turned off, and stick when it is on: %s',
  async (kind) => {
    const { shell } = stage.actors.c1;
    const turn = (affinityTimeoutS: number) =>
      stage.agent.put(serviceWith('turned', ['10.96.0.3'], servers, { affinityTimeoutS })[0]!);
    await stage.agent.put(...serviceWith('turned', ['10.96.0.3'], servers));
    for (let round = 0; round < 3; round += 1) {
      await turn(0);
      expect(await answers(shell, '10.96.0.3', { kind, count: 100 })).toEqual([...SERVERS]);
      await turn(100);
      expect(await answers(shell, '10.96.0.3', { kind, count: 100 })).toHaveLength(1);
    }
  },
);

test('Kubernetes’ own test: 15 answers in a row come from one endpoint, by connections and datagrams of any kind alike', async () => {
  await stage.agent.put(
    ...serviceWith('fifteen', ['10.96.0.8', 'fd00:10:96::8'], servers, { affinityTimeoutS: 10_800 }),
  );
  for (const name of CLIENTS) {
    const { shell } = stage.actors[name];
    for (const kind of KINDS) {
      expect(await answers(shell, '10.96.0.8', { kind, count: 15 })).toHaveLength(1);
      expect(await answers(shell, 'fd00:10:96::8', { kind, count: 15 })).toHaveLength(1);
    }
    // Of one Service port: connected or not, it is the same client.
    expect(await answers(shell, '10.96.0.8', { kind: 'udp' })).toEqual(
      await answers(shell, '10.96.0.8', { kind: 'udp-unconnected' }),
    );
  }
});

test('a socket that sends keeps to its endpoint, though its pod is turned to another one', async () => {
  const { shell } = stage.actors.c1;
  const objects = (affinityTimeoutS: number) => serviceWith('sending', ['10.96.0.9'], servers, { affinityTimeoutS });
  await stage.agent.put(...objects(0));
  const ask = async (fd: number): Promise<string> => {
    expect(await shell.sendto(fd, '10.96.0.9', 80, 'x')).toEqual({ ok: true });
    const answer = await shell.recvfrom(fd);
    return 'text' in answer ? (answer.text.split(' ')[0] as string) : answer.error;
  };
  const fds = await Promise.all(Array.from({ length: 12 }, () => shell.socket('udp4')));
  const before: string[] = [];
  for (const fd of fds) before.push(await ask(fd));
  await stage.agent.put(...objects(10_800));
  const [now] = await answers(shell, '10.96.0.9', { kind: 'udp-unconnected' });
  const after: string[] = [];
  for (const fd of fds) after.push(await ask(fd));
  expect(after).toEqual(before);
  expect(before.some((name) => name !== now)).toBe(true);
  for (const fd of fds) await shell.closeSocket(fd);
});

test.each(KINDS)(
  'an endpoint that goes is replaced at once, and one that comes back is not taken up again: %s',
  async (kind) => {
    const { shell } = stage.actors.c1;
    await stage.agent.put(...serviceWith('lost', ['10.96.0.4'], servers, { affinityTimeoutS: 10_800 }));
    const [first] = await answers(shell, '10.96.0.4', { kind });
    const others = servers.filter(({ pod }) => pod.name !== first);
    await stage.agent.put(...slicesOf('lost', others));
    const [second, ...more] = await answers(shell, '10.96.0.4', { kind });
    expect(others.map(({ pod }) => pod.name)).toContain(second);
    expect(more).toEqual([]);
    await stage.agent.put(...slicesOf('lost', servers));
    expect(await answers(shell, '10.96.0.4', { kind })).toEqual([second]);
  },
);

test('other endpoints that come and go do not move a pod', async () => {
  const { shell } = stage.actors.c1;
  await stage.agent.put(...serviceWith('kept', ['10.96.0.5'], servers, { affinityTimeoutS: 10_800 }));
  const [mine] = await answers(shell, '10.96.0.5');
  const own = servers.filter(({ pod }) => pod.name === mine);
  for (const set of [own, servers, [...own, ...servers.filter((each) => !own.includes(each)).slice(0, 1)], servers]) {
    await stage.agent.put(...slicesOf('kept', set));
    expect(await answers(shell, '10.96.0.5')).toEqual([mine]);
  }
});

test('a pod is free again when it was silent for the timeout, and kept by every use before that', async () => {
  const { shell } = stage.actors.c1;
  const used = Array.from({ length: 12 }, (_, index) => `10.96.2.${index}`);
  const silent = Array.from({ length: 12 }, (_, index) => `10.96.3.${index}`);
  await stage.agent.put(
    ...[...used, ...silent].flatMap((address) =>
      serviceWith(`t-${address.replaceAll('.', '-')}`, [address], servers, { affinityTimeoutS: SHORT_S }),
    ),
  );
  const ask = async (address: string): Promise<string | undefined> => (await answers(shell, address, { count: 1 }))[0];
  const askAll = async (addresses: readonly string[]): Promise<readonly (string | undefined)[]> => {
    const names = [];
    for (const address of addresses) names.push(await ask(address));
    return names;
  };
  const [firstUsed, firstSilent] = [await askAll(used), await askAll(silent)];
  const until = Date.now() + SHORT_S * 2500;
  while (Date.now() < until) {
    expect(await askAll(used)).toEqual(firstUsed);
    await sleep(SHORT_S * 100);
  }
  // All twelve would be the same again by chance once in 4^12 runs.
  expect(await askAll(silent)).not.toEqual(firstSilent);
});

test('a Service made again under its name does not remember clients of the one before', async () => {
  const { shell } = stage.actors.c1;
  const [v1, v2] = [[stage.actors.v1], [stage.actors.v2]];
  const objects = (server: readonly Actor[]) => serviceWith('again', ['10.96.0.6'], server, { affinityTimeoutS: 100 });
  await stage.agent.put(...objects(v1));
  expect(await answers(shell, '10.96.0.6')).toEqual(['v1']);
  await stage.agent.remove(...objects(v1));
  await stage.agent.put(...objects(v2));
  expect(await retryUntil(async () => (await answers(shell, '10.96.0.6')).join())).toBe('v2');
});

test('a pod keeps its endpoints, however many short-lived UDP sockets come and go', { timeout: 120_000 }, async () => {
  const { c1, c2 } = stage.actors;
  const addresses = Array.from({ length: 20 }, (_, index) => `10.96.4.${index}`);
  await stage.agent.put(
    ...serviceWith('resolver', ['10.96.0.7'], servers),
    ...addresses.flatMap((address, index) =>
      serviceWith(`u${index}`, [address], servers, { affinityTimeoutS: 10_800 }),
    ),
  );
  const all = async (): Promise<readonly string[]> => {
    const names = [];
    for (const address of addresses) names.push(...(await answers(c1.shell, address, { count: 1 })));
    return names;
  };
  const mine = await all();
  // More than `socket_affinity` holds: 65,536.
  const { total, errors } = await c2.shell.hammer('udp-unconnected', '10.96.0.7', 80, { count: 70_000, threads: 2 });
  expect({ total, errors }).toEqual({ total: 70_000, errors: {} });
  expect(await all()).toEqual(mine);
});
