import type { ReflectorTiming } from './timing.ts';

/** How long to wait before the next request, so that ten thousand nodes do not send theirs at once. */
export interface Backoff {
  /** Full jitter: after the nth failure in a row a random time up to a bound that doubles each time. */
  after(failures: number): number;
  /** Near the longest, where trying again soon changes nothing. */
  longest(): number;
  /** Not before the server said, and not all at that very moment. */
  asked(retryAfterMs: number, failures: number): number;
  between(range: readonly [number, number]): number;
}

export const createBackoff = (
  { backoffFirstMs, backoffMaxMs, retryAfterMaxMs }: ReflectorTiming,
  random: () => number,
): Backoff => {
  const after = (failures: number): number =>
    random() * Math.min(backoffMaxMs, backoffFirstMs * 2 ** Math.min(failures - 1, EXPONENT_MAX));
  return {
    after,
    longest: () => nearly(backoffMaxMs, random()),
    asked: (retryAfterMs, failures) => Math.min(retryAfterMs, retryAfterMaxMs) + after(failures),
    between: ([from, to]) => from + random() * (to - from),
  };
};

/** Up to a quarter less. */
export const nearly = (ms: number, random: number): number => ms * (1 - random / 4);

const EXPONENT_MAX = 30;
