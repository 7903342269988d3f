import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Conversation } from './conversation.ts';
import type { Entrant } from './entrant.ts';
import { CONNECT4 } from './programs.ts';
import { seededRandom, shuffled } from './statistics.ts';

/** The last ends may still be on their way. */
const LATE_MS = 5;

interface Turns {
  readonly seed: number;
  readonly rounds: number;
  readonly connectsPerRound: number;
}

/** What is asked for: programs of connect4 alone, or all that a TCP connection over IPv4 passes. */
export type Counted = 'stats' | 'all';

/** Kernel time of programs, by the kernel's own statistics, which count while this is open. */
export class ProgramTimes implements AsyncDisposable {
  readonly #statistics = new Conversation(spawn(CONNECT4, [], { stdio: ['pipe', 'pipe', 'inherit'] }));

  /** By name, for each round the mean time of a connection in nanoseconds. Entrants take turns as in `measureConnect`. */
  async takeTurns(
    entrants: readonly Entrant[],
    { seed, rounds, connectsPerRound }: Turns,
    signal: AbortSignal,
    counted: Counted = 'stats',
  ): Promise<ReadonlyMap<string, readonly number[]>> {
    const random = seededRandom(seed);
    const runNs = new Map(entrants.map(({ name }) => [name, [] as number[]]));
    // Not counted: caches are cold.
    for (const entrant of entrants) await this.#mean(entrant, connectsPerRound, counted);
    for (let round = 0; round < rounds; round++) {
      signal.throwIfAborted();
      for (const entrant of shuffled(entrants, random)) {
        runNs.get(entrant.name)?.push(await this.#mean(entrant, connectsPerRound, counted));
      }
    }
    return runNs;
  }

  async #mean({ name, cgroup, connect }: Entrant, connects: number, counted: Counted): Promise<number> {
    const before = await this.#read(counted, cgroup);
    await connect.inTurn(connects);
    if (counted === 'all') await sleep(LATE_MS);
    const after = await this.#read(counted, cgroup);
    const runs = after.runs - before.runs;
    if (runs !== connects && counted === 'stats')
      throw new Error(`${name}: ${connects} connections, but ${runs} runs of connect4`);
    return (after.ns - before.ns) / connects;
  }

  async #read(counted: Counted, cgroup: string): Promise<{ readonly runs: number; readonly ns: number }> {
    return JSON.parse(await this.#statistics.ask(`${counted} ${cgroup}`)) as { runs: number; ns: number };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#statistics[Symbol.asyncDispose]();
  }
}
