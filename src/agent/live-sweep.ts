import type { Dataplane } from '../dataplane/dataplane.ts';
import type { Clock } from './clock.ts';
import { every } from './periodic.ts';
import { Runner } from './runner.ts';

export interface LiveSweepOptions {
  readonly dataplane: Pick<Dataplane, 'countLive'>;
  readonly clock: Clock;
  readonly onFailure: (error: unknown, retryInMs: number) => void;
}

/** How late the bytes of a long connection are counted at most. */
export const COUNT_MS = 5000;
const RETRY_MAX_MS = 300_000;

/** Counts what long connections carry while they go on, in the background. Otherwise it is counted when they end. */
export class LiveSweep {
  readonly #runner: Runner;
  #endPeriod: (() => void) | undefined;
  readonly #options: LiveSweepOptions;

  constructor(options: LiveSweepOptions) {
    const { clock, onFailure, dataplane } = options;
    this.#options = options;
    this.#runner = new Runner({
      clock,
      run: async () => dataplane.countLive?.(),
      onError: onFailure,
      intervalMs: 0,
      retryMs: COUNT_MS,
      retryMaxMs: RETRY_MAX_MS,
    });
  }

  start(): void {
    const { clock, dataplane } = this.#options;
    if (dataplane.countLive !== undefined) this.#endPeriod = every(clock, COUNT_MS, () => this.#runner.request());
  }

  /** Resolves when the walk under way has ended. */
  async stop(): Promise<void> {
    this.#endPeriod?.();
    await this.#runner.stop();
  }
}
