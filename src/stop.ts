/**
 * Resolves with the name of the signal that asks to stop. A second one, of whichever name, ends the process at once, as
 * it would have without this.
 */
export const stopRequested = (): Promise<string> =>
  new Promise((resolve) => {
    const listener = (signal: NodeJS.Signals): void => {
      for (const name of SIGNALS) process.off(name, listener);
      resolve(signal);
    };
    for (const name of SIGNALS) process.on(name, listener);
    stop = listener;
  });

/** Asks as SIGTERM does, but is never the second signal. Returns false when nobody waits to be asked. */
export const requestStop = (): boolean => {
  stop?.('SIGTERM');
  return stop !== undefined;
};

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

let stop: ((signal: NodeJS.Signals) => void) | undefined;
