import type { Contender, Path } from './contender.ts';
import { type Entrant, enter, type Sample } from './entrant.ts';
import type { ConnectFigures, ConnectMeasurement, ConnectSettings } from './results.ts';
import { median, ratioOf, seededRandom, shuffled } from './statistics.ts';

/**
 * Connect + read one byte + close, one after the other (latency) and from several threads (connections per second). All
 * contenders are set up first; then they take turns in short rounds, in an order that is shuffled each time, so that
 * whatever else the machine does meets all of them alike. Figures are compared within a round only.
 */
export const measureConnect = async (
  contenders: readonly Contender[],
  path: Path,
  services: number,
  settings: ConnectSettings,
  signal: AbortSignal,
): Promise<ConnectMeasurement> => {
  await using cleanup = new AsyncDisposableStack();
  const race = { path, services, endpointsPerService: settings.endpointsPerService };
  const here = contenders.filter((contender) => contender.paths.includes(path));
  const entrants = await enter(here, race, cleanup, signal);

  const runs = entrants.map((entrant): Run => ({ entrant, latencies: [], bursts: [] }));
  const random = seededRandom(settings.seed);
  for (let round = -WARM_UP_ROUNDS; round < settings.rounds; round++) {
    if (round === 0) for (const run of runs) forget(run);
    for (const { entrant, latencies } of shuffled(runs, random)) {
      signal.throwIfAborted();
      latencies.push(await entrant.connect.inTurn(settings.connectsPerRound));
    }
    for (const { entrant, bursts } of shuffled(runs, random)) {
      signal.throwIfAborted();
      bursts.push(await entrant.connect.burst(settings.burstConnects, settings.burstThreads));
    }
  }
  return { path, services, contenders: runs.map((run) => summarize(run, runs)) };
};

/** Not counted: they pay for cold caches, neighbour entries and a rule set just loaded. */
const WARM_UP_ROUNDS = 2;

interface Run {
  readonly entrant: Entrant;
  readonly latencies: Sample[];
  readonly bursts: Sample[];
}

const forget = ({ latencies, bursts }: Run): void => {
  latencies.length = 0;
  bursts.length = 0;
};

const summarize = (run: Run, all: readonly Run[]): ConnectFigures => {
  const { name, programmedMs } = run.entrant;
  const others = all.filter((other) => other !== run);
  const latency = (field: keyof Sample) => Number(median(run.latencies.map((sample) => sample[field])).toFixed(1));
  return {
    name,
    ...(programmedMs === undefined ? {} : { programmedMs: Math.round(programmedMs) }),
    latencyUs: { p50: latency('p50'), p90: latency('p90'), p99: latency('p99'), mean: latency('mean') },
    perSecond: Math.round(median(perSecond(run))),
    against: Object.fromEntries(
      others.map((other) => [
        other.entrant.name,
        { latency: ratioOf(p50(run), p50(other)), perSecond: ratioOf(perSecond(run), perSecond(other)) },
      ]),
    ),
  };
};

const p50 = ({ latencies }: Run): number[] => latencies.map((sample) => sample.p50);
const perSecond = ({ bursts }: Run): number[] => bursts.map((sample) => sample.perSecond);
