import { describe, expect, test } from 'vitest';
import type { DesiredArm, DesiredGroup, DesiredPort } from '../../../../src/core/model/desired.ts';
import { identityOf } from '../../../../src/core/plan/identity.ts';
import { armOf, choiceOf, clientAt, groupOf, portWith } from '../../../property/ports.ts';
import { countWrites, partsIn, portOf, World } from '../../../property/world.ts';

const CART = 'shop/cart/http/TCP';
const V1 = 'shop/cart-v1:80';
const V2 = 'shop/cart-v2:80';

const split = (arms: readonly DesiredArm[], ...addresses: string[]): DesiredPort =>
  portWith(CART, [groupOf(addresses.length === 0 ? ['10.96.0.1'] : addresses, arms)]);

const canary = split([armOf(V1, 95, { 1: 1, 2: 1 }), armOf(V2, 5, { 3: 1 })]);

const plain = portOf(CART, ['10.96.0.1'], { 1: 1, 2: 1 });

/** Arms at one address, plain endpoints at another one of the same scope. */
const shared = (arms: readonly DesiredArm[], endpoints: Readonly<Record<number, number>>): DesiredPort =>
  portWith(CART, [groupOf(['10.96.0.1'], arms), groupOf(['10.96.0.2'], endpoints)]);

const forClient = (endpoints: Readonly<Record<number, number>>): DesiredGroup =>
  groupOf(['10.96.0.1'], endpoints, { client: clientAt(4711n, 3), variant: 1 });

/** A change of one port, and what it may write: as little as the change is. */
const changes: { title: string; from: DesiredPort | undefined; to: DesiredPort | undefined; parts: object }[] = [
  {
    title: 'a new port with arms writes a record and a range for each, and the range that leads to them',
    from: undefined,
    to: canary,
    parts: { backends: 3, services: 3, slots: 3, frontends: 1 },
  },
  {
    title: 'other weights of arms are one range and the entry that leads to it',
    from: canary,
    to: split([armOf(V1, 50, { 1: 1, 2: 1 }), armOf(V2, 50, { 3: 1 })]),
    parts: { slots: 1, frontends: 1 },
  },
  {
    title: 'other weights of arms in the same proportion write nothing',
    from: canary,
    to: split([armOf(V1, 190, { 1: 1, 2: 1 }), armOf(V2, 10, { 3: 1 })]),
    parts: {},
  },
  {
    title: 'an endpoint more in one arm leaves the others alone',
    from: canary,
    to: split([armOf(V1, 95, { 1: 1, 2: 1 }), armOf(V2, 5, { 3: 1, 4: 1 })]),
    parts: { backends: 1, slots: 2, frontends: 1 },
  },
  {
    title: 'the last endpoint of an arm gone has its share refused, and counted in a record of its own',
    from: canary,
    to: split([armOf(V1, 95, { 1: 1, 2: 1 }), armOf(V2, 5, {})]),
    parts: { services: 1, slots: 1, frontends: 1, retiredBackends: 1, retiredServices: 1 },
  },
  {
    title: 'an arm gone retires its record and its backends',
    from: canary,
    to: split([armOf(V1, 95, { 1: 1, 2: 1 })]),
    parts: { slots: 1, frontends: 1, retiredBackends: 1, retiredServices: 1 },
  },
  {
    title: 'another algorithm of an arm is one word of its record',
    from: canary,
    to: split([armOf(V1, 95, { 1: 1, 2: 1 }, 'RoundRobin'), armOf(V2, 5, { 3: 1 })]),
    parts: { services: 1 },
  },
  {
    title: 'a lookup for an arm is a range for it, and one that leads there',
    from: canary,
    to: split([armOf(V1, 95, { 1: 1, 2: 1 }, 'Maglev'), armOf(V2, 5, { 3: 1 })]),
    parts: { services: 1, slots: 2, frontends: 1 },
  },
  {
    title: 'a second address leads to what is there',
    from: canary,
    to: split(canary.groups[0]?.arms ?? [], '10.96.0.1', '10.96.0.2'),
    parts: { frontends: 1 },
  },
  {
    title: 'arms in another order are another range of them',
    from: canary,
    to: split((canary.groups[0]?.arms ?? []).toReversed()),
    parts: { slots: 1, frontends: 1 },
  },
  {
    title: 'a route for a plain port takes its backends over, and what leads to them',
    from: plain,
    to: canary,
    parts: { backends: 1, services: 2, slots: 2, frontends: 1 },
  },
  {
    title: 'and leaves them to the port when it goes',
    from: canary,
    to: plain,
    parts: { frontends: 1, retiredBackends: 1, retiredServices: 2 },
  },
  {
    title: 'a route with one arm for a plain port brings no backend',
    from: plain,
    to: split([armOf(V1, 1, { 1: 1, 2: 1 })]),
    parts: { services: 1, slots: 1, frontends: 1 },
  },
  {
    title: 'a backend that an arm takes over has the weight that it has there',
    from: plain,
    to: split([armOf(V1, 1, { 1: 1, 2: 3 })]),
    parts: { weights: 1, services: 1, slots: 2, frontends: 1 },
  },
  {
    title: 'an endpoint that goes from one arm to another takes its backend along',
    from: canary,
    to: split([armOf(V1, 95, { 1: 1 }), armOf(V2, 5, { 2: 1, 3: 1 })]),
    parts: { slots: 3, frontends: 1 },
  },
  {
    title: 'of two arms that want one backend the first has it',
    from: plain,
    to: split([armOf(V1, 1, { 1: 1 }), armOf(V2, 1, { 1: 1, 2: 1 })]),
    parts: { backends: 1, services: 2, slots: 3, frontends: 1 },
  },
  {
    title: 'an arm takes nothing that another place still wants, though that is planned later',
    from: shared([armOf(V1, 1, { 2: 1 })], { 1: 1 }),
    to: shared([armOf(V2, 1, { 1: 1 })], { 1: 1 }),
    parts: { backends: 1, services: 1, slots: 2, frontends: 1, retiredBackends: 1, retiredServices: 1 },
  },
  {
    title: 'nor what another variant has, to which other clients keep',
    from: portWith(CART, [groupOf(['10.96.0.1'], { 1: 1 }), forClient({ 2: 1 })]),
    to: portWith(CART, [groupOf(['10.96.0.1'], [armOf(V1, 1, { 2: 1 })]), forClient({ 3: 1 })]),
    parts: { backends: 2, services: 1, slots: 3, frontends: 2, retiredBackends: 2 },
  },
  {
    title: 'no arm at all refuses',
    from: canary,
    to: split([]),
    parts: { frontends: 1, retiredBackends: 3, retiredServices: 2 },
  },
  {
    title: 'a port with arms that has gone leaves nothing',
    from: canary,
    to: undefined,
    parts: { frontendDeletes: 1, retiredBackends: 3, retiredServices: 3 },
  },
];

test.each(changes)('$title', async ({ from, to, parts }) => {
  const world = await World.create();
  await world.reach([{ id: CART, want: from }]);
  expect(partsIn(await world.reach([{ id: CART, want: to }]))).toEqual(parts);
});

describe('a port with arms', () => {
  test('reads so', async () => {
    const world = await World.create();
    await world.reach([{ id: CART, want: split([armOf(V1, 3, { 1: 1, 2: 1 }, 'RoundRobin'), armOf(V2, 1, {})]) }]);
    expect(world.fake.dump()).toMatch(
      /^10\.96\.0\.1:80\/TCP -> \w{16}: 75\.0000% by \w{16} RoundRobin \(37\.5000% 10\.1\.0\.1:8080, 37\.5000% 10\.1\.0\.2:8080\), 25\.0000% by \w{16} \(refused\)\n$/,
    );
  });

  test('has records that are known by the names of the port and the arm', async () => {
    const world = await World.create();
    const { services } = await world.reach([{ id: CART, want: canary }]);
    expect(services.map(({ identity }) => identity)).toEqual(
      [CART, `${CART}>${V1}`, `${CART}>${V2}`].map((text) => identityOf(text)),
    );
  });

  test('writes the ranges of the arms before the one that leads to them', async () => {
    const world = await World.create();
    const { slots, frontends } = await world.reach([{ id: CART, want: canary }]);
    expect(frontends).toMatchObject([{ slotBase: slots.at(-1)?.base, slotCount: 2, arms: true }]);
  });

  test('has backends of the Service that is asked, not of the arms: who keeps to one is looked for there', async () => {
    const world = await World.create();
    const { backends, services } = await world.reach([{ id: CART, want: canary }]);
    expect(new Set(backends.map(({ service }) => service))).toEqual(new Set([services[0]?.index]));
  });

  test('has a record for the same endpoint in each arm', async () => {
    const world = await World.create();
    const { backends } = await world.reach([
      { id: CART, want: split([armOf(V1, 1, { 1: 1 }), armOf(V2, 1, { 1: 1 })]) },
    ]);
    expect(backends.map(({ address }) => address)).toEqual(['10.1.0.1', '10.1.0.1']);
  });

  test('shares one range for all groups that have the very same list', async () => {
    const world = await World.create();
    const arms = [armOf(V1, 1, { 1: 1 }), armOf(V2, 1, { 2: 1 })];
    const nodePort = groupOf(['192.0.2.1'], arms, { kind: 'node', port: 30_080 });
    const want = portWith(CART, [groupOf(['10.96.0.1'], arms), nodePort]);
    expect(partsIn(await world.reach([{ id: CART, want }]))).toMatchObject({ slots: 3, services: 3, frontends: 2 });
  });

  test('is found again after a restart, all of it', async () => {
    const world = await World.create();
    const want = split([armOf(V1, 3, { 1: 1, 2: 1 }, 'Maglev'), armOf(V2, 1, { 3: 1 }), armOf('shop/none:80', 1, {})]);
    await world.reach([{ id: CART, want }]);
    await world.restart();
    expect(countWrites(await world.reach([{ id: CART, want }]))).toBe(0);
    expect(countWrites(world.sweep())).toBe(0);
    expect([...(world.have.ports.get(CART)?.arms?.values() ?? [])]).toEqual([V1, V2, 'shop/none:80']);
  });
});

describe('an algorithm of a live port', () => {
  const choosing = (...choice: Parameters<typeof choiceOf>): DesiredPort =>
    portWith(CART, [groupOf(['10.96.0.1'], { 1: 1, 2: 3 })], { choice: choiceOf(...choice) });

  test.each([
    { from: choosing('WeightedRandom'), to: choosing('RoundRobin') },
    { from: choosing('RoundRobin'), to: choosing('LeastConnections') },
    { from: choosing('LeastConnections'), to: choosing('PeakEwma') },
    { from: choosing('PeakEwma'), to: choosing('WeightedRandom') },
    { from: choosing('Maglev'), to: choosing('Maglev', 'SourceAddress') },
  ])('changes from $from.choice to $to.choice by one record, which keeps its generation', async ({ from, to }) => {
    const world = await World.create();
    await world.reach([{ id: CART, want: from }]);
    const before = world.fake.tables.service(0);
    const transaction = await world.reach([{ id: CART, want: to }]);
    expect(partsIn(transaction)).toEqual({ services: 1 });
    const { choice: _, ...record } = before;
    expect(transaction.services).toMatchObject([record]);
    expect(world.fake.tables.service(0).choice ?? choosing('WeightedRandom').choice).toEqual(to.choice);
  });

  test('that is the default may be said or left out', async () => {
    const world = await World.create();
    await world.reach([{ id: CART, want: choosing('WeightedRandom') }]);
    const silent = portWith(CART, choosing('WeightedRandom').groups);
    expect(countWrites(await world.reach([{ id: CART, want: silent }]))).toBe(0);
  });

  test('stays as first responses come to be measured, and as they are no more: each is one record', async () => {
    const world = await World.create();
    const plain = choosing('RoundRobin');
    await world.reach([{ id: CART, want: plain }]);
    const before = world.fake.tables.service(0);
    for (const measured of [{ measured: true } as const, {}]) {
      const transaction = await world.reach([{ id: CART, want: { ...plain, ...measured } }]);
      expect(partsIn(transaction)).toEqual({ services: 1 });
      expect(world.fake.tables.service(0)).toEqual({ ...before, ...measured });
      expect(countWrites(await world.reach([{ id: CART, want: { ...plain, ...measured } }]))).toBe(0);
    }
  });

  test('brings a lookup to Maglev, and takes it away after', async () => {
    const world = await World.create();
    await world.reach([{ id: CART, want: choosing('PeakEwma') }]);
    const there = await world.reach([{ id: CART, want: choosing('Maglev') }]);
    expect(partsIn(there)).toEqual({ services: 1, slots: 1, frontends: 1 });
    expect(there.slots[0]?.words).toHaveLength((1 + 2 + Math.ceil(65_521 / 4)) * 4);
    const back = await world.reach([{ id: CART, want: choosing('RoundRobin') }]);
    expect(back.slots[0]?.words).toHaveLength((1 + 2) * 4);
  });
});

describe('does not leak room', () => {
  /** What is left once everything that this port may be has been there, and while it is as in the beginning. */
  const roomAfter = async (steps: readonly DesiredPort[], rounds: number): Promise<void> => {
    const world = await World.create({ frontends: 16, slots: 64, backends: 32, services: 16 });
    const { capacity } = world.have.tables;
    await world.reach([{ id: CART, want: steps[0] }]);
    await world.settle();
    const before = world.free();
    for (let round = 0; round < rounds; round++) {
      for (const want of steps) await world.reach([{ id: CART, want }]);
    }
    await world.reach([{ id: CART, want: steps[0] }]);
    await world.settle();
    expect(world.free()).toEqual(before);
    expect(world.have.tables.capacity).toEqual(capacity);
  };

  test('weights of arms that change a thousand times', async () => {
    const weighted = (weight: number): DesiredPort =>
      split([armOf(V1, 100 - weight, { 1: 1, 2: 1 }), armOf(V2, weight, { 3: 1 })]);
    await roomAfter(
      Array.from({ length: 45 }, (_, at) => weighted(5 + at)),
      23,
    );
  });

  test('a route that comes and goes', async () => {
    await roomAfter([canary, plain], 100);
  });

  test('an arm whose Service gets and loses endpoints, and goes itself', async () => {
    const arms = (v2: DesiredArm[]): DesiredPort => split([armOf(V1, 9, { 1: 1 }), ...v2]);
    const steps = [
      [armOf(V2, 1, { 3: 1 })],
      [armOf(V2, 1, { 3: 1, 4: 1 })],
      [armOf(V2, 1, { 4: 1 }, 'RoundRobin')],
      [armOf(V2, 1, {})],
      [],
    ];
    await roomAfter(steps.map(arms), 50);
  });
});
