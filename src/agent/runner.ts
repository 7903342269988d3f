import type { Clock } from './clock.ts';

export interface RunnerOptions {
  readonly clock: Clock;
  readonly run: () => Promise<void>;
  /** What `run` threw; it is tried again. */
  readonly onError: (error: unknown, retryInMs: number) => void;
  /** Between the starts of two runs at least: a storm of events becomes few runs. A first event never waits. */
  readonly intervalMs: number;
  /** After a failure; doubled with each further one, up to `retryMaxMs`. */
  readonly retryMs: number;
  readonly retryMaxMs: number;
}

/** Runs one thing at a time, soon after it was asked for, until it succeeds. */
export class Runner {
  readonly #options: RunnerOptions;
  #wanted = false;
  #stopped = false;
  #running: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #failures = 0;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Asks for a run that begins after this call; many such calls may share one. */
  request(): void {
    this.#wanted = true;
    if (this.#running === undefined && this.#cancelTimer === undefined) this.#schedule();
  }

  /** No run begins any more; resolves when the one under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    await this.#running;
  }

  #schedule(): void {
    if (this.#stopped) return;
    const { clock, intervalMs } = this.#options;
    const waitMs = this.#failures > 0 ? this.#retryInMs() : this.#lastStartMs + intervalMs - clock.monotonicMs();
    this.#cancelTimer = clock.after(Math.max(0, waitMs), () => this.#start());
  }

  #start(): void {
    const { clock, run, onError } = this.#options;
    this.#cancelTimer = undefined;
    this.#wanted = false;
    this.#lastStartMs = clock.monotonicMs();
    this.#running = run()
      .then(() => {
        this.#failures = 0;
      })
      .catch((error: unknown) => {
        this.#failures++;
        this.#wanted = true;
        onError(error, this.#retryInMs());
      })
      .then(() => {
        this.#running = undefined;
        if (this.#wanted) this.#schedule();
      });
  }

  #retryInMs(): number {
    const { retryMs, retryMaxMs } = this.#options;
    return Math.min(retryMaxMs, retryMs * 2 ** (this.#failures - 1));
  }
}
