import { describe, expect, test } from 'vitest';
import type { Client, DesiredGroup, DesiredPort } from '../../../../src/core/model/desired.ts';
import { frontendKey } from '../../../../src/core/plan/have.ts';
import { plan } from '../../../../src/core/plan/plan.ts';
import { armOf, clientAt, groupOf, portWith } from '../../../property/ports.ts';
import { countWrites, partsIn, World } from '../../../property/world.ts';

const CART = 'shop/cart/http/TCP';
const ADDRESS = '10.96.0.1';
const POD = clientAt(4711n, 4);
const OTHER_POD = clientAt(2n ** 63n + 5n, 4);
const DEEP_POD = clientAt(4712n, 15);

const EVERYBODY = groupOf([ADDRESS], { 1: 1, 2: 1 });
const forPod = (client: Client, answering: Parameters<typeof groupOf>[1] = { 3: 1 }, variant = 7): DesiredGroup =>
  groupOf([ADDRESS], answering, { client, variant });

const port = (...groups: readonly DesiredGroup[]): DesiredPort => portWith(CART, groups);

const worldWith = async (want: DesiredPort): Promise<World> => {
  const world = await World.create();
  await world.reach([{ id: CART, want }]);
  return world;
};

const changes: { title: string; from: DesiredPort; to: DesiredPort; parts: object }[] = [
  {
    title: 'the first client at an address is an entry of its own, and a bit in that of everybody',
    from: port(EVERYBODY),
    to: port(forPod(POD), EVERYBODY),
    parts: { backends: 1, slots: 1, frontends: 2 },
  },
  {
    title: 'another one with the same choice at the same level is one more entry',
    from: port(forPod(POD), EVERYBODY),
    to: port(forPod(POD), forPod(OTHER_POD, { 3: 1 }), EVERYBODY),
    parts: { slots: 1, frontends: 1 },
  },
  {
    title: 'another choice of one client leaves everybody alone',
    from: port(forPod(POD), EVERYBODY),
    to: port(forPod(POD, { 3: 1, 4: 1 }), EVERYBODY),
    parts: { backends: 1, slots: 1, frontends: 1 },
  },
  {
    title: 'a client of another variant has records of its own',
    from: port(forPod(POD), EVERYBODY),
    to: port(forPod(POD, { 3: 1 }, 8), EVERYBODY),
    parts: { backends: 1, slots: 1, frontends: 1, retiredBackends: 1 },
  },
  {
    title: 'also one that is refused: what it keeps to is looked for there',
    from: port(forPod(POD, {}), EVERYBODY),
    to: port(forPod(POD, {}, 8), EVERYBODY),
    parts: { frontends: 1 },
  },
  {
    title: 'a client that has gone leaves nothing',
    from: port(forPod(POD), EVERYBODY),
    to: port(EVERYBODY),
    parts: { frontends: 1, frontendDeletes: 1, retiredBackends: 1 },
  },
  {
    title: 'one of two clients that has gone leaves the bit of their level',
    from: port(forPod(POD), forPod(OTHER_POD), EVERYBODY),
    to: port(forPod(OTHER_POD), EVERYBODY),
    parts: { frontendDeletes: 1 },
  },
];

test.each(changes)('$title', async ({ from, to, parts }) => {
  const world = await worldWith(from);
  expect(partsIn(await world.reach([{ id: CART, want: to }]))).toEqual(parts);
});

test('clients that share a list share its range', async () => {
  const endpoints = forPod(POD).endpoints;
  const group = (client: Client): DesiredGroup => ({ ...forPod(client), endpoints });
  const world = await World.create();
  const want = port(group(POD), group(OTHER_POD), EVERYBODY);
  expect(partsIn(await world.reach([{ id: CART, want }]))).toMatchObject({ slots: 2, frontends: 3 });
});

test('the entry of everybody names the levels of all clients, theirs name none', async () => {
  const world = await worldWith(port(forPod(POD), forPod(OTHER_POD), forPod(DEEP_POD), EVERYBODY));
  const levels = world.fake.tables.frontends().map(({ client, clientLevels }) => [client, clientLevels]);
  expect(levels).toEqual([
    [POD.cgroup, undefined],
    [OTHER_POD.cgroup, undefined],
    [DEEP_POD.cgroup, undefined],
    [undefined, (1 << 4) | (1 << 15)],
  ]);
});

describe('a client', () => {
  const world = () => worldWith(port(forPod(POD, [armOf('shop/v2:80', 1, { 3: 1 })]), EVERYBODY));

  test('is led by its own entry, everybody else and other clients by theirs', async () => {
    const { fake } = await world();
    const asked = { address: ADDRESS, port: 80, protocol: 'TCP' } as const;
    const led = (client?: Client) => [...(fake.route(asked, client)?.shares.keys() ?? [])];
    expect(led(POD)).toEqual(['10.1.0.3:8080']);
    for (const other of [undefined, OTHER_POD, DEEP_POD])
      expect(led(other)).toEqual(['10.1.0.1:8080', '10.1.0.2:8080']);
  });

  test('is sent so', async () => {
    const { fake } = await world();
    await fake.activate();
    expect(fake.connect(ADDRESS, 80, 'TCP', 0, POD)).toMatchObject({ address: '10.1.0.3' });
    expect(fake.connect(ADDRESS, 80, 'TCP', 0, OTHER_POD)).toMatchObject({ address: '10.1.0.1' });
  });

  test('is found again after a restart', async () => {
    const found = await world();
    await found.restart();
    const want = port(forPod(POD, [armOf('shop/v2:80', 1, { 3: 1 })]), EVERYBODY);
    expect(countWrites(await found.reach([{ id: CART, want }]))).toBe(0);
    expect(countWrites(found.sweep())).toBe(0);
  });

  test('that nobody names after a restart is taken away with its port', async () => {
    const found = await world();
    await found.restart();
    found.sweep();
    expect(found.fake.dump()).toBe('');
    await found.settle();
    expect(found.free()).toEqual(found.have.tables.capacity);
  });

  test('reads so', async () => {
    const { fake } = await world();
    expect(fake.dump().split('\n')[1]).toMatch(
      /^10\.96\.0\.1:80\/TCP for client 4711 -> \w{16} variant 7: 100\.0000% by \w{16} \(100\.0000% 10\.1\.0\.3:8080\)$/,
    );
  });
});

test('its entry is put before that of everybody says so, and deleted after it', async () => {
  const world = await World.create();
  const { frontends } = await world.reach([{ id: CART, want: port(EVERYBODY, forPod(POD)) }]);
  expect(frontends.map(({ client }) => client)).toEqual([POD.cgroup, undefined]);
  const { frontendDeletes } = await world.reach([{ id: CART, want: undefined }]);
  expect(frontendDeletes.map(frontendKey)).toEqual([`${ADDRESS} 80/TCP`, `${ADDRESS} 80/TCP 4711`]);
});

test('clients where nobody else is answered are a mistake of ours', async () => {
  const { have } = await World.create();
  const want = port(forPod(POD), groupOf(['10.96.0.2'], { 1: 1 }));
  expect(() => plan(have, [{ id: CART, want }])).toThrow(/shop\/cart\/http\/TCP has clients at 10\.96\.0\.1 80\/TCP/);
});
