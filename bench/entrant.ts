import { availableParallelism } from 'node:os';
import type { Contender, Path } from './contender.ts';
import type { Conversation } from './conversation.ts';
import { generateServices } from './generate.ts';
import { type BenchNode, createBenchNode } from './node.ts';
import { LOAD } from './programs.ts';

/** A contender that is set up, with a client that waits for its turns. */
export interface Entrant {
  readonly name: string;
  readonly programmedMs: number | undefined;
  readonly cgroup: string;
  /** Opens connections to Services in turn; fails when one of them does. */
  readonly connect: {
    /** One after the other: a latency is all the work that a connection makes, on both sides. */
    inTurn(connects: number): Promise<Sample>;
    /** From several threads. */
    burst(connects: number, threads: number): Promise<Sample>;
    /** Opens so many and keeps them. */
    hold(connects: number): Promise<void>;
  };
}

/** What bench/load.c prints; latencies in microseconds. */
export interface Sample {
  readonly perSecond: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

export interface Race {
  readonly path: Path;
  readonly services: number;
  readonly endpointsPerService: number;
}

/** Sets the contenders up beside each other, all with the same Services. What they take is given back by `cleanup`. */
export const enter = async (
  contenders: readonly Contender[],
  race: Race,
  cleanup: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Entrant[]> => {
  const services = generateServices({ ...race, firstEndpoint: FIRST_ENDPOINT });
  const shared = await addNode('shared', cleanup);
  const entrants: Entrant[] = [];
  for (const [index, contender] of contenders.entries()) {
    signal.throwIfAborted();
    const node = contender.ownNode ? await addNode(`own${index}`, cleanup) : shared;
    const cgroup = await node.addCgroup(`client${index}`);
    const prepared = cleanup.use(await contender.setUp({ node, cgroup, services }));
    const targets = spread(services, TARGET_SERVICES_MAX).flatMap((service) => prepared.addressesOf(service));
    const place = { in: race.path === 'pods' ? ('client' as const) : ('server' as const), cgroup };
    const client = cleanup.use(node.start(place, [LOAD, 'connect', ...targets]));
    entrants.push({
      name: contender.name,
      programmedMs: prepared.programmedMs,
      cgroup,
      connect: {
        inTurn: (connects) => ask(client, `${connects} 1 ${SERVER_CPU}`),
        burst: (connects, threads) => ask(client, `${connects} ${threads} ${BURST_CPU}`),
        hold: (connects) => client.ask(`hold ${connects}`).then(() => undefined),
      },
    });
  }
  return entrants;
};

/** In ENDPOINT_NETWORK. */
const FIRST_ENDPOINT = '10.245.0.1';
const SERVER_PORT = 8080;
/**
 * Services that the client takes in turn, spread evenly over all: their mean place in a list is the middle. As many at
 * each size, so that only the number of Services that there are differs, not the number that are asked.
 */
const TARGET_SERVICES_MAX = 10;
/**
 * One after the other, client and server share a CPU: waking another one costs more than the differences to be seen, and
 * varies with the machine. In bursts the client has the other CPU for itself, if there is one.
 */
const SERVER_CPU = availableParallelism() - 1;
const BURST_CPU = 0;

const addNode = async (name: string, cleanup: AsyncDisposableStack): Promise<BenchNode> => {
  const node = cleanup.use(await createBenchNode(name));
  const command = ['taskset', '-c', String(SERVER_CPU), LOAD, 'serve', '0.0.0.0', String(SERVER_PORT)];
  const server = cleanup.use(node.start({ in: 'server' }, command));
  await server.read(); // "ready"
  return node;
};

const ask = async (client: Conversation, command: string): Promise<Sample> =>
  JSON.parse(await client.ask(command)) as Sample;

const spread = <T>(items: readonly T[], count: number): T[] => {
  const step = Math.max(1, items.length / count);
  const places = Array.from({ length: Math.min(count, items.length) }, (_, index) => Math.floor((index + 0.5) * step));
  return places.map((place) => items[place] as T);
};
