import type { Conversation } from '../conversation.ts';
import { STREAM } from '../programs.ts';
import type { Pair } from './pods.ts';

/** A client of bench/same-node/stream.c, which says what the commands do. */
export class Stream implements AsyncDisposable {
  readonly #program: Conversation;

  constructor(program: Conversation) {
    this.#program = program;
  }

  async connect(): Promise<void> {
    await this.#ask('connect');
  }

  /** Mean time of a request, in microseconds. */
  async requests(sizeBytes: number, count: number): Promise<number> {
    return (await this.#ask<{ readonly us: number }>(`requests ${sizeBytes} ${count}`)).us;
  }

  /** Gb/s. */
  async bulk(writeBytes: number, bytes: number): Promise<number> {
    const { us } = await this.#ask<{ readonly us: number }>(`bulk ${writeBytes} ${bytes}`);
    return (bytes * 8) / us / 1000;
  }

  /** How many bytes a sender gets rid of whose peer does not read. */
  async fill(writeBytes: number): Promise<number> {
    return (await this.#ask<{ readonly bytes: number }>(`fill ${writeBytes}`)).bytes;
  }

  async hold(connections: number): Promise<void> {
    await this.#ask(`hold ${connections}`);
  }

  async touch(requests: number): Promise<void> {
    await this.#ask(`touch ${requests}`);
  }

  async close(): Promise<void> {
    await this.#ask('close');
  }

  async #ask<T>(command: string): Promise<T> {
    return JSON.parse(await this.#program.ask(command)) as T;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#program[Symbol.asyncDispose]();
  }
}

/** On which client and server run. */
export interface Cpus {
  readonly client: number;
  readonly server: number;
}

export interface StreamPlan {
  readonly port: number;
  readonly cpus: Cpus;
  readonly blocks?: { readonly client: boolean; readonly server: boolean };
  /** What the client connects to, if not the server itself. */
  readonly target?: string;
}

/** A server and a client of it in two Pods. */
export const startStream = async (pair: Pair, plan: StreamPlan, cleanup: AsyncDisposableStack): Promise<Stream> => {
  const { port, cpus, blocks, target = `${pair.server.address4}:${port}` } = plan;
  const run = (role: 'client' | 'server', ...args: string[]) => {
    const command = [...pinnedTo(cpus[role]), STREAM, ...args, ...(blocks?.[role] ? ['blocking'] : [])];
    return cleanup.use(pair.start(pair[role], command));
  };
  await run('server', 'serve', `0.0.0.0:${port}`).read(); // "ready"
  return new Stream(run('client', 'ask', target));
};

/** Two processes with a pair of UNIX sockets. */
export const startUnixPair = (pair: Pair, { client, server }: Cpus, cleanup: AsyncDisposableStack): Stream =>
  new Stream(cleanup.use(pair.start(pair.client, [STREAM, 'pair', String(client), String(server)])));

export const pinnedTo = (cpu: number): string[] => ['taskset', '-c', String(cpu)];
