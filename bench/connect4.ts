import { spawn } from 'node:child_process';
import type { Contender } from './contender.ts';
import { bare } from './contenders/bare.ts';
import { Conversation } from './conversation.ts';
import { type Entrant, enter } from './entrant.ts';
import { CONNECT4 } from './programs.ts';
import type { Connect4Result, Connect4Settings } from './results.ts';
import { median, ratioOf, seededRandom, shuffled } from './statistics.ts';

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
  const statistics = cleanup.use(new Conversation(spawn(CONNECT4, [], { stdio: ['pipe', 'pipe', 'inherit'] })));

  const random = seededRandom(settings.seed);
  const runNs = new Map(entrants.map(({ name }) => [name, [] as number[]]));
  // Not counted: caches are cold.
  await measureRound(entrants, statistics, settings.connectsPerRound);
  for (let round = 0; round < settings.rounds; round++) {
    signal.throwIfAborted();
    const means = await measureRound(shuffled(entrants, random), statistics, settings.connectsPerRound);
    for (const [name, mean] of means) runNs.get(name)?.push(mean);
  }

  const baseline = runNs.get(bare.name) ?? [];
  return [...runNs].map(([name, means]) => ({
    name,
    runNs: Math.round(median(means)),
    againstBare: ratioOf(means, baseline),
  }));
};

/** Mean time of a run in nanoseconds, by contender. */
const measureRound = async (
  entrants: readonly Entrant[],
  statistics: Conversation,
  connects: number,
): Promise<Map<string, number>> => {
  const read = async (cgroup: string): Promise<{ runs: number; ns: number }> =>
    JSON.parse(await statistics.ask(`stats ${cgroup}`)) as { runs: number; ns: number };
  const means = new Map<string, number>();
  for (const { name, cgroup, connect } of entrants) {
    const before = await read(cgroup);
    await connect.inTurn(connects);
    const after = await read(cgroup);
    const runs = after.runs - before.runs;
    if (runs !== connects) throw new Error(`${name}: ${connects} connections, but ${runs} runs of connect4`);
    means.set(name, (after.ns - before.ns) / runs);
  }
  return means;
};
