import { describe, expect, test } from 'vitest';
import { type Change, committed, isShortage, plan } from '../../../../src/core/plan/plan.ts';
import { countWrites, partsIn, portOf, World } from '../../../property/world.ts';

const WEB = 'shop/web/http/TCP';
const CART = 'shop/cart/http/TCP';

/** A change of one port, and what it may write: as little as the change is. */
const changes = [
  {
    title: 'a new port writes its backends, its service, its slots, its frontend',
    from: undefined,
    to: portOf(WEB, ['10.96.0.1'], { 1: 1, 2: 1 }),
    parts: { backends: 2, services: 1, slots: 1, frontends: 1 },
  },
  {
    title: 'two addresses share one range of slots',
    from: undefined,
    to: portOf(WEB, ['10.96.0.1', '10.96.0.2'], { 1: 1 }),
    parts: { backends: 1, services: 1, slots: 1, frontends: 2 },
  },
  {
    title: 'a port without endpoints leads nowhere and needs no slots',
    from: undefined,
    to: portOf(WEB, ['10.96.0.1'], {}),
    parts: { services: 1, frontends: 1 },
  },
  {
    title: 'a port that no address leads to is not held',
    from: undefined,
    to: portOf(WEB, [], { 1: 1 }),
    parts: {},
  },
  {
    title: 'another address leads to the slots that are there',
    from: portOf(WEB, ['10.96.0.1'], { 1: 1 }),
    to: portOf(WEB, ['10.96.0.1', '10.96.0.2'], { 1: 1 }),
    parts: { frontends: 1 },
  },
  {
    title: 'another order of endpoints writes nothing',
    from: portOf(WEB, ['10.96.0.1'], { 1: 1, 2: 2 }),
    to: reversed(portOf(WEB, ['10.96.0.1'], { 1: 1, 2: 2 })),
    parts: {},
  },
  {
    title: 'other weights change in place and get new slots',
    from: portOf(WEB, ['10.96.0.1'], { 1: 1, 2: 1 }),
    to: portOf(WEB, ['10.96.0.1'], { 1: 1, 2: 3 }),
    parts: { weights: 1, slots: 1, frontends: 1 },
  },
  {
    title: 'other weights in the same proportion keep the slots',
    from: portOf(WEB, ['10.96.0.1'], { 1: 1, 2: 2 }),
    to: portOf(WEB, ['10.96.0.1'], { 1: 2, 2: 4 }),
    parts: { weights: 2 },
  },
  {
    title: 'another endpoint writes one backend and new slots',
    from: portOf(WEB, ['10.96.0.1'], { 1: 1 }),
    to: portOf(WEB, ['10.96.0.1'], { 1: 1, 2: 1 }),
    parts: { backends: 1, slots: 1, frontends: 1 },
  },
  {
    title: 'an endpoint less retires one backend',
    from: portOf(WEB, ['10.96.0.1'], { 1: 1, 2: 1 }),
    to: portOf(WEB, ['10.96.0.1'], { 1: 1 }),
    parts: { slots: 1, frontends: 1, retiredBackends: 1 },
  },
  {
    title: 'the last endpoint gone refuses',
    from: portOf(WEB, ['10.96.0.1'], { 1: 1 }),
    to: portOf(WEB, ['10.96.0.1'], {}),
    parts: { frontends: 1, retiredBackends: 1 },
  },
  {
    title: 'another affinity time-out is one word of the service',
    from: portOf(WEB, ['10.96.0.1'], { 1: 1 }),
    to: portOf(WEB, ['10.96.0.1'], { 1: 1 }, 60),
    parts: { services: 1 },
  },
  {
    title: 'another address instead is put before the old one goes',
    from: portOf(WEB, ['10.96.0.1'], { 1: 1 }),
    to: portOf(WEB, ['10.96.0.2'], { 1: 1 }),
    parts: { frontends: 1, frontendDeletes: 1 },
  },
  {
    title: 'a port that has gone leaves nothing',
    from: portOf(WEB, ['10.96.0.1', '10.96.0.2'], { 1: 1, 2: 1 }),
    to: undefined,
    parts: { frontendDeletes: 2, retiredBackends: 2, retiredServices: 1 },
  },
  {
    title: 'a port whose last address has gone leaves nothing either',
    from: portOf(WEB, ['10.96.0.1'], { 1: 1 }),
    to: portOf(WEB, [], { 1: 1 }),
    parts: { frontendDeletes: 1, retiredBackends: 1, retiredServices: 1 },
  },
];

test.each(changes)('$title', async ({ from, to, parts }) => {
  const world = await World.create();
  await world.reach([{ id: WEB, want: from }]);
  expect(partsIn(await world.reach([{ id: WEB, want: to }]))).toEqual(parts);
});

test('the later of two changes of one port counts', async () => {
  const world = await World.create();
  await world.reach([
    { id: WEB, want: portOf(WEB, ['10.96.0.1'], { 1: 1 }) },
    { id: WEB, want: portOf(WEB, ['10.96.0.1'], { 2: 1 }) },
  ]);
  expect(world.fake.dump()).toMatch(/^10\.96\.0\.1:80\/TCP -> [0-9a-f]{16}: 100\.0000% 10\.1\.0\.2:8080\n$/);
});

test('ports with the same endpoint have a backend record each', async () => {
  const world = await World.create();
  const transaction = await world.reach([
    { id: WEB, want: portOf(WEB, ['10.96.0.1'], { 1: 1 }) },
    { id: CART, want: portOf(CART, ['10.96.0.2'], { 1: 1 }) },
  ]);
  expect(transaction.backends.map((backend) => backend.service)).toEqual([0, 1]);
});

describe('an address that moves from one port to another', () => {
  const lets: Change = { id: WEB, want: portOf(WEB, ['10.96.0.1'], { 1: 1 }) };
  const takes: Change = { id: CART, want: portOf(CART, ['10.96.0.2'], { 2: 1 }) };

  const owned = async (): Promise<World> => {
    const world = await World.create();
    await world.reach([{ id: WEB, want: portOf(WEB, ['10.96.0.1', '10.96.0.2'], { 1: 1 }) }]);
    return world;
  };

  test.each([
    { title: 'the old owner first', changes: [lets, takes] },
    { title: 'the new owner first', changes: [takes, lets] },
    { title: 'the old owner gone', changes: [{ id: WEB, want: undefined }, takes], deletes: 1 },
  ])('is replaced, never deleted: $title', async ({ changes, deletes = 0 }) => {
    const world = await owned();
    const transaction = await world.reach(changes);
    expect(transaction.frontends.map((frontend) => frontend.address)).toEqual(['10.96.0.2']);
    expect(transaction.frontendDeletes).toHaveLength(deletes);
    expect(world.fake.dump()).toMatch(/10\.96\.0\.2:80.* 10\.1\.0\.2:8080/);
  });

  test('stays with the new owner when the old one lets go in a later plan', async () => {
    const world = await owned();
    await world.reach([takes]);
    expect(partsIn(await world.reach([lets]))).toEqual({});
    expect(partsIn(await world.reach([{ id: WEB, want: undefined }]))).toMatchObject({ frontendDeletes: 1 });
    expect(world.fake.dump()).toMatch(/^10\.96\.0\.2:80/);
  });

  test('comes back to the old owner', async () => {
    const world = await owned();
    await world.reach([takes]);
    const back = portOf(WEB, ['10.96.0.1', '10.96.0.2'], { 1: 1 });
    await world.reach([
      { id: CART, want: undefined },
      { id: WEB, want: back },
    ]);
    expect(world.fake.dump()).toMatch(/10\.96\.0\.2:80.* 10\.1\.0\.1:8080/);
  });
});

describe('room', () => {
  test('that is retired counts as taken until it is released', async () => {
    const world = await World.create({ frontends: 4, slots: 6, backends: 2, services: 1 });
    await world.reach([{ id: WEB, want: portOf(WEB, ['10.96.0.1'], { 1: 1, 2: 1 }) }]);
    await world.reach([{ id: WEB, want: undefined }]);

    const next = [{ id: CART, want: portOf(CART, ['10.96.0.1'], { 1: 1, 2: 1 }) }];
    expect(plan(world.have, next)).toEqual({ need: { frontends: 4, slots: 6, backends: 6, services: 3 } });
    await world.settle();
    expect(isShortage(plan(world.have, next))).toBe(false);
  });

  test('is taken by nobody when a plan is only made', async () => {
    const world = await World.create();
    const before = world.free();
    plan(world.have, [{ id: WEB, want: portOf(WEB, ['10.96.0.1'], { 1: 1 }) }]);
    expect(world.free()).toEqual(before);
  });

  test('among the frontends is not needed for an address that leads elsewhere now', async () => {
    const world = await World.create({ frontends: 1, slots: 4, backends: 4, services: 4 });
    await world.reach([{ id: WEB, want: portOf(WEB, ['10.96.0.1'], { 1: 1 }) }]);
    expect(isShortage(plan(world.have, [{ id: WEB, want: portOf(WEB, ['10.96.0.1'], { 2: 1 }) }]))).toBe(false);
    // Both addresses are there for a moment.
    expect(isShortage(plan(world.have, [{ id: WEB, want: portOf(WEB, ['10.96.0.2'], { 1: 1 }) }]))).toBe(true);
  });

  test('in the slots must hang together', async () => {
    const world = await World.create({ frontends: 8, slots: 8, backends: 8, services: 8 });
    for (const [at, id] of ['a/a/a/TCP', 'b/b/b/TCP', 'c/c/c/TCP', 'd/d/d/TCP'].entries()) {
      await world.reach([{ id, want: portOf(id, [`10.96.0.${at}`], { 1: 1 }) }]);
    }
    await world.reach([
      { id: 'a/a/a/TCP', want: undefined },
      { id: 'c/c/c/TCP', want: undefined },
    ]);
    await world.settle();
    expect(world.free().slots).toBe(4);
    expect(plan(world.have, [{ id: WEB, want: portOf(WEB, ['10.96.1.1'], { 1: 1, 2: 1 }) }])).toMatchObject({
      need: { slots: 17 },
    });
  });

  test('counters of what is released are cleared for the next owner', async () => {
    const world = await World.create({ frontends: 1, slots: 2, backends: 1, services: 1 });
    await world.fake.activate();
    await world.reach([{ id: WEB, want: portOf(WEB, ['10.96.0.1'], { 1: 1 }) }]);
    world.fake.connect('10.96.0.1', 80, 'TCP', 0);
    await world.reach([{ id: WEB, want: undefined }]);
    expect(world.fake.stats.backend(0).attempts).toBe(1);
    await world.settle();
    expect(world.fake.stats.backend(0).attempts).toBe(0);
    expect(world.fake.stats.service(0).attempts).toBe(0);
  });
});

test('a plan that was made before another one was carried out is not accepted', async () => {
  const world = await World.create();
  const first = plan(world.have, [{ id: WEB, want: portOf(WEB, ['10.96.0.1'], { 1: 1 }) }]);
  const second = plan(world.have, [{ id: CART, want: portOf(CART, ['10.96.0.2'], { 1: 1 }) }]);
  if (isShortage(first) || isShortage(second)) throw new Error('there is room for both');
  committed(world.have, first);
  expect(() => committed(world.have, second)).toThrow(/had changed since/);
});

test('a sweep removes what no plan has named, and nothing else', async () => {
  const world = await World.create();
  const web = { id: WEB, want: portOf(WEB, ['10.96.0.1'], { 1: 1 }) };
  await world.reach([web, { id: CART, want: portOf(CART, ['10.96.0.2'], { 1: 1, 2: 1 }) }]);
  await world.restart();
  expect(countWrites(await world.reach([web]))).toBe(0);
  expect(partsIn(world.sweep())).toEqual({ frontendDeletes: 1, retiredBackends: 2, retiredServices: 1 });
  expect(partsIn(world.sweep())).toEqual({});
  expect(world.fake.dump()).toMatch(/^10\.96\.0\.1:80\/TCP [^\n]*\n$/);
});

function reversed(port: ReturnType<typeof portOf>): ReturnType<typeof portOf> {
  return {
    ...port,
    groups: port.groups.map((group) => ({ ...group, endpoints: [...group.endpoints].reverse() })),
  };
}
