import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { trimMemory } from './system.ts';

/**
 * Gives memory that is not used any more back to the system: what the engine would keep for a next time, which after
 * reading a whole cluster is more than all that is kept of it. Stops everything for some 100 ms at that size.
 */
export const releaseMemory = (): void => {
  collectGarbage({ type: 'major', flavor: 'last-resort' });
  trimMemory();
};

type Collect = (options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void;

let collect: Collect | undefined;

/** `gc` is there only in contexts that are made under this flag. */
const collectGarbage: Collect = (options) => {
  setFlagsFromString('--expose-gc');
  collect ??= runInNewContext('gc') as Collect;
  setFlagsFromString('--no-expose-gc');
  collect(options);
};
