import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { SLOT_WORDS } from '../../src/core/plan/alias.ts';
import type { Transaction } from '../../src/core/plan/transaction.ts';
import type { Dataplane } from '../../src/dataplane/dataplane.ts';
import { openKernel } from '../../src/dataplane/kernel/kernel.ts';
import { NAMESPACES } from '../../src/demo/namespace.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import { endpoint, policy, service, slice } from '../helpers/objects.ts';
import { heldLines, wantedLines } from '../helpers/pinned-tables.ts';
import { RunningAgent, startAgent } from '../helpers/running-agent.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';

const CAPACITY = { frontends: 64, slots: 64, backends: 64, services: 64 };
const ADDRESSES = ['10.96.0.1', '10.96.0.2', '10.96.0.3', '10.96.0.4'] as const;
const [ONE, MOVED, GONE, NEW] = ADDRESSES;

let node: EmbeddedNode;
let client: SocketShell;
/** By name of the server. */
const addresses = new Map<string, string>();

beforeAll(async () => {
  node = await createNode({ name: 'cut' });
  client = await openShell(await node.addPod('client'));
  for (const name of ['one', 'two', 'gone', 'new']) {
    const pod = await node.addPod(name);
    addresses.set(name, pod.address4);
    const shell = await openShell(pod);
    for (const port of [8081, 8082, 8083]) await shell.serve('tcp', '*', port, name);
  }
});

afterAll(() => node?.close());

test('an update that is cut after any of its stores leaves every connection right, and the next start completes it', async () => {
  const [before, after] = [objectsBefore(), objectsAfter()];
  let cuts = 0;
  for (; ; cuts++) {
    const first = await startAgent(node, { objects: before });
    await first.stop();
    expect(heldLines(node.bpfRoot)).toEqual(wantedLines(before));

    const isCut = await dieAfter(cuts, after);
    const trace = `after ${cuts} stores`;
    expect(await answers(ONE), trace).toEqual(['one']);
    expect(['new', 'two'], trace).toEqual(expect.arrayContaining(await answers(MOVED)));
    expect(['EHOSTUNREACH', 'gone'], trace).toEqual(expect.arrayContaining(await answers(GONE)));
    expect(['EHOSTUNREACH', 'new'], trace).toEqual(expect.arrayContaining(await answers(NEW)));

    const next = await startAgent(node, { objects: after });
    await next.stop();
    expect(heldLines(node.bpfRoot), trace).toEqual(wantedLines(after));
    if (!isCut) break;
  }
  // Every kind of step: records, weights, slots, frontends put and deleted, records retired.
  expect(cuts).toBeGreaterThan(15);
});

/** Endpoints and weights change, an address moves to another Service, one Service goes and one comes. */
const objectsBefore = (): readonly ClusterObject[] => [
  ...serviceOf('one', [ONE], { 8081: 1, 8082: 2 }),
  ...serviceOf('two', [MOVED], { 8081: 1, 8082: 1 }),
  ...serviceOf('gone', [GONE], { 8081: 1 }),
];

const objectsAfter = (): readonly ClusterObject[] => [
  ...serviceOf('one', [ONE], { 8082: 5, 8083: 7 }),
  ...serviceOf('new', [MOVED, NEW], { 8081: 3, 8082: 1, 8083: 1 }),
];

const serviceOf = (
  name: string,
  clusterIPs: readonly string[],
  weights: Readonly<Record<number, number>>,
): readonly ClusterObject[] => {
  const ports = Object.entries(weights).map(([port, weight]) => ({ port: Number(port), weight }));
  return [
    service({ name, clusterIPs }),
    ...ports.map(({ port }) =>
      slice([endpoint(addresses.get(name) as string, { pod: `${name}-${port}` })], {
        name: `${name}-${port}`,
        service: name,
        ports: [{ name: 'http', protocol: 'TCP', port }],
      }),
    ),
    policy(
      ports.map(({ port, weight }) => ({ pod: `${name}-${port}`, weight })),
      { name, services: [name] },
    ),
  ];
};

/** Everybody who answers there. */
const answers = async (address: string): Promise<string[]> => {
  const { by, errors } = await client.hammer('tcp', address, 80, { count: 60, threads: 2, reset: true });
  return [...Object.keys(by), ...Object.keys(errors)].sort();
};

class Died extends Error {}

/** An agent that ends after so many stores; false when it did not come to that many. */
const dieAfter = async (stores: number, objects: readonly ClusterObject[]): Promise<boolean> => {
  const kernel = await openKernel({
    cgroup: node.cgroup,
    bpfRoot: node.bpfRoot,
    netns: NAMESPACES,
    connections: 1024,
    capacity: CAPACITY,
  });
  const agent = new RunningAgent(mortal(kernel, stores), {});
  try {
    await agent.start(objects);
    return false;
  } catch (error) {
    if (error instanceof Died) return true;
    throw error;
  } finally {
    await agent.stop();
  }
};

/** A dataplane that carries out so many stores and nothing after them. */
const mortal = (dataplane: Dataplane, stores: number): Dataplane => {
  let left = stores;
  return {
    get tables() {
      return dataplane.tables;
    },
    get stats() {
      return dataplane.stats;
    },
    get hasCounted() {
      return dataplane.hasCounted;
    },
    events: dataplane.events,
    apply: (transaction) => {
      const size = storesOf(transaction);
      dataplane.apply(firstStores(transaction, left));
      left -= size;
      if (left < 0) throw new Died();
    },
    grace: () => dataplane.grace(),
    clearStats: (records) => dataplane.clearStats(records),
    grow: (capacity) => dataplane.grow(capacity),
    activate: () => dataplane.activate(),
    lostPrograms: () => dataplane.lostPrograms(),
    detachedPrograms: () => dataplane.detachedPrograms(),
    programRuns: () => dataplane.programRuns(),
    socketEnding: dataplane.socketEnding,
    staleSockets: () => dataplane.staleSockets(),
    endSockets: (sockets) => dataplane.endSockets(sockets),
    close: () => dataplane.close(),
  };
};

const storesOf = (transaction: Transaction): number => {
  const { slots, ...rest } = transaction;
  const words = slots.reduce((sum, write) => sum + write.words.length, 0);
  return words / SLOT_WORDS + Object.values(rest).reduce((sum, writes) => sum + writes.length, 0);
};

/** The fields of a transaction are carried out in their order; a table of slots is several stores. */
const firstStores = (transaction: Transaction, count: number): Transaction => {
  let left = Math.max(0, count);
  const take = <T>(writes: readonly T[]): readonly T[] => {
    const taken = writes.slice(0, left);
    left -= taken.length;
    return taken;
  };
  const { backends, weights, services, slots, frontends } = transaction;
  const { frontendDeletes, retiredBackends, retiredServices } = transaction;
  const single = slots.flatMap(({ base, words }) =>
    Array.from({ length: words.length / SLOT_WORDS }, (_, at) => ({
      base: base + at,
      words: words.slice(at * SLOT_WORDS, (at + 1) * SLOT_WORDS),
    })),
  );
  return {
    backends: take(backends),
    weights: take(weights),
    services: take(services),
    slots: take(single),
    frontends: take(frontends),
    frontendDeletes: take(frontendDeletes),
    retiredBackends: take(retiredBackends),
    retiredServices: take(retiredServices),
  };
};
