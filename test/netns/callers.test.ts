import { statSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CallerCounts, CallerEntry } from '../../src/dataplane/dataplane.ts';
import type { Pod } from '../../src/demo/pod.ts';
import { allEnded } from '../helpers/counted.ts';
import { service } from '../helpers/objects.ts';
import { retryUntil } from '../helpers/retry.ts';
import { type RunningAgent, startAgent } from '../helpers/running-agent.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';
import { openStage, type Stage, serviceWith } from '../helpers/stage.ts';
import { inForm, TCP_WAYS, UDP_WAYS } from '../helpers/ways.ts';

/** What is counted for whoever asks, by its cgroup. */

const WEB = ['10.96.0.1', 'fd00:10:96::1'] as const;
const EMPTY = ['10.96.0.2', 'fd00:10:96::2'] as const;
const CLOSED = ['10.96.0.3', 'fd00:10:96::3'] as const;
const GREETING = 'v1\n'.length;
const OVER = { attempts: 1, established: 1, closed: 1 } as const;

let stage: Stage<'client' | 'other' | 'v1'>;
let agent: RunningAgent;
let client: SocketShell;
let other: SocketShell;
let before: Counts;
let forgotten: readonly CallerEntry[] = [];

const objects = ({ v1 }: Stage<'client' | 'other' | 'v1'>['actors']) => [
  ...serviceWith('web', WEB, [v1]),
  ...serviceWith('empty', EMPTY, []),
  // Nobody listens there.
  ...serviceWith('closed', CLOSED, [v1], { port: 9 }),
];

beforeAll(async () => {
  stage = await openStage({ name: 'callers', clients: ['client', 'other'], servers: ['v1'], objects });
  agent = stage.agent;
  client = stage.actors.client.shell;
  other = stage.actors.other.shell;
});

afterAll(async () => {
  await agent?.stop();
  await stage?.[Symbol.asyncDispose]();
});

beforeEach(() => {
  before = countsNow();
});

/** Of everybody together: what was counted for the Services. */
afterEach(async () => {
  await retryUntil(() => allEnded(agent));
  const services = [...agent.agent.services()].map(({ stats }) => stats);
  const sum = (pick: (stats: (typeof services)[number]) => number) =>
    services.reduce((total, stats) => total + pick(stats), 0);
  expect(total()).toEqual({
    attempts: sum(({ attempts }) => attempts),
    established: sum(({ established }) => established),
    failed: sum((stats) => stats.refused + stats.timedOut + stats.unreachable + stats.abandoned),
    closed: sum(({ closed }) => closed),
    broken: sum(({ reset, broken }) => reset + broken),
    rejected: sum(({ rejected }) => rejected),
    bytesSent: sum(({ bytesSent }) => bytesSent),
    bytesReceived: sum(({ bytesReceived }) => bytesReceived),
  });
  expect(agent.failures).toEqual([]);
});

type Counts = Readonly<Record<string, Partial<CallerCounts>>>;

const NAMES = [
  'attempts',
  'established',
  'failed',
  'closed',
  'broken',
  'rejected',
  'bytesSent',
  'bytesReceived',
] as const satisfies readonly (keyof CallerCounts)[];

const entries = () => agent.dataplane.callers?.read().entries() ?? [];
const total = () =>
  Object.fromEntries(
    NAMES.map((name) => [name, [...forgotten, ...entries()].reduce((sum, entry) => sum + entry[name], 0)]),
  );

/** By cgroup, over all Services. */
const countsNow = (): Counts => {
  const counts: Record<string, Record<string, number>> = {};
  for (const entry of entries()) {
    const own = counts[String(entry.cgroup)] ?? {};
    counts[String(entry.cgroup)] = own;
    for (const name of NAMES) own[name] = (own[name] ?? 0) + entry[name];
  }
  return counts;
};

/** Since the test began, when all has ended; without zeros. */
const countsOf = async ({ cgroup }: Pick<Pod, 'cgroup'>): Promise<Partial<CallerCounts>> => {
  await retryUntil(() => allEnded(agent));
  return grown(cgroup);
};

const grown = (cgroup: string): Partial<CallerCounts> => {
  const id = String(statSync(cgroup, { bigint: true }).ino);
  const now = countsNow()[id] ?? {};
  const changes = NAMES.map((name) => [name, (now[name] ?? 0) - (before[id]?.[name] ?? 0)] as const);
  return Object.fromEntries(changes.filter(([, change]) => change !== 0));
};

const pods = () => ({ client: stage.actors.client.pod, other: stage.actors.other.pod });

const open = async (from: SocketShell, address: string = WEB[0]) => {
  const fd = await from.socket('tcp4');
  await from.connect(fd, address, 80);
  expect(await from.recv(fd)).toEqual({ text: 'v1\n' });
  return fd;
};

describe.each(TCP_WAYS)('TCP, $way,', ({ kind, form }) => {
  test('a connection and its bytes count for the container that made it', async () => {
    const fd = await client.socket(kind);
    await client.connect(fd, inForm(WEB, form), 80);
    await client.recv(fd);
    await client.exchange(fd, 70_001);
    await client.closeSocket(fd);
    expect(await countsOf(pods().client)).toEqual({ ...OVER, bytesSent: 70_001, bytesReceived: 70_001 + GREETING });
    expect(await countsOf(pods().other)).toEqual({});
  });

  test('one that the endpoint refuses counts as failed', async () => {
    await client.connect(await client.socket(kind), inForm(CLOSED, form), 80);
    expect(await countsOf(pods().client)).toEqual({ attempts: 1, failed: 1 });
  });

  test('one that is refused at once counts as rejected', async () => {
    const fd = await client.socket(kind);
    await client.connect(fd, inForm(EMPTY, form), 80);
    await client.closeSocket(fd);
    expect(await countsOf(pods().client)).toEqual({ rejected: 1 });
  });
});

test.each(UDP_WAYS)(
  'a connected $kind socket ($form) counts from connect() to its end, a killed one too',
  async (row) => {
    const fd = await client.socket(row.kind);
    await client.connect(fd, inForm(WEB, row.form), 80);
    expect(grown(pods().client.cgroup)).toEqual({ attempts: 1, established: 1 });
    await client.closeSocket(fd);
    const doomed = await openShell(pods().client);
    await doomed.connect(await doomed.socket(row.kind), inForm(WEB, row.form), 80);
    await doomed.kill();
    expect(await countsOf(pods().client)).toEqual({ attempts: 2, established: 2, closed: 2 });
  },
);

test('a process that is killed ends its connections, with all their bytes', async () => {
  const doomed = await openShell(pods().other);
  const fd = await open(doomed);
  await doomed.exchange(fd, 30_000);
  await doomed.kill();
  expect(await countsOf(pods().other)).toEqual({ ...OVER, bytesSent: 30_000, bytesReceived: 30_000 + GREETING });
});

test('a long connection has its bytes counted as it goes, but for the last one each way', async () => {
  const fd = await open(client);
  await client.exchange(fd, 5000);
  await agent.dataplane.countLive?.();
  expect(grown(pods().client.cgroup)).toMatchObject({ bytesSent: 4999, bytesReceived: 5000 + GREETING - 1 });
  await client.closeSocket(fd);
  expect(await countsOf(pods().client)).toEqual({ ...OVER, bytesSent: 5000, bytesReceived: 5000 + GREETING });
});

test('two containers at once are told apart, to the last connection', async () => {
  await Promise.all([
    client.hammer('tcp', WEB[0], 80, { count: 1500, threads: 3 }),
    other.hammer('tcp', WEB[1], 80, { count: 700, threads: 2 }),
    other.hammer('udp', WEB[0], 80, { count: 300 }),
  ]);
  expect(await countsOf(pods().client)).toMatchObject({ attempts: 1500, established: 1500, closed: 1500 });
  expect(await countsOf(pods().other)).toMatchObject({ attempts: 1000, established: 1000, closed: 1000 });
});

test('a growth of the tables and another agent go on from what was counted', async () => {
  const fd = await open(client);
  const size = agent.dataplane.tables.capacity.services;
  const more = Array.from({ length: 100 }, (_, n) => service({ name: `m-${n}`, clusterIPs: [`10.97.0.${n + 1}`] }));
  await agent.put(...more);
  expect(agent.dataplane.tables.capacity.services).toBeGreaterThan(size);
  expect(grown(pods().client.cgroup)).toEqual({ attempts: 1, established: 1 });
  await agent.stop();
  await client.exchange(fd, 100);
  const dead = await open(client);
  await client.closeSocket(dead);
  agent = await startAgent(stage.node, { objects: objects(stage.actors) });
  await client.closeSocket(fd);
  expect(await countsOf(pods().client)).toEqual({
    attempts: 2,
    established: 2,
    closed: 2,
    bytesSent: 100,
    bytesReceived: 100 + 2 * GREETING,
  });
});

test('what is forgotten is handed over, and whoever counts later begins anew', async () => {
  await client.closeSocket(await open(client));
  await retryUntil(() => allEnded(agent));
  const all = entries();
  forgotten = agent.dataplane.callers?.forget(all) ?? [];
  expect(forgotten).toEqual(all);
  expect(entries()).toEqual([]);
  expect(agent.dataplane.callers?.forget(all)).toEqual([]);
  await client.closeSocket(await open(client));
  await retryUntil(() => allEnded(agent));
  expect(entries()).toMatchObject([{ ...OVER, bytesReceived: GREETING }]);
});
