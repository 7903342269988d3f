/** Calls back once; returns how to call it off. A delay of more than 24.8 days ends then: Node takes a longer one for 1 ms. */
export const startTimer = (delayMs: number, call: () => void): (() => void) => {
  const timer = setTimeout(call, Math.min(delayMs, DELAY_MAX_MS));
  return () => clearTimeout(timer);
};

const DELAY_MAX_MS = 2 ** 31 - 1;
