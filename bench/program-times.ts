import { spawn } from 'node:child_process';
import { Conversation } from './conversation.ts';
import type { Entrant } from './entrant.ts';
import { CONNECT4 } from './programs.ts';
import { seededRandom, shuffled } from './statistics.ts';

interface Turns {
  readonly seed: number;
  readonly rounds: number;
  readonly connectsPerRound: number;
}

/** Kernel time of connect4 programs, by the kernel's own statistics, which count while this is open. */
export class ProgramTimes implements AsyncDisposable {
  readonly #statistics = new Conversation(spawn(CONNECT4, [], { stdio: ['pipe', 'pipe', 'inherit'] }));

  /** By name, for each round the mean time of a run in nanoseconds. The programs take turns as in `measureConnect`. */
  async takeTurns(
    entrants: readonly Entrant[],
    { seed, rounds, connectsPerRound }: Turns,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, readonly number[]>> {
    const random = seededRandom(seed);
    const runNs = new Map(entrants.map(({ name }) => [name, [] as number[]]));
    // Not counted: caches are cold.
    for (const entrant of entrants) await this.#mean(entrant, connectsPerRound);
    for (let round = 0; round < rounds; round++) {
      signal.throwIfAborted();
      for (const entrant of shuffled(entrants, random)) {
        runNs.get(entrant.name)?.push(await this.#mean(entrant, connectsPerRound));
      }
    }
    return runNs;
  }

  async #mean({ name, cgroup, connect }: Entrant, connects: number): Promise<number> {
    const before = await this.#read(cgroup);
    await connect.inTurn(connects);
    const after = await this.#read(cgroup);
    const runs = after.runs - before.runs;
    if (runs !== connects) throw new Error(`${name}: ${connects} connections, but ${runs} runs of connect4`);
    return (after.ns - before.ns) / runs;
  }

  async #read(cgroup: string): Promise<{ readonly runs: number; readonly ns: number }> {
    return JSON.parse(await this.#statistics.ask(`stats ${cgroup}`)) as { runs: number; ns: number };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#statistics[Symbol.asyncDispose]();
  }
}
