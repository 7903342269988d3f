import type { Dataplane } from '../dataplane/dataplane.ts';
import type { Clock } from './clock.ts';
import { Sweep } from './sweep.ts';

export interface LiveSweepOptions {
  readonly dataplane: Pick<Dataplane, 'countLive'>;
  readonly clock: Clock;
  readonly onFailure: (error: unknown, retryInMs: number) => void;
}

/** How late the bytes of a long connection are counted at most. */
export const COUNT_MS = 5000;
const RETRY_MAX_MS = 300_000;

/**
 * Counts what long connections carry while they go on. The first walk comes at once: its program is loaded then, which
 * takes some MiB for a moment, before the agent has its full size. Undefined where that is counted only when they end.
 */
export const createLiveSweep = ({ dataplane, clock, onFailure }: LiveSweepOptions): Sweep | undefined =>
  dataplane.countLive &&
  new Sweep({
    clock,
    run: async () => dataplane.countLive?.(),
    onError: onFailure,
    periodMs: COUNT_MS,
    retryMs: COUNT_MS,
    retryMaxMs: RETRY_MAX_MS,
  });
