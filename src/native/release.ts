import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { trimMemory } from './system.ts';

/**
 * Gives memory that is not used any more back to the system: what the engine would keep for a next time, which after
 * reading a whole cluster is more than all that is kept of it. Stops everything meanwhile, for some 100 ms at 100,000
 * endpoints.
 */
export const releaseMemory = (): void => {
  collectGarbage();
  trimMemory();
};

/**
 * Releases memory whenever it has grown by so much since the last time: parsing files, scrapes and compilers leave
 * theirs behind. Returns how to end that.
 */
export const keepMemoryLow = ({ checkMs = 10_000, grownBytes = 10 * 2 ** 20 } = {}): (() => void) => {
  let lowest = process.memoryUsage.rss();
  const timer = setInterval(() => {
    if (process.memoryUsage.rss() > lowest + grownBytes) {
      releaseMemory();
      lowest = process.memoryUsage.rss();
    }
    lowest = Math.min(lowest, process.memoryUsage.rss());
  }, checkMs);
  return () => clearInterval(timer);
};

let collect: (() => void) | undefined;

/** `gc` is there only in contexts that are made under this flag. */
const collectGarbage = (): void => {
  setFlagsFromString('--expose-gc');
  collect ??= runInNewContext('() => gc({ type: "major", flavor: "last-resort" })') as () => void;
  setFlagsFromString('--no-expose-gc');
  collect();
};
