import type { Dataplane } from '../dataplane/dataplane.ts';
import type { Clock } from './clock.ts';
import { every } from './periodic.ts';
import { Runner } from './runner.ts';

export interface LostSweepOptions {
  readonly dataplane: Pick<Dataplane, 'endLost'>;
  readonly clock: Clock;
  readonly onEnded: (count: number) => void;
  readonly onFailure: (error: unknown, retryInMs: number) => void;
}

/** A connection counts as lost when two looks in a row miss its socket. */
export const LOOK_MS = 300_000;
const RETRY_MS = 10_000;

/**
 * Ends, in the counters, TCP connections whose sockets are gone though nobody told: algorithms that count live
 * connections would take their backends for busy for ever. At the start, for what was lost under an agent before, and
 * again and again, in the background.
 */
export class LostSweep {
  readonly #runner: Runner;
  #endPeriod: (() => void) | undefined;
  readonly #options: LostSweepOptions;

  constructor(options: LostSweepOptions) {
    const { clock, onFailure } = options;
    this.#options = options;
    this.#runner = new Runner({
      clock,
      run: () => this.#run(),
      onError: onFailure,
      intervalMs: 0,
      retryMs: RETRY_MS,
      retryMaxMs: LOOK_MS,
    });
  }

  start(): void {
    const { clock, dataplane } = this.#options;
    if (dataplane.endLost === undefined) return;
    this.#endPeriod = every(clock, LOOK_MS, () => this.#runner.request());
    this.#runner.request();
  }

  /** Resolves when the look under way has ended. */
  async stop(): Promise<void> {
    this.#endPeriod?.();
    await this.#runner.stop();
  }

  async #run(): Promise<void> {
    const { dataplane, onEnded } = this.#options;
    const ended = await dataplane.endLost?.();
    if (ended === undefined) return;
    if (ended.connections > 0) onEnded(ended.connections);
    if (ended.failure !== undefined) throw ended.failure;
  }
}
