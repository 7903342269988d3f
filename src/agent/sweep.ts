import { every } from './periodic.ts';
import { Runner, type RunnerOptions } from './runner.ts';

export interface SweepOptions extends Omit<RunnerOptions, 'intervalMs'> {
  readonly periodMs: number;
  /** False: the first one comes when one period has passed. */
  readonly isFirstAtOnce: boolean;
}

/** Runs one thing again and again in the background, and sooner after a failure. */
export class Sweep {
  readonly #options: SweepOptions;
  readonly #runner: Runner;
  #endPeriod: (() => void) | undefined;

  constructor(options: SweepOptions) {
    this.#options = options;
    this.#runner = new Runner({ ...options, intervalMs: 0 });
  }

  start(): void {
    const { clock, periodMs, isFirstAtOnce } = this.#options;
    this.#endPeriod = every(clock, periodMs, () => this.#runner.request());
    if (isFirstAtOnce) this.#runner.request();
  }

  /** Resolves when the one under way has ended. */
  async stop(): Promise<void> {
    this.#endPeriod?.();
    await this.#runner.stop();
  }
}
