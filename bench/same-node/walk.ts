import { performance } from 'node:perf_hooks';
import { SEEN } from '../../src/abi/layout.gen.ts';
import { closeFd, openPinned } from '../../src/native/descriptor.ts';
import { readWalk } from '../../src/native/walk.ts';
import { median } from '../statistics.ts';
import { addRedirectedPair, pause, type RedirectedPair, tendAlways, untilWatching } from './pods.ts';
import type { SameNodeSettings, SameNodeWalk } from './results.ts';
import { type Stream, startStream } from './stream.ts';

/** Time of a walk over so many sockets: with nothing to be done, when all of them are joined in it, and afterwards. */
export const measureWalks = async (
  { walkSockets }: SameNodeSettings,
  signal: AbortSignal,
): Promise<readonly SameNodeWalk[]> => {
  await using cleanup = new AsyncDisposableStack();
  const pair = await addRedirectedPair('walks', cleanup);
  await pair.set('redirect');
  const stream = await startStream(pair, { port: 9300, cpus: { client: 0, server: 1 } }, cleanup);
  const link = cleanup.adopt(openPinned(pair.place().walk), closeFd);
  const results: SameNodeWalk[] = [];
  for (const sockets of walkSockets) {
    const runs: Omit<SameNodeWalk, 'sockets'>[] = [];
    for (let run = 0; run < RUNS; run++) {
      signal.throwIfAborted();
      runs.push(await measureOnce(pair, stream, link, sockets));
    }
    const of = (name: keyof (typeof runs)[number]) => Math.round(median(runs.map((each) => each[name])));
    results.push({ sockets, candidatesUs: of('candidatesUs'), joiningUs: of('joiningUs'), joinedUs: of('joinedUs') });
  }
  return results;
};

const measureOnce = async (
  pair: RedirectedPair,
  stream: Stream,
  link: number,
  sockets: number,
): Promise<Omit<SameNodeWalk, 'sockets'>> => {
  await stream.hold(sockets / 2);
  await pause(ACCEPT_MS);
  await tendUntilWatching(pair);
  const candidatesUs = await timeWalks(link, SEEN.CANDIDATE, sockets, REPEATED);
  await stream.touch(RIPENING_READS);
  const joiningUs = await timeWalks(link, SEEN.JOINED, sockets, 1);
  const joinedUs = await timeWalks(link, SEEN.JOINED, sockets, REPEATED);
  await stream.close();
  await pause(ACCEPT_MS);
  return { candidatesUs, joiningUs, joinedUs };
};

/** As soon as there is a connection the agent has reads watched; it joins nobody before they have read. */
const tendUntilWatching = async (pair: RedirectedPair): Promise<void> => {
  using _ = tendAlways(pair.sameNode);
  await untilWatching(pair);
};

const RUNS = 5;
const REPEATED = 20;
/** More than PLAIN_READS_MIN of bpf/same-node/unfit.h. */
const RIPENING_READS = 40;
/** For the server to catch up, or to close. */
const ACCEPT_MS = 500;

const timeWalks = async (link: number, expected: number, sockets: number, times: number): Promise<number> => {
  const tookUs: number[] = [];
  for (let time = 0; time < times; time++) {
    const startedMs = performance.now();
    const seen = await readWalk(link);
    tookUs.push((performance.now() - startedMs) * 1000);
    const as = seen.filter((each) => each === expected).length;
    if (as !== sockets) throw new Error(`a walk found ${as} sockets of ${seen.length} so, not ${sockets}`);
  }
  return median(tookUs);
};
