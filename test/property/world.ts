import { expect } from 'vitest';
import type { DesiredPort } from '../../src/core/model/desired.ts';
import { shares } from '../../src/core/plan/alias.ts';
import { CLOSING, frontendKey, grown, type Have, release, sealRetired } from '../../src/core/plan/have.ts';
import { identityKey, identityOf } from '../../src/core/plan/identity.ts';
import { type Change, committed, isShortage, type Plan, plan, sweep } from '../../src/core/plan/plan.ts';
import { HEADER_SLOTS } from '../../src/core/plan/range.ts';
import { readHave } from '../../src/core/plan/read.ts';
import type { BackendWrite, Capacity, Transaction } from '../../src/core/plan/transaction.ts';
import { endpointName } from '../../src/dataplane/fake/routes.ts';
import { FakeDataplane } from '../../src/dataplane/fake.ts';

/** What a cluster may want at one moment, by port id; undefined: no such port. */
export type State = ReadonlyMap<string, DesiredPort | undefined>;

/** A dataplane and what an agent knows about it. */
export class World {
  readonly fake: FakeDataplane;
  have: Have;

  constructor(capacity: Capacity) {
    this.fake = new FakeDataplane(capacity);
    this.have = readHave(this.fake.tables);
  }

  static async create(capacity: Capacity = { frontends: 64, slots: 256, backends: 128, services: 16 }): Promise<World> {
    const world = new World(capacity);
    await world.settle();
    return world;
  }

  /** As an agent does it: plan, grow when short of room, apply, commit. Returns what was written. */
  async reach(changes: readonly Change[]): Promise<Transaction> {
    for (;;) {
      const result = plan(this.have, changes);
      if (!isShortage(result)) return this.carryOut(result);
      await this.settle();
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

  /** The backend record of each endpoint of each scope of each port, by `port-id scope address:port`. */
  backends(): Map<string, BackendWrite> {
    const { tables, ports } = this.have;
    const result = new Map<string, BackendWrite>();
    for (const [id, port] of ports) {
      for (const { slotBase, slotCount, scope } of port.frontends) {
        if (slotCount === 0) continue;
        for (const index of shares(tables.slots(slotBase + HEADER_SLOTS, slotCount), 0, slotCount).keys()) {
          const backend = tables.backend(index);
          result.set(`${id} ${scope} ${endpointName(backend.address, backend.port)}`, backend);
        }
      }
    }
    return result;
  }
}

export const changesTo = (state: State): Change[] => [...state].map(([id, want]) => ({ id, want }));

export const countWrites = (transaction: Transaction): number =>
  Object.values(transaction).reduce((sum, part) => sum + part.length, 0);

/** The routing is exactly what the state wants: no address more, no share else. */
export const expectRoutes = (fake: FakeDataplane, state: State): void => {
  const routes = fake.routes();
  const wanted = new Set<string>();
  for (const [id, port] of state) {
    for (const group of port?.groups ?? []) {
      for (const address of group.addresses) {
        const { protocol, affinityTimeoutS } = port as DesiredPort;
        const key = frontendKey({ address, port: group.port, protocol });
        wanted.add(key);
        expect(routes.get(key), key).toMatchObject({ service: identityKey(identityOf(id)), affinityTimeoutS });
        expectShares(routes.get(key)?.shares ?? new Map(), group.endpoints);
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

/** Each share is off by less than one random number in 2^32 for each column. */
export const expectShares = (
  shares: ReadonlyMap<string, number>,
  endpoints: readonly { readonly address: string; readonly port: number; readonly weight: number }[],
): void => {
  const total = endpoints.reduce((sum, endpoint) => sum + endpoint.weight, 0);
  expect(shares.size).toBe(endpoints.length);
  for (const { address, port, weight } of endpoints) {
    const share = shares.get(endpointName(address, port)) ?? Number.NaN;
    expect(Math.abs(share - weight / total)).toBeLessThanOrEqual(endpoints.length * 2 ** -31);
  }
};

/** A port with one IPv4 group; endpoints are `last byte of 10.1.0.x: weight`, all at port 8080. */
export const portOf = (
  id: string,
  addresses: readonly string[],
  endpoints: Readonly<Record<number, number>>,
  affinityTimeoutS = 0,
): DesiredPort => ({
  id,
  protocol: 'TCP',
  port: 80,
  affinityTimeoutS,
  groups: [
    {
      family: 4,
      kind: 'cluster',
      port: 80,
      addresses,
      scope: 'cluster',
      endpoints: Object.entries(endpoints).map(([byte, weight]) => ({ address: `10.1.0.${byte}`, port: 8080, weight })),
    },
  ],
  closed: [],
});
