import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { backend, endpoint, route, service, slice } from '../helpers/objects.ts';
import type { SocketShell } from '../helpers/socket-shell.ts';
import { chiSquaredP } from '../helpers/statistics.ts';
import { openTraffic, sharesOf, type Traffic } from '../helpers/traffic.ts';

/** Shares that change while connections run. */

type Name = 'client' | 'stable' | 'canary';
const WEB = '10.96.0.1';
const WINDOW = 1000;
/** From 5 to 50 and back. */
const PERCENTS = [5, 10, 15, 20, 30, 40, 50, 40, 30, 20, 10, 5] as const;
/** Of all windows together, once in 1000 runs (Bonferroni). */
const P_MIN = 0.001 / PERCENTS.length;

let traffic: Traffic<Name>;
let client: SocketShell;

beforeEach(async () => {
  traffic = await openTraffic<Name>('canary', { clients: ['client'], servers: ['stable', 'canary'] });
  client = traffic.actors.client.shell;
  traffic.objects.write('services', ...named('web', WEB, 'stable'), ...named('web-canary', '10.96.0.2', 'canary'));
  traffic.objects.write('route', shared(1));
  await traffic.startAgent();
});

afterEach(() => traffic?.[Symbol.asyncDispose]());

const named = (name: string, clusterIP: string, server: Name): ClusterObject[] => [
  service({ name, clusterIPs: [clusterIP] }),
  slice([endpoint(traffic.actors[server].pod.address4, { pod: server })], { name: `${name}-1`, service: name }),
];

const shared = (percent: number): ClusterObject =>
  route({ backends: [backend('web', { weight: 100 - percent }), backend('web-canary', { weight: percent })] });

test('each window of new connections has the shares of its route, and none fails while they change', async () => {
  const load = client.startHammer('tcp', WEB, 80, { threads: 2, reset: true, pauseMicros: 100 });
  for (const percent of PERCENTS) {
    await traffic.put('route', shared(percent));
    const { by, errors } = await client.hammer('tcp', WEB, 80, { count: WINDOW, threads: 2, reset: true });
    expect(errors).toEqual({});
    const counts = [by.stable ?? 0, by.canary ?? 0];
    expect(chiSquaredP(counts, [100 - percent, percent]), `${counts} at ${percent} %`).toBeGreaterThan(P_MIN);
    expect(sharesOf(await traffic.explain(WEB)).canary).toBeCloseTo(percent / 100, 9);
  }
  const { errors, total } = await load.stop();
  expect({ errors, some: total > 1000 }).toEqual({ errors: {}, some: true });
});

test('connections that are open stay where they are, whatever becomes of the shares', async () => {
  await traffic.put('route', shared(50));
  const held = [];
  for (let many = 0; many < 20; many++) {
    const fd = await client.socket('tcp4');
    expect(await client.connect(fd, WEB, 80)).toEqual({ ok: true });
    expect(await client.recv(fd)).toEqual({ text: expect.stringMatching(/^(stable|canary)\n$/) });
    held.push(fd);
  }
  for (const change of [() => traffic.put('route', shared(100)), () => traffic.remove('route')]) {
    await change();
    for (const fd of held) expect(await client.exchange(fd, 1000)).toEqual({ sent: 1000, received: 1000 });
  }
  // New ones follow.
  expect((await client.hammer('tcp', WEB, 80, { count: 100, reset: true })).by).toEqual({ stable: 100 });
});

test('a client with session affinity keeps its endpoint while a canary comes and goes', async () => {
  await traffic.remove('route');
  const both = (['stable', 'canary'] as const).map((pod) => endpoint(traffic.actors[pod].pod.address4, { pod }));
  await traffic.put(
    'services',
    service({ name: 'web', clusterIPs: [WEB], affinityTimeoutS: 10_800 }),
    slice(both, { name: 'web-1', service: 'web' }),
    ...named('web-canary', '10.96.0.2', 'canary'),
  );
  const answers = async () => Object.keys((await client.hammer('tcp', WEB, 80, { count: 20, reset: true })).by);
  const mine = await answers();
  expect(mine).toHaveLength(1);
  // By chance it would be the same each time once in 2^10 runs.
  for (let round = 0; round < 5; round++) {
    await traffic.put('route', shared(10));
    expect(await answers()).toEqual(mine);
    await traffic.remove('route');
    expect(await answers()).toEqual(mine);
  }
});

test('a canary whose endpoints go is refused for its share, and answers again with them', async () => {
  await traffic.put('route', shared(50));
  await traffic.put(
    'services',
    ...named('web', WEB, 'stable'),
    service({ name: 'web-canary', clusterIPs: ['10.96.0.2'] }),
  );
  const { by, errors } = await client.hammer('tcp', WEB, 80, { count: WINDOW, reset: true });
  expect(Object.keys(by)).toEqual(['stable']);
  expect(chiSquaredP([by.stable ?? 0, errors.ECONNREFUSED ?? 0], [1, 1])).toBeGreaterThan(0.0001);
  await traffic.put('services', ...named('web', WEB, 'stable'), ...named('web-canary', '10.96.0.2', 'canary'));
  expect((await client.hammer('tcp', WEB, 80, { count: 100, reset: true })).errors).toEqual({});
});
