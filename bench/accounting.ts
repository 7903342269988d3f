import { calls, choice } from './contenders/choice.ts';
import { shunt } from './contenders/shunt.ts';
import { enter } from './entrant.ts';
import { ProgramTimes } from './program-times.ts';
import type { AccountingResult, AccountingSettings } from './results.ts';
import { median, quantile } from './statistics.ts';

/**
 * Kernel time of all programs that a connection passes, from connect() to its end, against the choice alone, by the
 * kernel's own statistics. These read the clock with each run, so the choice is also measured beside programs that do
 * nothing, as often: what is more than that is accounting. They take turns as in `measureConnect`, and are compared round by round.
 */
export const measureAccounting = async (
  settings: AccountingSettings,
  signal: AbortSignal,
): Promise<Pick<AccountingResult, 'choiceNs' | 'callsNs' | 'allNs' | 'accountingNs'>> => {
  await using cleanup = new AsyncDisposableStack();
  const entrants = await enter([choice, calls, shunt], { path: 'loopback', ...settings }, cleanup, signal);
  const times = cleanup.use(new ProgramTimes());
  const runNs = await times.takeTurns(entrants, settings, signal, 'all');
  const alone = runNs.get(choice.name) ?? [];
  const called = runNs.get(calls.name) ?? [];
  const all = runNs.get(shunt.name) ?? [];
  const more = all.map((ns, round) => ns - (called[round] ?? Number.NaN));
  const at = (fraction: number): number => Math.round(quantile(more, fraction));
  return {
    choiceNs: Math.round(median(alone)),
    callsNs: Math.round(median(called)),
    allNs: Math.round(median(all)),
    accountingNs: { median: at(0.5), p10: at(0.1), p90: at(0.9) },
  };
};
