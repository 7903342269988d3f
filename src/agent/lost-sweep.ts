import type { Dataplane } from '../dataplane/dataplane.ts';
import type { Clock } from './clock.ts';
import { Sweep } from './sweep.ts';

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
 * again and again. Undefined where nothing can be lost.
 */
export const createLostSweep = (options: LostSweepOptions): Sweep | undefined =>
  options.dataplane.endLost &&
  new Sweep({
    clock: options.clock,
    run: () => endLost(options),
    onError: options.onFailure,
    periodMs: LOOK_MS,
    retryMs: RETRY_MS,
    retryMaxMs: LOOK_MS,
  });

const endLost = async ({ dataplane, onEnded }: LostSweepOptions): Promise<void> => {
  const ended = await dataplane.endLost?.();
  if (ended === undefined) return;
  if (ended.connections > 0) onEnded(ended.connections);
  if (ended.failure !== undefined) throw ended.failure;
};
