import { applyEvents, createCluster, inputFor } from '../../src/core/cluster.ts';
import { desire } from '../../src/core/desire/desire.ts';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { partsOf } from '../../src/core/plan/answer.ts';
import { CLOSING, isLive } from '../../src/core/plan/have.ts';
import type { FrontendWrite, TableReader } from '../../src/core/plan/transaction.ts';
import { MAP_NAMES, type MapName, mapMemories } from '../../src/dataplane/kernel/load.ts';
import { isOurLayout, listSets } from '../../src/dataplane/kernel/pins.ts';
import { createTableReader, MAPPED_TABLES, type Memories } from '../../src/dataplane/kernel/tables.ts';
import { BpfMap } from '../../src/native/map.ts';
import { unmapMemory } from '../../src/native/memory.ts';
import { OUR_NODE } from './objects.ts';

/** The tables that are pinned, seen from beside the agent: for a look at what it wrote, or to damage it. */
export interface PinnedTables extends Disposable {
  readonly tables: TableReader;
  readonly frontends: BpfMap;
  readonly memory: Memories;
}

export const openPinnedTables = (bpfRoot: string): PinnedTables => {
  const set = listSets(bpfRoot).find(isOurLayout);
  if (set === undefined) throw new Error(`no tables are pinned at ${bpfRoot}`);
  const maps = Object.fromEntries(MAP_NAMES.map((name) => [name, BpfMap.openPinned(`${set.path}/${name}`)])) as Record<
    MapName,
    BpfMap
  >;
  const memory = mapMemories(maps, MAPPED_TABLES);
  return {
    tables: createTableReader(maps.frontends, memory),
    frontends: maps.frontends,
    memory,
    [Symbol.dispose]: () => {
      for (const { bytes } of Object.values(memory)) unmapMemory(bytes.buffer as ArrayBuffer);
      for (const map of Object.values(maps)) map.close();
    },
  };
};

/**
 * Everything that the pinned tables say, one line for each frontend, and how many records are in use: two states that
 * route alike but keep different records are not the same.
 */
export const heldLines = (bpfRoot: string): readonly string[] => {
  using pinned = openPinnedTables(bpfRoot);
  const { tables } = pinned;
  const live = (count: number, generation: (index: number) => number): number =>
    Array.from({ length: count }, (_, index) => generation(index)).filter(isLive).length;
  return [
    ...Array.from(tables.frontends(), (frontend) => frontendLine(tables, frontend)).sort(),
    `backends in use: ${live(tables.capacity.backends, tables.backendGeneration)}`,
    `services in use: ${live(tables.capacity.services, tables.serviceGeneration)}`,
  ];
};

const frontendLine = (tables: TableReader, frontend: FrontendWrite): string => {
  const answers = partsOf(tables, frontend).flatMap(({ backends }) =>
    Array.from(backends, ([index, share]) => {
      const { address, port, weight, generation, service: owner } = tables.backend(index);
      const sound = isLive(generation) && owner === frontend.service;
      return sound ? answer(address, port, weight, share) : `backend ${index} of another Service`;
    }),
  );
  return line(frontend, tables.service(frontend.service).affinityTimeoutS, answers);
};

/** The same lines for what the objects ask for, without any table: the state that a repair must come to. */
export const wantedLines = (objects: readonly ClusterObject[]): readonly string[] => {
  const cluster = createCluster();
  applyEvents(
    cluster,
    objects.map((object) => ({ type: 'put', object })),
  );
  const ports = [...cluster.services.keys()].flatMap((key) => {
    const input = inputFor(cluster, key);
    return input === undefined ? [] : desire({ ...input, node: OUR_NODE }).ports;
  });
  const groups = ports.flatMap((port) =>
    port.groups.filter(({ addresses }) => addresses.length > 0).map((group) => ({ port, group })),
  );
  const lines = groups.flatMap(({ port: { protocol, affinityTimeoutS }, group: { addresses, port, endpoints } }) => {
    const total = endpoints.reduce((sum, { weight }) => sum + weight, 0);
    const answers = endpoints.map((each) => answer(each.address, each.port, each.weight, each.weight / total));
    return addresses.map((address) => line({ address, port, protocol }, affinityTimeoutS, answers));
  });
  const closed = ports.flatMap((port) =>
    port.closed.map((address) => line({ address, ...CLOSING }, port.affinityTimeoutS, [])),
  );
  return [
    ...[...lines, ...closed].sort(),
    `backends in use: ${groups.reduce((sum, { group }) => sum + group.endpoints.length, 0)}`,
    `services in use: ${new Set(groups.map(({ port }) => port.id)).size}`,
  ];
};

const line = (
  { address, port, protocol }: Pick<FrontendWrite, 'address' | 'port' | 'protocol'>,
  affinityTimeoutS: number,
  answers: readonly string[],
): string =>
  `${address} ${port}/${protocol} for ${affinityTimeoutS} s -> ${[...answers].sort().join(', ') || 'refused'}`;

/** Shares of the alias table are exact to 2^-32. */
const answer = (address: string, port: number, weight: number, share: number): string =>
  `${address} ${port} weight ${weight} share ${share.toFixed(6)}`;
