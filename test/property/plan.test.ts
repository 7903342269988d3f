import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isShortage, plan } from '../../src/core/plan/plan.ts';
import type { BackendWrite, FrontendKey } from '../../src/core/plan/transaction.ts';
import type { Route } from '../../src/dataplane/fake/routes.ts';
import { ShuntError } from '../../src/errors.ts';
import { CLIENTS, state } from './states.ts';
import { backendName, changesTo, countWrites, expectRoutes, type State, World } from './world.ts';

/** Without the one algorithm whose tables take thousands of writes. */
const small = () => state({ maglev: false });
const states = fc.array(state(), { minLength: 1, maxLength: 6 });
const NOTHING: State = new Map();
const TINY = { frontends: 1, slots: 1, backends: 1, services: 1 };

describe('planning, on any sequence of desired states', () => {
  test('reaches each state with one transaction, and then finds nothing to do', async () => {
    await fc.assert(
      fc.asyncProperty(states, async (sequence) => {
        const world = await World.create();
        for (const wanted of sequence) {
          await world.reach(changesTo(wanted));
          expectRoutes(world.fake, wanted);
          expect(countWrites(await world.reach(changesTo(wanted)))).toBe(0);
        }
      }),
    );
  });

  test('a new agent that finds the tables as wanted writes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(state(), state(), async (first, second) => {
        const world = await World.create();
        await world.reach(changesTo(first));
        await world.reach(changesTo(second));
        await world.restart();
        expect(countWrites(await world.reach(changesTo(second)))).toBe(0);
        expect(countWrites(world.sweep())).toBe(0);
      }),
    );
  });

  test('the order of changes, and in how many plans they come, changes nothing in the end', async () => {
    const reordered = state().chain((wanted) => fc.tuple(fc.constant(wanted), fc.shuffledSubarray([...wanted], FULL)));
    await fc.assert(
      fc.asyncProperty(state(), reordered, async (first, [wanted, shuffled]) => {
        const together = await World.create();
        await together.reach(changesTo(first));
        await together.reach(changesTo(new Map(shuffled)));
        expectRoutes(together.fake, wanted);

        const oneByOne = await World.create();
        await oneByOne.reach(changesTo(first));
        // An address that moves is put by its new owner whether or not the old one has let go of it already.
        for (const [id, want] of shuffled) await oneByOne.reach([{ id, want }]);
        expectRoutes(oneByOne.fake, wanted);
      }),
    );
  });

  test('an arm that stays keeps its record, and each has one of its own', async () => {
    await fc.assert(
      fc.asyncProperty(state(), state(), async (first, second) => {
        const world = await World.create();
        await world.reach(changesTo(first));
        const before = world.arms();
        await world.reach(changesTo(second));
        const after = world.arms();
        for (const [arm, index] of after) expect(before.get(arm) ?? index, arm).toBe(index);
        expect(new Set(after.values()).size).toBe(after.size);
      }),
    );
  });

  test('a backend that stays keeps its index, and every backend knows its weight', async () => {
    await fc.assert(
      fc.asyncProperty(state(), state(), async (first, second) => {
        const world = await World.create();
        await world.reach(changesTo(first));
        const before = world.backends();
        await world.reach(changesTo(second));
        const weights = weightsOf(second);
        for (const [endpoint, { index, weight }] of world.backends()) {
          expect(before.get(endpoint)?.index ?? index, endpoint).toBe(index);
          expect(weights.get(endpoint), endpoint).toBe(weight);
        }
      }),
    );
  });

  test('as many backends of an endpoint stay as are wanted before and after, through whatever arms', async () => {
    await fc.assert(
      fc.asyncProperty(state(), state(), async (first, second) => {
        const world = await World.create();
        await world.reach(changesTo(first));
        const before = withoutArms(world.backends());
        await world.reach(changesTo(second));
        for (const [endpoint, after] of withoutArms(world.backends())) {
          const held = before.get(endpoint) ?? [];
          const kept = after.filter((index) => held.includes(index));
          expect(kept.length, endpoint).toBe(Math.min(held.length, after.length));
        }
      }),
    );
  });

  test('no backend answers in two scopes, so that one that leaves either is retired there', async () => {
    await fc.assert(
      fc.asyncProperty(states, async (sequence) => {
        const world = await World.create();
        for (const wanted of sequence) {
          await world.reach(changesTo(wanted));
          const indexes = [...world.backends().values()].map(({ index }) => index);
          expect(new Set(indexes).size).toBe(indexes.length);
        }
      }),
    );
  });

  test('tables that start with room for one record grow to hold everything, and lose nothing on the way', async () => {
    await fc.assert(
      fc.asyncProperty(states, async (sequence) => {
        const world = await World.create(TINY);
        for (const wanted of sequence) {
          await world.reach(changesTo(wanted));
          expectRoutes(world.fake, wanted);
        }
      }),
    );
  });

  test('a shortage names capacities in which the same plan fits', async () => {
    await fc.assert(
      fc.asyncProperty(state(), async (wanted) => {
        const first = plan((await World.create(TINY)).have, changesTo(wanted));
        if (!isShortage(first)) return;
        const second = plan((await World.create(first.need)).have, changesTo(wanted));
        expect(isShortage(second)).toBe(false);
      }),
    );
  });

  test('when everything has gone and grace has passed, all room is free again', async () => {
    await fc.assert(
      fc.asyncProperty(states, async (sequence) => {
        const world = await World.create();
        for (const wanted of [...sequence, emptied(sequence)]) await world.reach(changesTo(wanted));
        await world.settle();
        expect(world.free()).toEqual(world.have.tables.capacity);
        expect(world.fake.dump()).toBe('');
      }),
    );
  });
});

describe('a transaction that is cut at any point', () => {
  test('leaves every address with exactly its old or exactly its new choice', async () => {
    await fc.assert(
      fc.asyncProperty(small(), small(), async (first, second) => {
        const { before, after, steps, verdicts: ends, clients: clientsAt } = await bothEnds(first, second);
        for (let cut = 0; cut < steps; cut++) {
          const world = await cutBetween(first, second, cut);
          const now = world.fake.routes();
          for (const key of new Set([...before.keys(), ...after.keys(), ...now.keys()])) {
            expect([ended(before.get(key)), ended(after.get(key))]).toContainEqual(choice(now.get(key)));
          }
          for (const [at, led] of choicesOfClients(world).entries()) {
            expect(clientsAt.map((choices) => choices[at])).toContainEqual(led);
          }
          for (const [at, verdict] of verdicts(world).entries()) {
            const allowed = ends.map((verdictsAt) => verdictsAt[at]);
            expect(allowed, JSON.stringify(ASKED[at % ASKED.length])).toContain(verdict);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  test('is completed by the next agent, and nothing is lost', async () => {
    await fc.assert(
      fc.asyncProperty(state(), state(), fc.nat(), fc.nat(), async (first, second, one, two) => {
        const { steps } = await bothEnds(first, second);
        if (steps === 0) return;
        const world = await cutBetween(first, second, one % steps);
        await world.restart();
        world.fake.failAfter(two % (steps + 1));
        await world.reach(changesTo(second)).catch(expectCut);
        await world.restart();
        world.fake.failAfter(Number.POSITIVE_INFINITY);
        await world.reach(changesTo(second));
        world.sweep();
        expectRoutes(world.fake, second);

        await world.reach(changesTo(emptied([second])));
        await world.settle();
        expect(world.free()).toEqual(world.have.tables.capacity);
      }),
    );
  });

  test('is undone by the next agent when the cluster has changed its mind', async () => {
    await fc.assert(
      fc.asyncProperty(state(), state(), fc.nat(), async (first, second, cut) => {
        const { steps } = await bothEnds(first, second);
        if (steps === 0) return;
        const world = await cutBetween(first, second, cut % steps);
        await world.restart();
        await world.reach(changesTo(first));
        world.sweep();
        expectRoutes(world.fake, first);
      }),
    );
  });

  test('may have been a sweep, and the next sweep ends it', async () => {
    await fc.assert(
      fc.asyncProperty(state(), fc.nat({ max: 30 }), async (first, cut) => {
        const world = await World.create();
        await world.reach(changesTo(first));
        await world.restart();
        world.fake.failAfter(cut);
        try {
          world.sweep();
        } catch (error) {
          expectCut(error);
        }
        await world.restart();
        world.fake.failAfter(Number.POSITIVE_INFINITY);
        world.sweep();
        expectRoutes(world.fake, NOTHING);
        await world.settle();
        expect(world.free()).toEqual(world.have.tables.capacity);
      }),
    );
  });
});

/** All of a route but the affinity time-out and the algorithm, which are settings of records and change in place. */
const choice = (route: Route | undefined, ofShare = (share: number): unknown => share): object | undefined => {
  const each = (shares: ReadonlyMap<string, number>): ReadonlyMap<string, unknown> =>
    new Map(Array.from(shares, ([endpoint, share]) => [endpoint, ofShare(share)]));
  return (
    route && {
      service: route.service,
      kept: route.kept,
      shares: each(route.shares),
      arms: route.arms?.map(({ service, share, shares }) => ({ service, share, shares: each(shares) })),
    }
  );
};

/**
 * The choice before a transaction or after it. The one by weight is exact to 2^-32 of all, the others to the weights: where
 * one follows the other it is no change. Rounding would tell two apart that lie on either side of a step.
 */
const ended = (route: Route | undefined): object | undefined => choice(route, (share) => expect.closeTo(share, 8));

const FULL = { minLength: 4 };

/** As `World.backends` names them. */
const weightsOf = (wanted: State): Map<string, number> =>
  new Map(
    [...wanted].flatMap(([id, port]) =>
      // The first group that has an endpoint tells its weight.
      (port?.groups ?? [])
        .toReversed()
        .filter(({ addresses }) => addresses.length > 0)
        .flatMap(({ scope, variant = 0, endpoints, arms = [{ id: '', endpoints }] }) =>
          arms.flatMap((arm) =>
            arm.endpoints.map((each) => [backendName(id, { scope, variant, arm: arm.id }, each), each.weight] as const),
          ),
        ),
    ),
  );

/** Indexes of each endpoint of a port, scope and variant. */
const withoutArms = (backends: ReadonlyMap<string, BackendWrite>): Map<string, number[]> => {
  const all = new Map<string, number[]>();
  for (const [name, { index }] of backends) {
    const [id, scope, variant, , socket] = name.split(' ');
    const endpoint = [id, scope, variant, socket].join(' ');
    all.set(endpoint, [...(all.get(endpoint) ?? []), index]);
  }
  return all;
};

const emptied = (sequence: readonly State[]): State =>
  new Map(sequence.flatMap((wanted) => [...wanted.keys()]).map((id) => [id, undefined]));

/** Routing before and after, and how many elementary steps lie between. */
const bothEnds = async (
  first: State,
  second: State,
): Promise<{
  before: ReadonlyMap<string, Route>;
  after: ReadonlyMap<string, Route>;
  steps: number;
  verdicts: readonly (readonly string[])[];
  clients: readonly (readonly (object | undefined)[])[];
}> => {
  const world = await World.create();
  await world.fake.activate();
  await world.reach(changesTo(first));
  const before = world.fake.routes();
  const verdictsBefore = verdicts(world);
  const clientsBefore = choicesOfClients(world, ended);
  const { slots, ...rest } = await world.reach(changesTo(second));
  const records = slots.reduce((sum, { words }) => sum + words.length / 4, 0);
  const steps = Object.values(rest).reduce((sum, part) => sum + part.length, records);
  return {
    before,
    after: world.fake.routes(),
    steps,
    verdicts: [verdictsBefore, verdicts(world)],
    clients: [clientsBefore, choicesOfClients(world, ended)],
  };
};

const cutBetween = async (first: State, second: State, cut: number): Promise<World> => {
  const world = await World.create();
  await world.fake.activate();
  await world.reach(changesTo(first));
  world.fake.failAfter(cut);
  await expect(world.reach(changesTo(second))).rejects.toSatisfy(isCut);
  return world;
};

const ASKED: readonly FrontendKey[] = ['10.96.0.1', '10.96.0.2', '10.96.0.5', '10.96.0.6'].flatMap((address) =>
  (['TCP', 'UDP'] as const).flatMap((protocol) => [80, 81, 82].map((port) => ({ address, port, protocol }))),
);

/** Whether a client, or everybody, is sent, refused or left alone. */
const verdicts = ({ fake }: World): readonly string[] =>
  [undefined, ...CLIENTS].flatMap((client) =>
    ASKED.map(({ address, port, protocol }) => fake.connect(address, port, protocol, 0, client).verdict),
  );

/** Where clients of this node are led, whose own entries count only where that of everybody says so. */
const choicesOfClients = ({ fake }: World, choiceOf = choice): readonly (object | undefined)[] =>
  CLIENTS.flatMap((client) => ASKED.map((key) => choiceOf(fake.route(key, client))));

const isCut = (error: unknown): boolean => error instanceof ShuntError && error.code === 'SHUNT_E_APPLY';

const expectCut = (error: unknown): void => expect(error).toSatisfy(isCut);
