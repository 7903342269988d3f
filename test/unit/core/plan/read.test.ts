import { describe, expect, test } from 'vitest';
import { identityOf } from '../../../../src/core/plan/identity.ts';
import { plan } from '../../../../src/core/plan/plan.ts';
import { type Arm, armsOf, HEADER_SLOTS, readRange } from '../../../../src/core/plan/range.ts';
import { readHave } from '../../../../src/core/plan/read.ts';
import type { FrontendWrite, Transaction } from '../../../../src/core/plan/transaction.ts';
import type { FakeDataplane } from '../../../../src/dataplane/fake.ts';
import { armOf, choiceOf, groupOf, portWith } from '../../../property/ports.ts';
import { countWrites, portOf, World } from '../../../property/world.ts';

const WEB = 'shop/web/http/TCP';
const CART = 'shop/cart/http/TCP';
const web = { id: WEB, want: portOf(WEB, ['10.96.0.1'], { 1: 1, 2: 3 }) };
const cart = { id: CART, want: portOf(CART, ['10.96.0.2'], { 3: 1 }) };

/**
 * `web` is service 0 with slots 0 to 2 and backends 0 and 1, of which 1 is the alias in slot 1; `cart` is service 1
 * with slots 3 and 4 and backend 2.
 */
const shop = async (): Promise<World> => {
  const world = await World.create({ frontends: 8, slots: 16, backends: 8, services: 4 });
  await world.reach([web, cart]);
  return world;
};

describe('a frontend that leads where it should not', () => {
  const rows = [
    { title: 'to a service outside of the table', to: { service: 99 } },
    { title: 'to a free service', to: { service: 2 } },
    { title: 'to the service of others, with its own slots', to: { service: 1 } },
    { title: 'to the slots of others', to: { slotBase: 3, slotCount: 1 } },
    { title: 'to the first of its own slots only', to: { slotCount: 1 } },
    { title: 'to the last of its own slots only', to: { slotBase: 1, slotCount: 1 } },
    { title: 'to its own slots and those of others', to: { slotCount: 3 } },
    { title: 'to slots outside of the table', to: { slotBase: 15 } },
    { title: 'to slots far outside of the table', to: { slotBase: 2 ** 32 - 1 } },
    { title: 'to slots that nobody wrote', to: { slotBase: 8 } },
  ];

  test.each(rows)('is written anew by the next plan: $title', async ({ to }) => {
    const world = await shop();
    const sound = world.fake.dump();
    await tamper(world, '10.96.0.1', to);
    await world.reach([web, cart]);
    world.sweep();
    expect(world.fake.dump()).toBe(sound);
    expect(countWrites(await world.reach([web, cart]))).toBe(0);
  });

  test.each(rows)('is removed when nobody wants it: $title', async ({ to }) => {
    const world = await shop();
    const sound = world.fake.dump();
    await tamper(world, '10.96.0.9', to);
    await world.reach([web, cart]);
    world.sweep();
    expect(world.fake.dump()).toBe(sound);
  });

  test.each(rows)('keeps what it touches out of use, and gives it back in the end: $title', async ({ to }) => {
    const world = await shop();
    await tamper(world, '10.96.0.9', to);
    // The dataplane would not let anyone write where a frontend leads, be it a broken one.
    const more = { id: 'shop/more/http/TCP', want: portOf('shop/more/http/TCP', ['10.96.0.3'], { 1: 1, 2: 1, 3: 1 }) };
    await world.reach([more, web, cart]);
    world.sweep();
    await world.reach([more, web, cart].map(({ id }) => ({ id, want: undefined })));
    await world.settle();
    expect(world.free()).toEqual(world.have.tables.capacity);
  });

  test.each(rows)('is no danger to a sweep that comes before any plan: $title', async ({ to }) => {
    const world = await shop();
    const sound = world.fake.dump();
    await tamper(world, '10.96.0.1', to);
    world.sweep();
    await world.reach([web, cart]);
    expect(world.fake.dump()).toBe(sound);
  });

  test('does not bring a free backend back that has the wanted endpoint', async () => {
    const world = await shop();
    await world.reach([{ id: CART, want: undefined }]);
    await tamper(world, '10.96.0.1', { slotBase: 3, slotCount: 1 });
    const want = portOf(WEB, ['10.96.0.1'], { 3: 1 });
    expect((await world.reach([{ id: WEB, want }])).backends).toHaveLength(1);
    expect(world.sweep()).toMatchObject({ retiredBackends: [1, 0], retiredServices: [0] });
    await world.settle();
    const { capacity } = world.have.tables;
    expect(world.free()).toMatchObject({ slots: capacity.slots - 2, backends: capacity.backends - 1 });
  });

  test('keeps a free backend out of use that is but an alias there', async () => {
    const world = await shop();
    await world.reach([{ id: WEB, want: portOf(WEB, ['10.96.0.1'], { 1: 1 }) }]);
    await tamper(world, '10.96.0.9', { slotBase: 0, slotCount: 1 });
    const many = Object.fromEntries(Array.from({ length: 6 }, (_, at) => [at + 10, 1]));
    const transaction = await world.reach([{ id: CART, want: portOf(CART, ['10.96.0.2'], many) }]);
    expect(transaction.backends.map(({ index }) => index)).not.toContain(1);
  });

  test('shares the first slot with another one, and yet none of them is given away', async () => {
    const world = await shop();
    const { slots: own } = await world.reach([{ id: CART, want: portOf(CART, ['10.96.0.2'], { 3: 1, 4: 1 }) }]);
    const slotBase = own[0]?.base ?? Number.NaN;
    await tamper(world, '10.96.0.2', { service: 1, slotBase, slotCount: 1 });
    await tamper(world, '10.96.0.9', { service: 1, slotBase, slotCount: 2 });
    const more = { id: 'shop/more/http/TCP', want: portOf('shop/more/http/TCP', ['10.96.0.3'], { 1: 1, 2: 1 }) };
    const { slots } = await world.reach([more]);
    expect(slots.map(({ base }) => base)).not.toContain(slotBase + 1);
  });

  test('takes up room among the frontends until it has gone, and none more when it is written anew', async () => {
    const world = await World.create({ frontends: 2, slots: 16, backends: 8, services: 4 });
    await world.reach([web]);
    await tamper(world, '10.96.0.2', { service: 99 });
    expect(plan(world.have, [cart])).toHaveProperty('transaction');
    const third = { id: CART, want: portOf(CART, ['10.96.0.3'], { 3: 1 }) };
    expect(plan(world.have, [third])).toMatchObject({ need: { frontends: 5 } });
    await world.reach([web]);
    world.sweep();
    expect(plan(world.have, [third])).toHaveProperty('transaction');
  });

  const tamper = async (world: World, address: string, to: Partial<FrontendWrite>): Promise<void> => {
    world.fake.tamper({
      address,
      port: 80,
      protocol: 'TCP',
      service: 0,
      slotBase: 0,
      slotCount: 2,
      scope: 'cluster',
      ...to,
    });
    await world.restart();
  };
});

/**
 * `web` is service 0 with arms 1 and 2: slots 0 and 1 lead to backend 0, slots 2 and 3 to backend 1, slots 4 to 8 are
 * the header, the columns and the arms; `cart` is service 3 with slots 9 and 10 and backend 2.
 */
describe('a frontend with arms that leads where it should not', () => {
  const arms = [armOf('shop/v1:80', 1, { 1: 1 }), armOf('shop/v2:80', 3, { 2: 1 })];
  const shared = { id: WEB, want: portWith(WEB, [groupOf(['10.96.0.1'], arms)]) };
  const ARMS_AT = 7;

  const sharing = async (): Promise<World> => {
    const world = await World.create({ frontends: 8, slots: 32, backends: 8, services: 8 });
    await world.reach([shared, cart]);
    return world;
  };

  const damages: { title: string; slot: number; words: readonly number[] }[] = [
    { title: 'to a free record of an arm', slot: ARMS_AT, words: [5, 0, 1, 0] },
    { title: 'to a record of an arm outside of the table', slot: ARMS_AT, words: [99, 0, 1, 0] },
    { title: 'to its own record as that of an arm', slot: ARMS_AT, words: [0, 0, 1, 0] },
    { title: 'to the record of another port as that of an arm', slot: ARMS_AT, words: [3, 0, 1, 0] },
    { title: 'to the range of another port', slot: ARMS_AT, words: [1, 9, 1, 0] },
    { title: 'to one range twice', slot: ARMS_AT + 1, words: [2, 0, 1, 0] },
    { title: 'to a range that nobody wrote', slot: ARMS_AT, words: [1, 20, 1, 0] },
    { title: 'to a range outside of the table', slot: ARMS_AT, words: [1, 31, 9, 0] },
    { title: 'to an arm that there is not', slot: 5, words: [2 ** 31, 0, 2, 1] },
    { title: 'to one arm only', slot: 6, words: [2 ** 32 - 1, 0, 0, 4] },
    { title: 'to a free backend of an arm', slot: 1, words: [2 ** 32 - 1, 7, 7, 1] },
    { title: 'through a header that is none', slot: 4, words: [9, 1, 0, 0] },
    { title: 'through a header of an arm that is none', slot: 0, words: [9, 1, 0, 0] },
  ];

  test('but this one does not', async () => {
    const world = await sharing();
    await world.restart();
    expect(world.have.leftovers.frontends.size).toBe(0);
  });

  test.each(damages)('is written anew by the next plan: $title', async ({ slot, words }) => {
    const world = await sharing();
    const sound = world.fake.dump();
    world.fake.scribble(slot, words);
    await world.restart();
    expect(world.have.leftovers.frontends.size).toBe(1);
    await world.reach([shared, cart]);
    world.sweep();
    expect(world.fake.dump()).toBe(sound);
    expect(countWrites(await world.reach([shared, cart]))).toBe(0);
  });

  test.each(damages)('leaves no room behind: $title', async ({ slot, words }) => {
    const world = await sharing();
    world.fake.scribble(slot, words);
    await world.restart();
    await world.reach([shared, cart]);
    world.sweep();
    await world.reach([shared, cart].map(({ id }) => ({ id, want: undefined })));
    await world.settle();
    expect(world.free()).toEqual(world.have.tables.capacity);
  });

  describe.each([
    { title: 'is read first', first: CART },
    { title: 'is read last', first: WEB },
  ])('to the record of another port, which $title', ({ first }) => {
    const cartShared = { id: CART, want: portWith(CART, [groupOf(['10.96.0.2'], [armOf('shop/v1:80', 1, { 3: 1 })])]) };

    test.each([
      { title: 'its own', other: cart, of: (at: FrontendWrite) => at.service },
      {
        title: 'of an arm',
        other: cartShared,
        of: (at: FrontendWrite, { fake }: World) => armsAt(fake, at)[0]?.service,
      },
    ])('$title: one of the two is written anew', async ({ other, of }) => {
      const world = await World.create({ frontends: 8, slots: 64, backends: 8, services: 16 });
      const both = first === CART ? [other, shared] : [shared, other];
      for (const change of both) await world.reach([change]);
      const sound = world.fake.dump();
      const entry = (address: string) => world.fake.tables.frontend({ address, port: 80, protocol: 'TCP' });
      const [web, their] = [entry('10.96.0.1'), entry('10.96.0.2')] as [FrontendWrite, FrontendWrite];
      const [own] = armsAt(world.fake, web);
      const words = [of(their, world) ?? Number.NaN, own?.slotBase ?? 0, own?.slotCount ?? 0, 0];
      world.fake.scribble(web.slotBase + HEADER_SLOTS + web.slotCount, words);
      await world.restart();
      expect([...world.have.leftovers.frontends.values()]).toMatchObject([
        { address: first === CART ? '10.96.0.1' : '10.96.0.2' },
      ]);
      await world.reach(both);
      world.sweep();
      expect(world.fake.dump()).toBe(sound);
      await world.reach(both.map(({ id }) => ({ id, want: undefined })));
      await world.settle();
      expect(world.free()).toEqual(world.have.tables.capacity);
    });
  });

  test('as if it had no arms is written anew', async () => {
    const world = await sharing();
    const sound = world.fake.dump();
    const [{ arms: _, ...plain }] = world.fake.tables.frontends() as [FrontendWrite];
    world.fake.tamper(plain);
    expect(world.fake.dump()).not.toBe(sound);
    await world.restart();
    await world.reach([shared, cart]);
    world.sweep();
    expect(world.fake.dump()).toBe(sound);
  });

  test('of two records with the identity of one arm, one is kept and the other retired', async () => {
    const world = await sharing();
    const twin = world.fake.tables.service(1);
    world.fake.tables.putService({ ...twin, index: 2 });
    await world.restart();
    const { services, retiredServices } = await world.reach([shared, cart]);
    expect(services).toHaveLength(1);
    expect(retiredServices).toEqual([2]);
  });

  test('is not planned over: slots that change under a running agent are read anew', async () => {
    const world = await sharing();
    world.fake.scribble(4, [9, 1, 0, 0]);
    expect(() => plan(world.have, [{ id: WEB, want: undefined }])).toThrow('somebody else has written over the slots');
  });

  test('a lookup that names backends of others is as broken as a column that does', async () => {
    const world = await World.create({ frontends: 8, slots: 8192, backends: 8, services: 8 });
    const want = portWith(WEB, [groupOf(['10.96.0.1'], { 1: 1 })], { choice: choiceOf('Maglev') });
    await world.reach([{ id: WEB, want }, cart]);
    world.fake.scribble(1000, [0, 0, 0, 1]);
    await world.restart();
    expect([...world.have.leftovers.frontends.keys()]).toEqual(['10.96.0.1 80/TCP']);
    expect((await world.reach([{ id: WEB, want }, cart])).backends).toHaveLength(1);
  });
});

test('records that nothing leads to are retired by a sweep, not before', async () => {
  const world = await World.create();
  const records = 4;
  world.fake.failAfter(records);
  await expect(world.reach([web, cart])).rejects.toThrow('took 4 of');
  await world.restart();
  expect(world.have.leftovers).toMatchObject({ backends: [2, 1, 0], services: [0] });
  expect((await world.reach([])).retiredBackends).toEqual([]);
  expect(world.sweep()).toMatchObject({ retiredBackends: [2, 1, 0], retiredServices: [0] });
  expect(countWrites(world.sweep())).toBe(0);
});

test('of two services with one identity, one is claimed and the other swept', async () => {
  const world = await shop();
  world.fake.apply({ ...NOTHING, ...twinOf(WEB) });
  await world.restart();
  await world.reach([web, cart]);
  expect(world.sweep().frontendDeletes).toEqual([{ address: '10.96.0.7', port: 80, protocol: 'TCP' }]);
  expect(world.fake.routes().size).toBe(2);
});

test('what was in use before waits for grace, what never was is free at once', async () => {
  const world = await shop();
  await world.reach([{ id: WEB, want: undefined }]);
  const have = readHave(world.fake.tables);
  expect(have.retired).toEqual({
    backends: [1, 0],
    services: [0],
    slots: [
      { base: 0, count: 3 },
      { base: 5, count: 11 },
    ],
  });
  expect(have.free).toMatchObject({ backends: { count: 5 }, services: { count: 2 }, slots: [] });
});

const armsAt = (fake: FakeDataplane, at: FrontendWrite): readonly Arm[] =>
  armsOf(readRange(fake.tables, at) ?? new Uint32Array(), at.slotCount);

const NOTHING: Transaction = {
  backends: [],
  weights: [],
  services: [],
  slots: [],
  frontends: [],
  frontendDeletes: [],
  retiredBackends: [],
  retiredServices: [],
};

/** Another Service record with the identity of this id, at an address of its own. */
const twinOf = (id: string): Partial<Transaction> => ({
  services: [{ index: 3, identity: identityOf(id), generation: 1, affinityTimeoutS: 0 }],
  frontends: [
    { address: '10.96.0.7', port: 80, protocol: 'TCP', service: 3, slotBase: 0, slotCount: 0, scope: 'cluster' },
  ],
});
