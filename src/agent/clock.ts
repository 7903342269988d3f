import { startTimer } from '../timer.ts';

/** Time, given in from outside so that tests need not wait. */
export interface Clock {
  /** Since the epoch. */
  wallMs(): number;
  /** For durations. */
  monotonicMs(): number;
  /** Calls back once; returns how to call it off. */
  after(delayMs: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: startTimer,
};
