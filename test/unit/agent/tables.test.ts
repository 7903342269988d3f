import { describe, expect, test } from 'vitest';
import { ObservedShares } from '../../../src/agent/observed-shares.ts';
import { recordOwners } from '../../../src/agent/record-owners.ts';
import { backendViews, kernelAnswer, portOfRecord, serviceViews } from '../../../src/agent/tables.ts';
import { createCluster } from '../../../src/core/cluster.ts';
import type { DesiredPort } from '../../../src/core/model/desired.ts';
import type { FrontendKey } from '../../../src/core/plan/transaction.ts';
import { armOf, choiceOf, clientAt, groupOf, portWith } from '../../property/ports.ts';
import { World } from '../../property/world.ts';

const CART = 'shop/cart/http/TCP';
const ADDRESS = '10.96.0.1';
const POD = clientAt(4711n, 4);
const asked = (fields: Partial<FrontendKey> = {}): FrontendKey => ({
  address: ADDRESS,
  port: 80,
  protocol: 'TCP',
  ...fields,
});

const worldWith = async (want: DesiredPort): Promise<World> => {
  const world = await World.create();
  await world.reach([{ id: CART, want }]);
  return world;
};

const split = (v2: Parameters<typeof armOf>[2], algorithm: Parameters<typeof armOf>[3] = 'WeightedRandom') => [
  armOf('shop/v1:80', 3, { 1: 1, 2: 2 }, algorithm),
  armOf('shop/v2:80', 1, v2),
];

describe('what the kernel answers', () => {
  const rows: { title: string; want: DesiredPort; answer: Readonly<Record<string, number>> | null }[] = [
    {
      title: 'without arms',
      want: portWith(CART, [groupOf([ADDRESS], { 1: 1, 2: 3 })]),
      answer: { '10.1.0.1:8080': 0.25, '10.1.0.2:8080': 0.75 },
    },
    {
      title: 'with an algorithm that looks at load: what the weights ask for',
      want: portWith(CART, [groupOf([ADDRESS], { 1: 1, 2: 3 })], { choice: choiceOf('LeastConnections') }),
      answer: { '10.1.0.1:8080': 0.25, '10.1.0.2:8080': 0.75 },
    },
    {
      title: 'with a lookup: what the weights ask for',
      want: portWith(CART, [groupOf([ADDRESS], { 1: 1, 2: 3 })], { choice: choiceOf('Maglev') }),
      answer: { '10.1.0.1:8080': 0.25, '10.1.0.2:8080': 0.75 },
    },
    {
      title: 'with arms: the share in the arm of the share of the arm',
      want: portWith(CART, [groupOf([ADDRESS], split({ 3: 1 }))]),
      answer: { '10.1.0.1:8080': 0.25, '10.1.0.2:8080': 0.5, '10.1.0.3:8080': 0.25 },
    },
    {
      title: 'with an endpoint of two arms: both shares',
      want: portWith(CART, [groupOf([ADDRESS], split({ 1: 1 }))]),
      answer: { '10.1.0.1:8080': 0.5, '10.1.0.2:8080': 0.5 },
    },
    {
      title: 'with arms that choose by load',
      want: portWith(CART, [groupOf([ADDRESS], split({ 3: 1 }, 'PeakEwma'))]),
      answer: { '10.1.0.1:8080': 0.25, '10.1.0.2:8080': 0.5, '10.1.0.3:8080': 0.25 },
    },
    {
      title: 'with an arm that is refused: also that share',
      want: portWith(CART, [groupOf([ADDRESS], split({}))]),
      answer: { '10.1.0.1:8080': 0.25, '10.1.0.2:8080': 0.5, refused: 0.25 },
    },
    {
      title: 'with all arms refused: nothing',
      want: portWith(CART, [groupOf([ADDRESS], [armOf('shop/v1:80', 1, {}), armOf('shop/v2:80', 1, {})])]),
      answer: {},
    },
    { title: 'with no arms at all: nothing', want: portWith(CART, [groupOf([ADDRESS], [])]), answer: {} },
    { title: 'elsewhere', want: portWith(CART, [groupOf(['10.96.0.2'], { 1: 1 })]), answer: null },
    {
      title: 'at an address that is closed',
      want: portWith(CART, [groupOf([ADDRESS], { 1: 1 }, { port: 81 })], { closed: [ADDRESS] }),
      answer: {},
    },
  ];

  test.each(rows)('$title', async ({ want, answer }) => {
    const { have } = await worldWith(want);
    const told = kernelAnswer(have, asked());
    expect(told === null).toBe(answer === null);
    if (told === null || answer === null) return;
    const { refused = Object.keys(answer).length === 0 ? 1 : 0, ...shares } = answer;
    expect(told.refused).toBeCloseTo(refused, 8);
    expect([...told.shares.keys()].sort()).toEqual(Object.keys(shares).sort());
    for (const [socket, share] of told.shares) expect(share).toBeCloseTo(shares[socket] ?? Number.NaN, 8);
  });

  test('to a client is its own choice, where it has one', async () => {
    const { have } = await worldWith(
      portWith(CART, [groupOf([ADDRESS], { 3: 1 }, { client: POD, variant: 7 }), groupOf([ADDRESS], { 1: 1 })]),
    );
    expect(kernelAnswer(have, asked(), POD)).toEqual({ shares: new Map([['10.1.0.3:8080', 1]]), refused: 0 });
    for (const other of [undefined, clientAt(4712n, 4), clientAt(POD.cgroup, 5)]) {
      expect(kernelAnswer(have, asked(), other)).toEqual({ shares: new Map([['10.1.0.1:8080', 1]]), refused: 0 });
    }
  });
});

describe('the list of backends', () => {
  const viewsOf = (world: World) => {
    const observed = new ObservedShares();
    const reconciler = { have: world.have, cluster: createCluster(), observed } as Parameters<typeof backendViews>[0];
    return {
      backends: [...backendViews(reconciler, world.fake, { only: undefined, left: true })],
      services: [...serviceViews(reconciler, world.fake, undefined)],
    };
  };

  test('names arms, and gives shares of all connections', async () => {
    const { backends, services } = viewsOf(await worldWith(portWith(CART, [groupOf([ADDRESS], split({ 3: 5 }))])));
    expect(backends).toMatchObject([
      { address: '10.1.0.1', arm: 'shop/v1:80', weight: 1, share: expect.closeTo(0.25, 8) },
      { address: '10.1.0.2', arm: 'shop/v1:80', weight: 2, share: expect.closeTo(0.5, 8) },
      { address: '10.1.0.3', arm: 'shop/v2:80', weight: 5, share: expect.closeTo(0.25, 8) },
    ]);
    expect(services).toMatchObject([{ backends: 3, addresses: [ADDRESS], port: 80 }]);
  });

  test('says which are for clients with a choice of their own, and counts addresses once', async () => {
    const own = groupOf([ADDRESS], [armOf('shop/v2:80', 1, { 3: 1 })], { client: POD, variant: 7 });
    const world = await worldWith(portWith(CART, [own, groupOf([ADDRESS], { 1: 1 })]));
    const { backends, services } = viewsOf(world);
    expect(backends).toMatchObject([
      { address: '10.1.0.1', share: 1 },
      { address: '10.1.0.3', arm: 'shop/v2:80', variant: 7, share: 1 },
    ]);
    expect(backends[0]).not.toHaveProperty('arm');
    expect(backends[0]).not.toHaveProperty('variant');
    expect(services).toMatchObject([{ backends: 2, addresses: [ADDRESS] }]);
  });

  test('says by which algorithm each is chosen', async () => {
    const plain = portWith(CART, [groupOf([ADDRESS], { 1: 1 })], { choice: choiceOf('RoundRobin') });
    expect(viewsOf(await worldWith(plain))).toMatchObject({
      services: [{ algorithm: 'RoundRobin' }],
      backends: [{ algorithm: 'RoundRobin' }],
    });
    const shared = portWith(CART, [groupOf([ADDRESS], split({ 3: 1 }, 'PeakEwma'))]);
    expect(viewsOf(await worldWith(shared)).backends.map(({ arm, algorithm }) => [arm, algorithm])).toEqual([
      ['shop/v1:80', 'PeakEwma'],
      ['shop/v1:80', 'PeakEwma'],
      ['shop/v2:80', 'WeightedRandom'],
    ]);
  });

  test('names the arms again after a restart', async () => {
    const want = portWith(CART, [groupOf([ADDRESS], split({ 3: 1 }))]);
    const world = await worldWith(want);
    await world.restart();
    await world.reach([{ id: CART, want }]);
    expect(viewsOf(world).backends.map(({ arm }) => arm)).toEqual(['shop/v1:80', 'shop/v1:80', 'shop/v2:80']);
  });
});

describe('a record', () => {
  const askedOf = (world: World, index: number, generation: number) =>
    portOfRecord({ have: world.have } as Parameters<typeof portOfRecord>[0], world.fake)?.(index, generation);

  const recordOf = ({ have }: World) => {
    const index = have.ports.get(CART)?.service ?? -1;
    return [index, have.tables.serviceGeneration(index)] as const;
  };

  const numbered = (port: number) => portWith(CART, [groupOf([ADDRESS], { 1: 1 }, { port })]);

  test('has the name and the number of its port as they are now, until the port has gone', async () => {
    const world = await worldWith(numbered(80));
    const [index, generation] = recordOf(world);
    const names = { namespace: 'shop', service: 'cart', protocol: 'TCP' };
    expect(askedOf(world, index, generation)).toEqual({ ...names, port: 80 });
    await world.reach([{ id: CART, want: numbered(81) }]);
    expect(recordOf(world)).toEqual([index, generation]);
    expect(askedOf(world, index, generation)).toEqual({ ...names, port: 81 });
    expect(askedOf(world, index, generation + 2)).toBeUndefined();
    await world.reach([{ id: CART, want: undefined }]);
    expect(askedOf(world, index, generation)).toBeUndefined();
  });

  test('is looked up anew only when the tables have changed', async () => {
    const world = await worldWith(numbered(80));
    const before = recordOwners(world.have);
    expect(recordOwners(world.have)).toBe(before);
    await world.reach([{ id: CART, want: undefined }]);
    expect([...before.values(), ...recordOwners(world.have).values()]).toEqual([CART]);
  });
});
