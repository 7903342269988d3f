import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Pod } from '../../src/demo/pod.ts';
import { median, seededRandom, shuffled } from '../statistics.ts';
import { addPair, addRedirectedPair, type Pair, pause, tendAlways } from './pods.ts';
import type { SameNodeSettings, SameNodeStalled } from './results.ts';
import { PLAIN, REDIRECTED, untilRedirected } from './speed.ts';
import { type Stream, startStream } from './stream.ts';

/**
 * How much a sender gets rid of while its peer does not read, and how much memory that takes, as the kernel counts it for both
 * sockets. Each time on a new connection: what one was used for before, its buffers remember.
 */
export const measureStalled = async (settings: SameNodeSettings, signal: AbortSignal): Promise<SameNodeStalled[]> => {
  await using cleanup = new AsyncDisposableStack();
  const redirected = await addRedirectedPair('stalled', cleanup);
  const plain = await addPair('plain', cleanup);
  await redirected.set('redirect');
  cleanup.use(tendAlways(redirected.sameNode));
  const plan = { port: 9200, cpus: { client: 0, server: 1 } };
  const streams = [
    { name: PLAIN, pair: plain, stream: await startStream(plain, plan, cleanup), settle: settlePlain },
    {
      name: REDIRECTED,
      pair: redirected as Pair,
      stream: await startStream(redirected, plan, cleanup),
      settle: (stream: Stream) => untilRedirected(redirected, stream),
    },
  ];
  const random = seededRandom(settings.seed);
  const results: SameNodeStalled[] = [];
  for (const grown of [false, true]) {
    for (const writeBytes of WRITE_BYTES) {
      const trials = new Map(streams.map(({ name }) => [name, [] as Trial[]]));
      for (let turn = 0; turn < TRIALS; turn++) {
        for (const { name, pair, stream, settle } of shuffled(streams, random)) {
          signal.throwIfAborted();
          await stream.connect();
          await settle(stream);
          if (grown) await stream.bulk(GROWING_WRITE_BYTES, GROWING_BYTES);
          trials.get(name)?.push(await stall(pair, stream, writeBytes));
        }
      }
      const contenders = [...trials].map(([name, all]) => ({
        name,
        acceptedBytes: median(all.map(({ acceptedBytes }) => acceptedBytes)),
        memoryBytes: median(all.map(({ memoryBytes }) => memoryBytes)),
      }));
      results.push({ writeBytes, grown, contenders });
    }
  }
  return results;
};

interface Trial {
  readonly acceptedBytes: number;
  readonly memoryBytes: number;
}

const WRITE_BYTES = [1024, 16_384, 131_072];
const TRIALS = 7;
const GROWING_WRITE_BYTES = 131_072;
const GROWING_BYTES = 2 ** 26;

const stall = async ({ client, server }: Pair, stream: Stream, writeBytes: number): Promise<Trial> => {
  const acceptedBytes = await stream.fill(writeBytes);
  const memoryBytes = (await socketMemory(client)) + (await socketMemory(server));
  await stream.close();
  await pause(CLOSE_MS);
  return { acceptedBytes, memoryBytes };
};

/** Until the server has closed too. */
const CLOSE_MS = 50;

const settlePlain = async (stream: Stream): Promise<void> => {
  await stream.requests(1, 100);
};

/** Received and not read, and sent and not acknowledged, with all that goes with it. */
const socketMemory = async (pod: Pod): Promise<number> => {
  const { stdout } = pod.spawn('ss', ['-tmnHO', 'state', 'established'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [, received, queued] = /skmem:\(r(\d+),.*?,w(\d+),/.exec(await text(stdout as Readable)) ?? [];
  return Number(received) + Number(queued);
};
