import { createClaims, settle, stake } from '../src/core/claims.ts';
import { applyEvents, type Cluster, type ClusterEvent, createCluster, inputFor } from '../src/core/cluster.ts';
import { desire } from '../src/core/desire/desire.ts';
import type { Algorithm } from '../src/core/model/objects.ts';
import { release, sealRetired } from '../src/core/plan/have.ts';
import { lookupSizeFor } from '../src/core/plan/maglev.ts';
import { type Change, committed, isShortage, type Plan, plan } from '../src/core/plan/plan.ts';
import { HEADER_SLOTS, lookupSlots } from '../src/core/plan/range.ts';
import { readHave } from '../src/core/plan/read.ts';
import type { Capacity } from '../src/core/plan/transaction.ts';
import type { Dataplane } from '../src/dataplane/dataplane.ts';
import { type ClusterSize, type GeneratedService, serviceObject, sliceObjects } from './generate.ts';

/** The steps of the agent without its timers: cluster -> desired -> plan -> tables. */
export interface Control {
  readonly cluster: Cluster;
  /** Takes events into the cluster and returns what has to change for them. */
  desire(events: readonly ClusterEvent[]): Change[];
  /** Fails when the tables are too small: benchmarks make them large enough. */
  plan(changes: readonly Change[]): Plan;
  write(plan: Plan): void;
  /** Waits until no program reads what was retired, and makes its room free again. */
  giveBack(): Promise<void>;
}

export const createControl = async (dataplane: Dataplane): Promise<Control> => {
  const cluster = createCluster();
  const claims = createClaims(NODE);
  const have = readHave(dataplane.tables);

  const desiredChanges = (key: string): Change[] => {
    const input = inputFor(cluster, key);
    if (input === undefined) throw new Error(`no Service ${key}`);
    stake(claims, key, input.service);
    const { ports } = settle(claims, input.service, desire({ ...input, node: NODE }).ports);
    return ports.map((want) => ({ id: want.id, want }));
  };
  const control: Control = {
    cluster,

    desire: (events) => [...applyEvents(cluster, events)].flatMap(desiredChanges),
    plan: (changes) => {
      const planned = plan(have, changes);
      if (isShortage(planned)) throw new Error(`tables too small: ${JSON.stringify(planned.need)}`);
      return planned;
    },
    write: (planned) => {
      dataplane.apply(planned.transaction);
      committed(have, planned);
    },
    giveBack: async () => {
      const sealed = sealRetired(have);
      await dataplane.grace();
      dataplane.clearStats(release(have, sealed));
    },
  };
  await control.giveBack();
  return control;
};

/** What a source tells first: everything that exists. */
export const eventsOf = (services: readonly GeneratedService[]): ClusterEvent[] =>
  services.flatMap((service) =>
    [serviceObject(service), ...sliceObjects(service)].map((object) => ({ type: 'put' as const, object })),
  );

/** Plans and writes so many ports at a time that a transaction stays small beside the tables. */
export const portionsOf = (changes: readonly Change[]): Change[][] =>
  Array.from({ length: Math.ceil(changes.length / PORTS_PER_TRANSACTION) }, (_, portion) =>
    changes.slice(portion * PORTS_PER_TRANSACTION, (portion + 1) * PORTS_PER_TRANSACTION),
  );

/** Room for that many, and as much again for what waits to be given back. */
export const capacityFor = ({
  services,
  endpointsPerService,
  algorithm,
}: ClusterSize & { readonly algorithm?: Algorithm }): Capacity => ({
  frontends: services * 2,
  slots: services * slotsFor(endpointsPerService, algorithm) * 2,
  backends: services * endpointsPerService * 2,
  services: services * 2,
});

const slotsFor = (endpoints: number, algorithm: Algorithm | undefined): number =>
  HEADER_SLOTS + endpoints + (algorithm === 'Maglev' ? lookupSlots(lookupSizeFor(endpoints)) : 0);

const PORTS_PER_TRANSACTION = 500;
const NODE = { name: '', proxyName: '', externalIPs: false, zone: '', addresses: [] };
