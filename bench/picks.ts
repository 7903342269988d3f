import type { Algorithm } from '../src/core/model/objects.ts';
import { shuntBy } from './contenders/shunt.ts';
import { enter } from './entrant.ts';
import { ProgramTimes } from './program-times.ts';
import type { PickFigures, PickSettings } from './results.ts';
import { median, ratioOf } from './statistics.ts';

/** The first is what the others are compared with. */
const ALGORITHMS: readonly Algorithm[] = ['WeightedRandom', 'RoundRobin', 'LeastConnections', 'PeakEwma', 'Maglev'];

/**
 * What it costs to choose: kernel time of connect4, whole, for each algorithm. Each has programs and tables of its own, the
 * same Services and as many connections that stay open, so that backends have loads to compare.
 */
export const measurePicks = async (
  settings: PickSettings,
  endpointsPerService: number,
  signal: AbortSignal,
): Promise<readonly PickFigures[]> => {
  await using cleanup = new AsyncDisposableStack();
  const contenders = ALGORITHMS.map((algorithm) => shuntBy(algorithm, algorithm));
  const race = { path: 'loopback', services: settings.services, endpointsPerService } as const;
  const entrants = await enter(contenders, race, cleanup, signal);
  for (const { connect } of entrants) await connect.hold(settings.held);
  const times = cleanup.use(new ProgramTimes());
  const runNs = await times.takeTurns(entrants, settings, signal);
  const baseline = runNs.get('WeightedRandom') ?? [];
  return ALGORITHMS.map((algorithm) => {
    const means = runNs.get(algorithm) ?? [];
    return { algorithm, runNs: Math.round(median(means)), againstRandom: ratioOf(means, baseline) };
  });
};
