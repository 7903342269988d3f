import type { Clock } from './clock.ts';

/** Calls again and again, the first time when one interval has passed. Returns how to end that. */
export const every = (clock: Clock, intervalMs: number, call: () => void): (() => void) => {
  let cancel: () => void;
  const wait = (): void => {
    cancel = clock.after(intervalMs, () => {
      wait();
      call();
    });
  };
  wait();
  return () => cancel();
};
