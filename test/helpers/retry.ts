import { setTimeout as sleep } from 'node:timers/promises';

export interface RetryOptions {
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
}

/**
 * Runs `attempt` until it neither throws nor returns undefined or false, and returns what it returned. When the time
 * has passed, throws what the last attempt threw, or says what it returned.
 */
export const retryUntil = async <T>(
  attempt: () => T | Promise<T>,
  { timeoutMs = 5000, intervalMs = 20 }: RetryOptions = {},
): Promise<Exclude<T, undefined | false>> => {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const last = Date.now() >= deadline;
    try {
      const value = await attempt();
      if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>;
      if (last) throw new Error(`still ${String(value)} after ${timeoutMs} ms`);
    } catch (error) {
      if (last) throw error;
    }
    await sleep(intervalMs);
  }
};
