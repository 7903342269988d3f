import type { Conversation } from './conversation.ts';
import { type BenchNode, ENDPOINT_NETWORK } from './node.ts';
import { REQUESTS } from './programs.ts';

export const SERVER_PORT = 8080;
/** In ENDPOINT_NETWORK, as are the addresses that clients leave from. */
export const FIRST_SERVER = '10.245.0.1';
export const FIRST_SOURCE = '10.245.128.1';
export const SOURCES_MAX = 32_000;

export interface ServerPlan {
  readonly address: string;
  /** What a request takes. */
  readonly serviceUs: number;
  /** Requests that are served at a time; others wait. */
  readonly workers: number;
}

/** Servers of bench/requests.c in the server's namespace of a node, which end with it. */
export const startServers = async (
  node: BenchNode,
  plans: readonly ServerPlan[],
  cleanup: AsyncDisposableStack,
): Promise<void> => {
  const servers = plans.map(({ address, serviceUs, workers }) => [address, SERVER_PORT, serviceUs, workers].join(':'));
  const program = cleanup.use(node.start({ in: 'server' }, [REQUESTS, 'serve', ...servers]));
  await program.read(); // "ready"
};

/** Clients of one Service that run in a cgroup, each with one request at a time. */
export class Requests implements AsyncDisposable {
  readonly #program: Conversation;

  constructor(program: Conversation) {
    this.#program = program;
  }

  /** So many clients for so long. A request that fails ends the benchmark. */
  run(clients: number, ms: number): Promise<RunSample> {
    return this.#ask(`run ${clients} ${ms}`);
  }

  /** In the background, until they are stopped. */
  async start(clients: number): Promise<void> {
    await this.#ask(`start ${clients}`);
  }

  /** How many of the next requests, of those that begin from now on, each server answered: by its address. */
  async window(requests: number): Promise<ReadonlyMap<string, number>> {
    const { by } = await this.#ask<{ readonly by: Readonly<Record<string, number>> }>(`window ${requests}`);
    const network = ENDPOINT_NETWORK.split('.').slice(0, 2).join('.');
    return new Map(Object.entries(by).map(([end, count]) => [`${network}.${end}`, count]));
  }

  stop(): Promise<{ readonly requests: number; readonly failed: number; readonly error: string }> {
    return this.#ask('stop');
  }

  /** Who answers the one request that each of so many addresses sends, in their order. */
  async answersTo(sources: number): Promise<readonly string[]> {
    const { answers } = await this.#ask<{ readonly answers: readonly string[] }>(`sources ${FIRST_SOURCE} ${sources}`);
    return answers;
  }

  async #ask<T>(command: string): Promise<T> {
    return JSON.parse(await this.#program.ask(command)) as T;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#program[Symbol.asyncDispose]();
  }
}

/** Times in microseconds, by quantile. */
export interface RunSample {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p75: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
}

export const startRequests = (node: BenchNode, where: Parameters<BenchNode['start']>[0], target: string): Requests =>
  new Requests(node.start(where, [REQUESTS, 'ask', target]));
