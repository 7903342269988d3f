import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { seededRandom, shuffled } from '../statistics.ts';
import { compareAll, round } from './compare.ts';
import { startSidecars } from './haproxy.ts';
import { addPair, addRedirectedPair, pause, type RedirectedPair, tendAlways } from './pods.ts';
import type { Placement, SameNodeSettings, SameNodeSpeed } from './results.ts';
import { type Cpus, type Stream, startStream, startUnixPair } from './stream.ts';

export const REDIRECTED = 'redirected';
export const PLAIN = 'plain TCP';
export const UNIX = 'UNIX sockets';
export const SIDECARS = 'two sidecars';

/**
 * Requests of several sizes and bulks, over one connection of each contender, in turns. Whatever is timed of the redirected
 * one has been redirected, or the benchmark fails.
 */
export const measureSpeed = async (
  settings: SameNodeSettings,
  placement: Placement,
  signal: AbortSignal,
): Promise<SameNodeSpeed[]> => {
  await using cleanup = new AsyncDisposableStack();
  const cpus = CPUS[placement];
  const redirected = await addRedirectedPair('redirected', cleanup);
  const plain = await addPair('plain', cleanup);
  await redirected.set('redirect');
  const sidecar = await startSidecars(plain, PORT + 1, cpus, cleanup);
  const streams = new Map<string, Stream>([
    [REDIRECTED, await startStream(redirected, { port: PORT, cpus }, cleanup)],
    [PLAIN, await startStream(plain, { port: PORT, cpus }, cleanup)],
    [SIDECARS, await startStream(plain, { port: PORT + 1, cpus, target: sidecar }, cleanup)],
  ]);
  for (const stream of streams.values()) await stream.connect();
  streams.set(UNIX, startUnixPair(plain, cpus, cleanup));
  if (placement === 'two') cleanup.use(keepAwake(cpus));
  cleanup.use(tendAlways(redirected.sameNode));
  await untilRedirected(redirected, streams.get(REDIRECTED) as Stream);
  await untilJoined(redirected);

  const random = seededRandom(settings.seed);
  const measure = async (what: 'requests' | 'bulk', bytes: number, rounds: number): Promise<SameNodeSpeed> => {
    const series = new Map([...streams.keys()].map((name) => [name, [] as number[]]));
    const sent = { all: 0, redirected: 0 };
    for (let turn = -1; turn < rounds; turn++) {
      for (const [name, stream] of shuffled([...streams], random)) {
        signal.throwIfAborted();
        const before = redirected.sameNode.stats().bytes;
        const figure = await takeTurn(stream, what, bytes, settings);
        if (turn >= 0) series.get(name)?.push(figure);
        if (name !== REDIRECTED) continue;
        sent.redirected += redirected.sameNode.stats().bytes - before;
        sent.all += what === 'bulk' ? settings.bulkBytes : settings.requests * bytes * 2;
      }
    }
    const share = sent.redirected / sent.all;
    if (share < REDIRECTED_MIN[what]) throw new Error(`only ${share} of ${what} of ${bytes} bytes were redirected`);
    const contenders = compareAll(series, what === 'bulk' ? 'more' : 'less');
    return { placement, what, bytes, redirected: round(Math.min(1, share)), contenders };
  };
  const results: SameNodeSpeed[] = [];
  for (const bytes of settings.requestBytes) results.push(await measure('requests', bytes, settings.rounds));
  results.push(await measure('bulk', settings.bulkWriteBytes, settings.rounds));
  return results;
};

const takeTurn = (
  stream: Stream,
  what: 'requests' | 'bulk',
  bytes: number,
  settings: SameNodeSettings,
): Promise<number> =>
  what === 'bulk' ? stream.bulk(bytes, settings.bulkBytes) : stream.requests(bytes, settings.requests);

const PORT = 9000;
const CPUS: Readonly<Record<Placement, Cpus>> = { one: { client: 1, server: 1 }, two: { client: 0, server: 1 } };
/** Of what is sent. A bulk that the reader does not keep up with goes by TCP in part, which keeps its memory bounded. */
const REDIRECTED_MIN = { requests: 0.99, bulk: 0.5 } as const;

/** Until all that a connection says goes the short way: it is looked at when it has been read some times. */
export const untilRedirected = async ({ sameNode }: RedirectedPair, stream: Stream): Promise<void> => {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const before = sameNode.stats().messages;
    await stream.requests(1, PROBES);
    if (sameNode.stats().messages - before >= PROBES * 2) return;
    await pause(TRY_MS);
  }
  throw new Error(`a connection is not redirected: ${JSON.stringify(sameNode.stats())}`);
};

const untilJoined = async ({ sameNode }: RedirectedPair): Promise<void> => {
  for (let tries = 0; sameNode.stats().sockets.joined !== 2; tries++) {
    if (tries === TRIES_MAX) throw new Error(`not both ends are joined: ${JSON.stringify(sameNode.stats())}`);
    await pause(TRY_MS);
  }
};

const PROBES = 20;
const TRIES_MAX = 100;
const TRY_MS = 50;

/** A CPU that has gone to sleep takes longer to wake up, of a virtual machine above all, than all that is measured. */
const keepAwake = (cpus: Cpus): AsyncDisposable => {
  const idlers = Object.values(cpus).map((cpu) =>
    spawn('taskset', ['-c', String(cpu), 'chrt', '--idle', '0', 'sh', '-c', 'while :; do :; done'], {
      stdio: 'ignore',
    }),
  );
  return {
    [Symbol.asyncDispose]: async () => {
      for (const idler of idlers) {
        const ended = once(idler, 'exit');
        idler.kill();
        await ended;
      }
    },
  };
};
