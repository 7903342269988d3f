import { every } from './periodic.ts';
import { Runner, type RunnerOptions } from './runner.ts';

export interface SweepOptions extends Omit<RunnerOptions, 'intervalMs'> {
  readonly periodMs: number;
}

/** Runs one thing at once, and again and again in the background, and sooner after a failure. */
export class Sweep {
  readonly #options: SweepOptions;
  readonly #runner: Runner;
  #endPeriod: (() => void) | undefined;

  constructor(options: SweepOptions) {
    this.#options = options;
    this.#runner = new Runner({ ...options, intervalMs: 0 });
  }

  start(): void {
    const { clock, periodMs } = this.#options;
    this.#endPeriod = every(clock, periodMs, () => this.#runner.request());
    this.#runner.request();
  }

  /** Resolves when the one under way has ended. */
  async stop(): Promise<void> {
    this.#endPeriod?.();
    await this.#runner.stop();
  }
}
