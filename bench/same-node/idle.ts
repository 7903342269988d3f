import type { Conversation } from '../conversation.ts';
import { pause, type RedirectedPair } from './pods.ts';

/** A connection over IPv6 on which nothing is ever said. As long as it may be joined, reads of all sockets are watched. */
export class Idle {
  readonly #pair: RedirectedPair;
  readonly #client: Conversation;

  constructor(pair: RedirectedPair, client: Conversation) {
    this.#pair = pair;
    this.#client = client;
  }

  /** Anew: what a connection is depends on who took part when it was made. Resolves when reads are watched. */
  async connect(): Promise<void> {
    await this.#client.ask('again');
    for (let tries = 0; !this.#pair.isWatching(); tries++) {
      if (tries === TRIES_MAX) throw new Error('reads are not watched');
      await pause(STEP_MS);
    }
  }
}

export const startIdle = async (pair: RedirectedPair, port: number, cleanup: AsyncDisposableStack): Promise<Idle> => {
  const start = (pod: typeof pair.client, script: string): Conversation =>
    cleanup.use(pair.start(pod, [process.execPath, '-e', script]));
  await start(pair.server, serve(port)).read();
  return new Idle(pair, start(pair.client, ask(port, pair.server.address6)));
};

const serve = (port: number): string => `
  require('net').createServer().listen(${port}, () => console.log('ready'));
  process.stdin.resume().on('end', () => process.exit());
`;

const ask = (port: number, address: string): string => `
  let socket;
  process.stdin.on('data', () => {
    socket?.destroy();
    socket = require('net').connect(${port}, '${address}', () => console.log('ready'));
  }).on('end', () => process.exit());
`;

const STEP_MS = 20;
const TRIES_MAX = 100;
