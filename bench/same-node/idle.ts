import type { Pod } from '../../src/demo/pod.ts';
import type { Conversation } from '../conversation.ts';
import { type RedirectedPair, untilWatching } from './pods.ts';

/** A connection over IPv6 on which nothing is ever said. As long as it may be joined, reads of all sockets are watched. */
export interface Idle {
  /** Anew: what a connection is depends on who took part when it was made. Resolves when reads are watched. */
  connect(): Promise<void>;
}

export const startIdle = async (pair: RedirectedPair, port: number, cleanup: AsyncDisposableStack): Promise<Idle> => {
  const start = (pod: Pod, script: string): Conversation =>
    cleanup.use(pair.start(pod, [process.execPath, '-e', script]));
  await start(pair.server, serve(port)).read();
  const client = start(pair.client, ask(port, pair.server.address6));
  return {
    connect: async () => {
      await client.ask('again');
      await untilWatching(pair);
    },
  };
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
