import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { trimMemory, unmapCleanPages } from './system.ts';

/**
 * Gives memory that is not used any more back to the system: what engine, C library and kernel would keep for a next
 * time, which after reading a whole cluster is more than all that is kept of it. Stops everything meanwhile, for some
 * 50 ms at 100,000 endpoints.
 */
export const releaseMemory = (): void => {
  collectGarbage('last-resort');
  giveBack();
};

/** A few milliseconds. */
const giveBack = (): void => {
  trimMemory();
  unmapCleanPages();
};

/**
 * `bin/shunt` starts the agent with the opposite: while it reads a whole cluster, garbage is collected at once when there
 * is much, and not beside other work that makes more meanwhile. Afterwards nothing may stop for as long as that takes, so
 * it is looked for in steps and memory is not made compact each time; still there is a third more than is used at most.
 * The search begins when half of that third has come together. By itself the engine counts the mapped tables as new after
 * each search, and begins the next one with every scrape.
 */
export const collectInSteps = (): void => {
  setFlagsFromString('--incremental-marking');
  setFlagsFromString('--no-optimize-for-size');
  setFlagsFromString('--heap-growing-percent=30');
  setFlagsFromString('--incremental-marking-soft-trigger=50');
  setFlagsFromString('--incremental-marking-hard-trigger=70');
  setFlagsFromString('--no-separate-gc-phases');
};

/**
 * Gives memory back when it has grown by `grownBytes` since the last time: scrapes and bursts leave theirs behind. The
 * engine collects garbage by itself, in steps; only when it does not get on with that, on a machine without a free
 * processor, and much more has come together, nothing else is done until it is collected. Returns how to end all this.
 */
export const keepMemoryLow = ({
  checkMs = 500,
  checksToGiveBack = 20,
  grownBytes = 10 * 2 ** 20,
} = {}): (() => void) => {
  let lowest = process.memoryUsage.rss();
  let checks = 0;
  const hasGrownBy = (bytes: number): boolean => process.memoryUsage.rss() > lowest + bytes;
  const timer = setInterval(() => {
    checks = (checks + 1) % checksToGiveBack;
    if (hasGrownBy(checks === 0 ? grownBytes : MUCH * grownBytes)) giveBack();
    if (hasGrownBy(MUCH * grownBytes)) {
      collectGarbage('regular');
      giveBack();
      lowest = process.memoryUsage.rss();
    }
    lowest = Math.min(lowest, process.memoryUsage.rss());
  }, checkMs);
  return () => clearInterval(timer);
};

/** Times as much as is given back: events and scrapes of a large cluster alone make twice as much. */
const MUCH = 2.5;

let collect: ((flavor: string) => void) | undefined;

/** `gc` is there only in contexts that are made under this flag. */
const collectGarbage = (flavor: 'last-resort' | 'regular'): void => {
  setFlagsFromString('--expose-gc');
  collect ??= runInNewContext('(flavor) => gc({ type: "major", flavor })') as (flavor: string) => void;
  setFlagsFromString('--no-expose-gc');
  collect(flavor);
};
