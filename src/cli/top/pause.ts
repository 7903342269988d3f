import { setTimeout as sleep } from 'node:timers/promises';

/** Ends early, and without an error, when it is called off. */
export const pause = async (delayMs: number, signal: AbortSignal): Promise<void> => {
  try {
    await sleep(delayMs, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
};
