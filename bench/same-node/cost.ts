import type { SameNodeEnd } from '../../src/core/same-node/end.ts';
import type { Conversation } from '../conversation.ts';
import type { Sample } from '../entrant.ts';
import { LOAD } from '../programs.ts';
import { median, seededRandom, shuffled } from '../statistics.ts';
import { compareAll, medianInterval, round } from './compare.ts';
import { type Idle, startIdle } from './idle.ts';
import { addRedirectedPair, allowManyConnections, pause, type RedirectedPair, tendAlways } from './pods.ts';
import type { Comparison, SameNodeCost, SameNodeSettings } from './results.ts';
import { pinnedTo, type Stream, startStream } from './stream.ts';

/**
 * Nothing is attached; others take part, of whom none is connected; these Pods say nothing, and others that take part are
 * connected; these take part.
 */
type State = 'none' | 'others' | 'connected' | 'own';

interface Case extends Pick<SameNodeCost, 'what' | 'unit' | 'hasBar'> {
  readonly state: Exclude<State, 'none'>;
  /** Rounds of the settings, divided by this. */
  readonly seldom: number;
  /** Microseconds, on a connection that is new. */
  measure(): Promise<number>;
}

/**
 * What connections pay that are not redirected. Programs are attached and detached in turns, many times, and each time
 * connections are new, as what a connection is depends on what was attached when it was made. All on one CPU: a time is all the
 * work of both sides, and depends least on what else the machine does.
 */
export const measureCosts = async (settings: SameNodeSettings, signal: AbortSignal): Promise<SameNodeCost[]> => {
  await using cleanup = new AsyncDisposableStack();
  const pair = await addRedirectedPair('costs', cleanup);
  await allowManyConnections(pair);
  const cases = await prepareCases(pair, settings, cleanup);
  cleanup.use(tendAlways(pair.sameNode));
  const idle = await startIdle(pair, 9104, cleanup);
  const random = seededRandom(settings.seed);
  const times = new Map(cases.map((each) => [each, { none: [] as number[], attached: [] as number[] }]));
  for (let turn = -1; turn < settings.costRounds; turn++) {
    for (const state of shuffled<State>(['none', 'others', 'connected', 'own'], random)) {
      signal.throwIfAborted();
      await setState(pair, idle, state);
      for (const each of shuffled(cases, random)) {
        const isMeant = state === 'none' || state === each.state;
        if (!isMeant || Math.max(turn, 0) % each.seldom !== 0) continue;
        const us = await each.measure();
        if (turn >= 0) times.get(each)?.[state === 'none' ? 'none' : 'attached'].push(us);
      }
    }
  }
  return cases.map((each) => summarize(each, times.get(each) as { none: number[]; attached: number[] }));
};

const prepareCases = async (
  pair: RedirectedPair,
  { costRequests, costConnects }: SameNodeSettings,
  cleanup: AsyncDisposableStack,
): Promise<Case[]> => {
  const stream = (port: number, client: boolean, server: boolean): Promise<Stream> =>
    startStream(pair, { port, cpus: CPUS, blocks: { client, server } }, cleanup);
  const blocking = await stream(9100, true, true);
  const looping = await stream(9101, false, false);
  const mixed = await stream(9102, true, false);
  const load = await startLoad(pair, 9103, cleanup);
  const onRequests = (on: Stream, settle?: (on: Stream) => Promise<void>) => async (): Promise<number> => {
    await on.connect();
    await on.requests(1, WARM_UP_REQUESTS);
    await settle?.(on);
    const us = await bestOf(RUNS, () => on.requests(1, costRequests));
    await on.close();
    return us;
  };
  const onConnections = (): Promise<number> =>
    bestOf(RUNS, async () => (JSON.parse(await load.ask(`${costConnects} 1 ${CPUS.client}`)) as Sample).mean);
  const request = { unit: 'request', hasBar: true, seldom: 1 } as const;
  const connection = { unit: 'connection', seldom: 1, measure: onConnections } as const;
  return [
    { ...request, what: 'both take part, both block', state: 'own', measure: onRequests(blocking) },
    { ...request, what: 'others take part, and are connected', state: 'connected', measure: onRequests(looping) },
    { ...request, what: 'others take part, and none is connected', state: 'others', measure: onRequests(looping) },
    {
      ...request,
      what: 'both take part, the client blocks and the server does not',
      state: 'own',
      seldom: SELDOM,
      measure: onRequests(mixed, (on) => untilParted(pair, on)),
    },
    { ...connection, what: 'connect, one byte and close: others take part', state: 'connected', hasBar: true },
    { ...connection, what: 'connect, one byte and close: both take part', state: 'own', hasBar: false },
  ];
};

/** What else the machine does only ever adds to a time. */
const bestOf = async (runs: number, measure: () => Promise<number>): Promise<number> => {
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run++) best = Math.min(best, await measure());
  return best;
};

const CPUS = { client: 1, server: 1 } as const;
const WARM_UP_REQUESTS = 1000;
const RUNS = 3;
/** It takes seconds each time. */
const SELDOM = 5;

const setState = async (pair: RedirectedPair, idle: Idle, state: State): Promise<void> => {
  if (state === 'none') return pair.set(undefined);
  if (state === 'others') return pair.set('local', OTHERS);
  // What is measured goes over IPv4.
  const others = [pair.client, pair.server].map(
    ({ address6 }) => ({ address: address6, port: 0, mode: 'redirect' }) as const,
  );
  await (state === 'own' ? pair.set('redirect') : pair.set('local', others));
  await idle.connect();
};

const OTHERS: readonly SameNodeEnd[] = ['10.244.200.1', '10.244.200.2'].map((address) => ({
  address,
  port: 0,
  mode: 'redirect',
}));

/** One that was joined is left alone once most of what it sends has gone by TCP. */
const untilParted = async ({ sameNode }: RedirectedPair, stream: Stream): Promise<void> => {
  for (let tries = 0; tries === 0 || (sameNode.isAttached && sameNode.stats().sockets.joined > 0); tries++) {
    if (tries === PART_TRIES_MAX) throw new Error(`a socket stays joined: ${JSON.stringify(sameNode.stats())}`);
    await pause(PART_MS);
    await stream.requests(1, WARM_UP_REQUESTS);
  }
};

const PART_MS = 300;
const PART_TRIES_MAX = 60;

const startLoad = async (pair: RedirectedPair, port: number, cleanup: AsyncDisposableStack): Promise<Conversation> => {
  const command = [...pinnedTo(CPUS.server), LOAD, 'serve', '0.0.0.0', String(port)];
  await cleanup.use(pair.start(pair.server, command)).read(); // "ready"
  return cleanup.use(pair.start(pair.client, [LOAD, 'connect', `${pair.server.address4}:${port}`]));
};

const summarize = (
  { what, unit, hasBar }: Case,
  { none, attached }: { none: number[]; attached: number[] },
): SameNodeCost => {
  const series = new Map([
    ['attached', attached],
    ['none', none],
  ]);
  const [own] = compareAll(series, 'less');
  const ratios = attached.map((us, at) => us / (none[at] as number));
  const [low, high] = medianInterval(ratios);
  return {
    what,
    unit,
    hasBar,
    medianUs: round(median(none)),
    comparison: own?.against.none as Comparison,
    interval: [round(low), round(high)],
  };
};
