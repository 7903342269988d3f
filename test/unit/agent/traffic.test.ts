import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAgent } from '../../../src/agent/agent.ts';
import { compareText } from '../../../src/core/desire/order.ts';
import type { ClusterObject } from '../../../src/core/model/objects.ts';
import type { WantedStatus } from '../../../src/core/status/wanted.ts';
import { FakeDataplane } from '../../../src/dataplane/fake.ts';
import type { Source, SourceSink, WatchStatus } from '../../../src/sources/source.ts';
import { agentObserver } from '../../helpers/agent-observer.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import {
  backend,
  endpoint,
  parent,
  pod,
  policy,
  referenceGrant,
  route,
  service,
  slice,
} from '../../helpers/objects.ts';

/** Routes, clients and slow starts through a whole agent, on a dataplane in memory, in time that stands still. */

let cgroup: string;

beforeEach(() => {
  cgroup = mkdtempSync(join(realpathSync(tmpdir()), 'shunt-traffic-'));
  mkdirSync(join(cgroup, 'kubepods'));
});

afterEach(() => rmSync(cgroup, { recursive: true }));

const stage = async (...objects: readonly ClusterObject[]) => stageOf({ whole: true, objects });

interface StageOptions {
  readonly whole: boolean;
  readonly objects: readonly ClusterObject[];
  readonly dataplane?: FakeDataplane;
  /** Whether the source has told all Pods. */
  readonly arePodsTold?: () => boolean;
}

const stageOf = async ({ whole, objects, dataplane = tables(), arePodsTold }: StageOptions) => {
  const clock = new ManualClock();
  const { promise, resolve } = Promise.withResolvers<SourceSink>();
  const statuses: (readonly WantedStatus[])[] = [];
  const source: Source & { want: NonNullable<Source['want']> } = {
    name: 'test',
    start: async (sink) => resolve(sink),
    stop: async () => {},
    want: (wanted) => void statuses.push(wanted),
    ...(arePodsTold === undefined ? {} : { watches: () => [{ ...POD_WATCH, synced: arePodsTold() }] }),
    statusWriting: () => ({ isLeader: true, leader: 'node-a_1', pending: 0, writes: { written: statuses.length } }),
  };
  const failures: unknown[] = [];
  let changes = 0;
  const agent = createAgent({
    version: '1.2.3',
    node: { name: 'node-a', proxyName: '', externalIPs: false },
    source,
    dataplane,
    clock,
    clients: { cgroup, level: 0 },
    resyncMs: 600_000,
    observer: agentObserver((error) => failures.push(error), { onChange: () => changes++ }),
  });
  await agent.start();
  const sink = await promise;
  const put = async (...more: readonly ClusterObject[]): Promise<void> => {
    sink.onChange(
      more.map((object) => ({ type: 'put', object })),
      [],
      whole,
    );
    await clock.advance(10);
  };
  await put(...objects);
  sink.onSynced();
  await clock.advance(10);
  const of = (service: string) => [...agent.backends(`shop/${service}`)];
  return { agent, clock, dataplane, put, of, statuses, failures, source, changes: () => changes };
};

const tables = () => new FakeDataplane({ frontends: 32, slots: 256, backends: 64, services: 16 });

const POD_WATCH: Omit<WatchStatus, 'synced'> = {
  resource: 'pods',
  apiVersion: 'v1',
  objects: 0,
  lastEventAtMs: undefined,
  lastBookmarkAtMs: undefined,
  syncs: {},
  reconnects: {},
  badLines: 0,
  waiting: 0,
};

const WEB = service();
const V2 = service({ name: 'web-v2', clusterIPs: ['10.96.0.2'] });
const OWN = slice([endpoint('10.1.0.1')]);
const OTHER = slice([endpoint('10.1.0.2')], { name: 'web-v2-1', service: 'web-v2' });

const CANARY = route({
  name: 'canary',
  parents: [parent()],
  backends: [backend('web', { weight: 95 }), backend('web-v2', { weight: 5 })],
});

test('a route shares connections, and the lists say so', async () => {
  const { agent, of, failures } = await stage(WEB, V2, OWN, OTHER, CANARY);
  expect(of('web').sort((a, b) => compareText(a.address, b.address))).toMatchObject([
    { address: '10.1.0.1', share: expect.closeTo(0.95, 6), arm: 'shop/web:80', route: 'TCPRoute shop/canary' },
    { address: '10.1.0.2', share: expect.closeTo(0.05, 6), arm: 'shop/web-v2:80', route: 'TCPRoute shop/canary' },
  ]);
  expect([...agent.services('shop/web')]).toMatchObject([{ route: 'TCPRoute shop/canary', backends: 2 }]);
  expect([...agent.services('shop/web-v2')][0]).not.toHaveProperty('route');
  expect(agent.status().objects).toMatchObject({ services: 2, routes: 1 });
  expect(failures).toEqual([]);
});

test('an endpoint that is chosen in several ways counts once', async () => {
  const both = { ...CANARY, backends: [backend('web'), backend('web-v2')] };
  const { agent } = await stage(WEB, V2, OWN, { ...OTHER, endpoints: OWN.endpoints }, both);
  expect([...agent.services('shop/web')]).toMatchObject([{ backends: 1 }]);
});

test('the share of a backend that is not there has a row of its own, with what was refused of it', async () => {
  const gone = { ...CANARY, backends: [backend('web', { weight: 95 }), backend('gone', { weight: 5 })] };
  const { dataplane, of, failures } = await stage(WEB, OWN, gone);
  const answers = Array.from({ length: 100 }, (_, percent) =>
    dataplane.connect('10.96.0.1', 80, 'TCP', Math.floor((percent * 2 ** 32) / 100)),
  );
  const refusals = answers.filter(({ verdict }) => verdict === 'refused').length;
  expect(refusals).toBeGreaterThan(0);
  const [refused, ...others] = of('web').filter(({ state }) => state === 'refused');
  expect(refused).toMatchObject({ arm: 'shop/gone:80', route: 'TCPRoute shop/canary', family: 4, address: '' });
  expect(refused?.share).toBeCloseTo(0.05, 6);
  expect(refused?.stats).toEqual({ rejected: refusals });
  expect(others).toEqual([]);
  expect(failures).toEqual([]);
});

test('a route of which nothing can answer has a row that says so', async () => {
  const { of } = await stage(WEB, OWN, { ...CANARY, backends: [backend('gone', { weight: 0 })] });
  expect(of('web')).toMatchObject([{ state: 'refused', share: 1, family: 4, route: 'TCPRoute shop/canary' }]);
});

const DNS = [{ name: 'dns', protocol: 'UDP', port: 53 }] as const;

test('an endpoint that is drained has a row for as long as connections to it live', async () => {
  const both = [endpoint('10.1.0.1', { pod: 'one' }), endpoint('10.1.0.2', { pod: 'two' })];
  const { dataplane, of, put, failures } = await stage(
    service({ ports: DNS }),
    slice(both, { ports: [{ ...DNS[0], port: 5353 }] }),
  );
  const sockets = [0, 1, 2, 3].map((quarter) => dataplane.connectSocket('10.96.0.1', 53, quarter * 2 ** 30) ?? 0);
  expect(of('web').map(({ state }) => state)).toEqual(['answering', 'answering']);
  await put(policy([{ pod: 'two', weight: 0 }]));
  expect(of('web')).toMatchObject([
    { state: 'answering', address: '10.1.0.1', share: 1 },
    { state: 'drained', address: '10.1.0.2', port: 5353, weight: 0, share: 0, stats: { active: 2, pending: 0 } },
  ]);
  await put(policy([]));
  expect(
    of('web')
      .map(({ state, address }) => `${state} ${address}`)
      .sort(),
  ).toEqual(['answering 10.1.0.1', 'answering 10.1.0.2', 'earlier 10.1.0.2']);
  for (const socket of sockets) dataplane.sockets.close(socket);
  expect(of('web').map(({ state }) => state)).toEqual(['answering', 'answering']);
  expect(failures).toEqual([]);
});

test('a route of another namespace is for the Pods of that one alone, as soon as their cgroup is there', async () => {
  const consumers = { ...CANARY, namespace: 'test', backends: [backend('web-v2')] };
  const grant = referenceGrant({ namespace: 'shop', from: [{ kind: 'TCPRoute', namespace: 'test' }], services: ['*'] });
  const { agent, clock, of, failures } = await stage(
    ...[WEB, V2, OWN, OTHER, consumers, grant],
    pod({ namespace: 'test', name: 'tester', cgroupUid: 'u1' }),
    pod({ namespace: 'shop', name: 'other', cgroupUid: 'u2' }),
  );
  mkdirSync(join(cgroup, 'kubepods/podu2'));
  expect(of('web')).toMatchObject([{ address: '10.1.0.1', share: 1 }]);
  mkdirSync(join(cgroup, 'kubepods/podu1'));
  await clock.advance(260);
  expect(of('web')).toMatchObject([
    { address: '10.1.0.1', share: 1 },
    {
      address: '10.1.0.2',
      share: 1,
      variant: expect.any(Number),
      clients: 'namespace test',
      route: 'TCPRoute test/canary',
    },
  ]);
  expect(agent.status().clients).toEqual({ found: 2, waiting: 0, refused: 0 });
  rmSync(join(cgroup, 'kubepods/podu1'), { recursive: true });
  await clock.advance(60_000);
  expect(of('web')).toMatchObject([{ address: '10.1.0.1', share: 1 }]);
  expect(failures).toEqual([]);
});

describe('over a restart in which Pods come last', () => {
  const consumers = { ...CANARY, namespace: 'test', backends: [backend('web-v2')] };
  const grant = referenceGrant({ namespace: 'shop', from: [{ kind: 'TCPRoute', namespace: 'test' }], services: ['*'] });
  const objects = [WEB, V2, OWN, OTHER, consumers, grant];
  const tester = pod({ namespace: 'test', name: 'tester', cgroupUid: 'u1' });
  const ofClients = (dataplane: FakeDataplane) =>
    dataplane
      .dump()
      .split('\n')
      .filter((line) => line.includes('for client')).length;

  const restart = async () => {
    mkdirSync(join(cgroup, 'kubepods/podu1'));
    const dataplane = tables();
    dataplane.close = () => {};
    const first = await stageOf({ whole: true, objects: [...objects, tester], dataplane });
    await first.agent.stop();
    expect(ofClients(dataplane)).toBe(1);
    let told = false;
    const second = await stageOf({ whole: true, objects, dataplane, arePodsTold: () => told });
    return { ...second, dataplane, tell: () => (told = true) };
  };

  test('what binds a client stays until they are told', async () => {
    const { dataplane, put, tell } = await restart();
    expect(ofClients(dataplane)).toBe(1);
    await put(slice([endpoint('10.1.0.3')], { name: 'web-v2-2', service: 'web-v2' }));
    expect(ofClients(dataplane)).toBe(1);
    tell();
    await put();
    expect(ofClients(dataplane)).toBe(0);
  });

  test('and no longer than a minute: what else is left must go', async () => {
    const { dataplane, clock } = await restart();
    await clock.advance(59_000);
    expect(ofClients(dataplane)).toBe(1);
    await clock.advance(2_000);
    expect(ofClients(dataplane)).toBe(0);
  });
});

test('statuses are told though the tables cannot be written, or an object cannot be read', async () => {
  const dataplane = tables();
  const { put, statuses, failures } = await stageOf({ whole: false, objects: [WEB, V2, OWN, OTHER], dataplane });
  dataplane.apply = () => {
    throw new Error('no room');
  };
  await put(CANARY);
  expect(failures).not.toEqual([]);
  expect(statuses.at(-1)?.map(({ ref }) => ref.name)).toEqual(['canary']);
});

test('connections are routed though statuses cannot be told, which is told when they can be', async () => {
  const { clock, put, of, statuses, failures, source } = await stageOf({ whole: true, objects: [WEB, V2, OWN, OTHER] });
  const { want } = source;
  source.want = () => {
    throw new Error('broken');
  };
  await put(CANARY);
  expect(of('web')).toHaveLength(2);
  expect(failures).not.toEqual([]);
  source.want = want;
  await clock.advance(1000);
  expect(statuses.at(-1)?.map(({ ref }) => ref.name)).toEqual(['canary']);
});

test('an endpoint that comes after the start is new though an object could never be read', async () => {
  const { put, of } = await stageOf({ whole: false, objects: [WEB, OWN, SLOW] });
  await put(slice([endpoint('10.1.0.1'), endpoint('10.1.0.2')]));
  expect(newShare(of('web'))).toBeLessThan(0.2);
});

test('clients with a choice of their own are named by what sets them apart', async () => {
  const testers = { matchLabels: { ring: 'testers' }, matchExpressions: [] };
  const { clock, of } = await stage(
    ...[WEB, V2, OWN, OTHER, CANARY],
    policy([], { name: 'testers', services: [], routes: [{ kind: 'TCPRoute', name: 'canary' }], clients: testers }),
    policy([], { name: 'turns', algorithm: 'RoundRobin', clients: { ...testers, matchLabels: { ring: 'turns' } } }),
    pod({ name: 'tester', cgroupUid: 'u1', labels: { ring: 'testers' } }),
    pod({ name: 'turner', cgroupUid: 'u2', labels: { ring: 'turns' } }),
  );
  mkdirSync(join(cgroup, 'kubepods/podu1'));
  mkdirSync(join(cgroup, 'kubepods/podu2'));
  await clock.advance(260);
  const found = of('web').map(({ clients = 'all', arm = 'its own' }) => `${clients}: ${arm}`);
  expect(new Set(found)).toEqual(
    new Set([
      'all: its own',
      'ring=testers: shop/web:80',
      'ring=testers: shop/web-v2:80',
      'ring=turns: shop/web:80@turns',
    ]),
  );
});

const SLOW_MS = 10_000;
const SLOW = policy([], { slowStartMs: SLOW_MS });

/** Of the endpoint that comes second. */
const newShare = (backends: readonly { readonly address: string; readonly share: number }[]): number =>
  backends.find(({ address }) => address === '10.1.0.2')?.share ?? 0;

/** A tenth at first, then evenly up to the whole weight, beside one that has all of it. */
const rampedShare = (ageMs: number): number => {
  const factor = 0.1 + 0.9 * Math.min(1, ageMs / SLOW_MS);
  return factor / (1 + factor);
};

test('the share of a new endpoint follows its ramp within 2 points, by the clock alone', async () => {
  const { agent, clock, put, of, changes, failures } = await stage(WEB, OWN, SLOW);
  await put(slice([endpoint('10.1.0.1'), endpoint('10.1.0.2')]));
  const off: number[] = [];
  for (let ageMs = 10; ageMs <= SLOW_MS; ageMs += 50) {
    off.push(Math.abs(newShare(of('web')) - rampedShare(ageMs)));
    await clock.advance(50);
  }
  expect(Math.max(...off)).toBeLessThan(0.02);
  expect(changes()).toBeGreaterThan(20);
  await clock.advance(1000);
  expect(of('web')).toMatchObject([{ weight: 1 }, { weight: 1 }]);
  const after = changes();
  await clock.advance(60_000);
  expect(changes()).toBe(after);
  expect(failures).toEqual([]);
  await agent.stop();
  expect(clock.waiting).toBe(0);
});

test('explain tells the shares of a slow start that are in force, between two looks as well', async () => {
  const { agent, clock, put } = await stage(WEB, OWN, SLOW);
  await put(slice([endpoint('10.1.0.1'), endpoint('10.1.0.2')]));
  for (let step = 0; step < 40; step++) {
    expect(agent.explain({ address: '10.96.0.1', port: 80, protocol: 'TCP' }).kernel).toMatchObject({ agrees: true });
    await clock.advance(SLOW_MS / 30 + 7);
  }
});

test('the share of a new endpoint of a Service that a route leads to follows its ramp, too', async () => {
  const slow = policy([], { slowStartMs: SLOW_MS, services: ['web-v2'] });
  const { clock, put, of } = await stage(
    WEB,
    V2,
    OWN,
    slice([], { name: 'web-v2-1', service: 'web-v2' }),
    slow,
    CANARY,
  );
  const both = [endpoint('10.1.0.2'), endpoint('10.1.0.3')];
  await put(slice([endpoint('10.1.0.3')], { name: 'web-v2-1', service: 'web-v2' }));
  await clock.advance(2 * SLOW_MS);
  await put(slice(both, { name: 'web-v2-1', service: 'web-v2' }));
  await clock.advance(SLOW_MS / 2);
  expect(Math.abs(newShare(of('web')) - 0.05 * rampedShare(SLOW_MS / 2))).toBeLessThan(0.05 * 0.02);
});

test('endpoints that were there at the start have all of their weight at once', async () => {
  const { of } = await stage(WEB, slice([endpoint('10.1.0.1'), endpoint('10.1.0.2')]), SLOW);
  expect(newShare(of('web'))).toBeCloseTo(0.5, 6);
});

test('a route whose parent is not there is complained about, until it comes', async () => {
  const { agent, put } = await stage(V2, OTHER, CANARY);
  const about = () => agent.complaints().filter(({ object }) => object === 'TCPRoute shop/canary');
  expect(about()).toMatchObject([{ severity: 'warning', message: 'there is no Service shop/web' }]);
  await put(WEB, OWN);
  expect(about()).toEqual([]);
});

test('the source is told what a route should say of itself once it is in force, and who writes it is shown', async () => {
  const { agent, put, statuses } = await stage(WEB, V2, OWN, OTHER, CANARY);
  expect(statuses).toMatchObject([[{ ref: { kind: 'TCPRoute', name: 'canary' }, kind: 'parents' }]]);
  await put(slice([endpoint('10.1.0.7')]));
  expect(statuses).toHaveLength(1);
  await put({ ...CANARY, generation: 2 });
  expect(statuses[1]).toMatchObject([{ ref: { generation: 2 } }]);
  expect(agent.status().statusWriting).toMatchObject({ isLeader: true, writes: { written: 2 } });
});
