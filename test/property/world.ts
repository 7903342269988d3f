import { expect } from 'vitest';
import { familyOf } from '../../src/core/desire/family.ts';
import type { DesiredArm, DesiredGroup, DesiredPort } from '../../src/core/model/desired.ts';
import { partsOf } from '../../src/core/plan/answer.ts';
import { isSameChoice } from '../../src/core/plan/choice.ts';
import { CLOSING, frontendKey, grown, type Have, release, sealRetired } from '../../src/core/plan/have.ts';
import { identityKey, identityOf } from '../../src/core/plan/identity.ts';
import { type Change, committed, isShortage, type Plan, plan, sweep } from '../../src/core/plan/plan.ts';
import { readHave } from '../../src/core/plan/read.ts';
import type { BackendWrite, Capacity, Transaction } from '../../src/core/plan/transaction.ts';
import { endpointName, type Route, type RouteArm } from '../../src/dataplane/fake/routes.ts';
import { FakeDataplane } from '../../src/dataplane/fake.ts';
import { groupOf, portWith } from './ports.ts';

/** What a cluster may want at one moment, by port id; undefined: no such port. */
export type State = ReadonlyMap<string, DesiredPort | undefined>;

/** Enough for nearly any state, and for what is retired beside it. */
const ROOM: Capacity = { frontends: 256, slots: 2 ** 15, backends: 512, services: 64 };

/** A dataplane and what an agent knows about it. */
export class World {
  readonly fake: FakeDataplane;
  have: Have;

  constructor(capacity: Capacity) {
    this.fake = new FakeDataplane(capacity);
    this.have = readHave(this.fake.tables);
  }

  static async create(capacity: Capacity = ROOM): Promise<World> {
    const world = new World(capacity);
    await world.settle();
    return world;
  }

  /** As an agent does it: plan, grow when short of room, apply, commit. Returns what was written. */
  async reach(changes: readonly Change[]): Promise<Transaction> {
    for (let settled = false; ; settled = true) {
      const result = plan(this.have, changes);
      if (!isShortage(result)) return this.carryOut(result);
      await this.settle();
      // What was retired may be room enough.
      if (!settled) continue;
      await this.fake.grow(result.need);
      grown(this.have, this.fake.tables);
    }
  }

  sweep(): Transaction {
    return this.carryOut(sweep(this.have));
  }

  carryOut(planned: Plan): Transaction {
    this.fake.apply(planned.transaction);
    committed(this.have, planned);
    return planned.transaction;
  }

  /** Whatever was retired becomes free. */
  async settle(): Promise<void> {
    const sealed = sealRetired(this.have);
    await this.fake.grace();
    this.fake.clearStats(release(this.have, sealed));
  }

  /** A new agent finds the tables. */
  async restart(): Promise<void> {
    this.have = readHave(this.fake.tables);
    await this.settle();
  }

  /** Free room of each table. */
  free(): Capacity {
    const { free, frontends, tables } = this.have;
    return {
      frontends: tables.capacity.frontends - frontends.size,
      slots: free.slots.reduce((sum, range) => sum + range.count, 0),
      backends: free.backends.count,
      services: free.services.count,
    };
  }

  /** Every backend record in use, by `port-id scope variant arm address:port`. */
  backends(): Map<string, BackendWrite> {
    const { tables, ports } = this.have;
    const result = new Map<string, BackendWrite>();
    for (const [id, port] of ports) {
      for (const frontend of port.frontends) {
        for (const { service, backends } of partsOf(tables, frontend)) {
          for (const index of backends.keys()) {
            const { scope, variant = 0 } = frontend;
            const backend = tables.backend(index);
            const place = { scope, variant, arm: port.arms?.get(service) ?? '' };
            result.set(backendName(id, place, backend), backend);
          }
        }
      }
    }
    return result;
  }

  /** Indexes of the records of arms, by `port-id variant arm`; of those that refuse for each family and scope. */
  arms(): Map<string, number> {
    const result = new Map<string, number>();
    for (const [id, { frontends, arms }] of this.have.ports) {
      for (const frontend of frontends.filter((each) => each.arms)) {
        for (const { service, backends } of partsOf(this.have.tables, frontend)) {
          const { address, scope, variant = 0 } = frontend;
          const place = backends.size > 0 ? '' : ` ${familyOf(address)} ${scope}`;
          result.set(`${id} ${variant} ${arms?.get(service)}${place}`, service);
        }
      }
    }
    return result;
  }
}

export const backendName = (
  id: string,
  { scope, variant, arm }: { readonly scope: string; readonly variant: number; readonly arm: string },
  { address, port }: { readonly address: string; readonly port: number },
): string => `${id} ${scope} ${variant} ${arm} ${endpointName(address, port)}`;

export const changesTo = (state: State): Change[] => [...state].map(([id, want]) => ({ id, want }));

export const countWrites = (transaction: Transaction): number =>
  Object.values(transaction).reduce((sum, part) => sum + part.length, 0);

/** The routing is exactly what the state wants: no address or client more, no share else. */
export const expectRoutes = (fake: FakeDataplane, state: State): void => {
  const routes = fake.routes();
  const wanted = new Set<string>();
  for (const port of state.values()) {
    for (const group of port?.groups ?? []) {
      for (const address of group.addresses) {
        const { protocol } = port as DesiredPort;
        const client = group.client && { client: group.client.cgroup };
        const key = frontendKey({ address, port: group.port, protocol, ...client });
        wanted.add(key);
        expect(routes.get(key), key).toBeDefined();
        expectRoute(routes.get(key) as Route, port as DesiredPort, group);
      }
    }
  }
  for (const [id, port] of state) {
    for (const address of port?.closed ?? []) {
      const key = frontendKey({ address, ...CLOSING });
      wanted.add(key);
      expect(routes.get(key), key).toMatchObject({ service: identityKey(identityOf(id)), shares: new Map() });
    }
  }
  expect([...routes.keys()].sort()).toEqual([...wanted].sort());
};

const expectRoute = (route: Route, port: DesiredPort, group: DesiredGroup): void => {
  const { id, affinityTimeoutS, choice, measured: isMeasured = false } = port;
  const { scope, variant, client, arms, endpoints } = group;
  expect(route).toMatchObject({ service: identityKey(identityOf(id)), affinityTimeoutS, isMeasured });
  expect(isSameChoice(route.choice, choice)).toBe(true);
  expect(route.kept).toEqual({ scope, ...(variant !== undefined && { variant }) });
  expect(route.clientLevels).toBe(client === undefined ? levelsAt(port, group) : 0);
  if (arms === undefined) expectShares(route.shares, endpoints);
  else expectArms(route, id, group, arms);
};

const expectArms = (route: Route, id: string, group: DesiredGroup, arms: readonly DesiredArm[]): void => {
  const total = arms.reduce((sum, { weight }) => sum + weight, 0);
  expect(route.arms?.length ?? 0).toBe(arms.length);
  for (const [at, arm] of arms.entries()) {
    const held = route.arms?.[at] as RouteArm;
    expect(held.service).toBe(identityKey(identityOf(armName(id, group, arm))));
    expect(isSameChoice(held.choice, arm.choice)).toBe(true);
    expect(Math.abs(held.share - arm.weight / total)).toBeLessThanOrEqual(arms.length * 2 ** -31);
    expectShares(held.shares, arm.endpoints, held.share);
  }
};

const armName = (id: string, { family, scope, variant }: DesiredGroup, arm: DesiredArm): string => {
  const name = variant === undefined ? `${id}>${arm.id}` : `${id}>${arm.id}>${variant}`;
  return arm.endpoints.length > 0 ? name : `${name}!${family}!${scope}`;
};

const levelsAt = ({ groups }: DesiredPort, { addresses, port }: DesiredGroup): number =>
  groups
    .filter((group) => group.port === port && group.addresses.some((address) => addresses.includes(address)))
    .reduce((levels, { client }) => levels | (client === undefined ? 0 : 1 << client.level), 0);

/** Each share is off by less than one random number in 2^32 for each column. */
export const expectShares = (
  shares: ReadonlyMap<string, number>,
  endpoints: readonly { readonly address: string; readonly port: number; readonly weight: number }[],
  whole = 1,
): void => {
  const total = endpoints.reduce((sum, endpoint) => sum + endpoint.weight, 0);
  expect(shares.size).toBe(endpoints.length);
  for (const { address, port, weight } of endpoints) {
    const share = shares.get(endpointName(address, port)) ?? Number.NaN;
    expect(Math.abs(share - (whole * weight) / total)).toBeLessThanOrEqual(endpoints.length * 2 ** -31);
  }
};

/** A port with one IPv4 group; endpoints are `last byte of 10.1.0.x: weight`, all at port 8080. */
export const portOf = (
  id: string,
  addresses: readonly string[],
  endpoints: Readonly<Record<number, number>>,
  affinityTimeoutS = 0,
): DesiredPort => portWith(id, [groupOf(addresses, endpoints)], { affinityTimeoutS });

/** Sizes of the parts of a transaction that are not empty. */
export const partsIn = (transaction: Transaction): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(transaction)
      .map(([part, writes]) => [part, writes.length] as const)
      .filter(([, size]) => size > 0),
  );
