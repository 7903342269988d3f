import type { ReflectorTiming } from './timing.ts';

/** How long to wait before the next request, so that ten thousand nodes do not send theirs at once. */
export interface Backoff {
  /** Full jitter: after the nth failure in a row a random time up to a bound that doubles each time. */
  after(failures: number): number;
  /** Near the longest, where trying again soon changes nothing. */
  longest(): number;
  /** Not before the server said, and not all at that very moment. */
  asked(retryAfterMs: number, failures: number): number;
  /** Give or take a quarter. */
  around(ms: number): number;
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
    longest: () => backoffMaxMs * (1 - random() / 4),
    asked: (retryAfterMs, failures) => Math.min(retryAfterMs, retryAfterMaxMs) + after(failures),
    around: (ms) => ms * (0.75 + random() / 2),
    between: ([from, to]) => from + random() * (to - from),
  };
};

const EXPONENT_MAX = 30;
