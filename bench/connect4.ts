import type { Contender } from './contender.ts';
import { bare } from './contenders/bare.ts';
import { enter } from './entrant.ts';
import { ProgramTimes } from './program-times.ts';
import type { Connect4Result, Connect4Settings } from './results.ts';
import { median, ratioOf } from './statistics.ts';

/**
 * Kernel time of one connect4 run, for each contender's program and for a bare one, by the kernel's own statistics.
 * Every connection is a hit: all go to Service addresses. The programs take turns as in `measureConnect`.
 */
export const measureConnect4 = async (
  contenders: readonly Contender[],
  settings: Connect4Settings,
  signal: AbortSignal,
): Promise<Connect4Result['contenders']> => {
  await using cleanup = new AsyncDisposableStack();
  const entrants = await enter([bare, ...contenders], { path: 'loopback', ...settings }, cleanup, signal);
  const times = cleanup.use(new ProgramTimes());
  const runNs = await times.takeTurns(entrants, settings, signal);
  const baseline = runNs.get(bare.name) ?? [];
  return [...runNs].map(([name, means]) => ({
    name,
    runNs: Math.round(median(means)),
    againstBare: ratioOf(means, baseline),
  }));
};
