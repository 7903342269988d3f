import { BACKEND_STATS } from '../../abi/layout.gen.ts';
import type { RecordMemory } from '../../abi/memory.ts';
import { putEntries } from './apply.ts';
import type { LentMemory } from './lent-memory.ts';
import type { Loaded } from './load.ts';
import type { LentMemories } from './tables.ts';

/** Everything the agent wrote, at the same indexes: what connections and affinities remember stays true. */
export const copyTables = (from: Loaded, to: Loaded): void => {
  for (const table of ['backends', 'services', 'slots'] as const) to.memory[table].bytes.set(from.memory[table].bytes);
  const { keys, values, count } = from.maps.frontends.readAll();
  putEntries(to.maps.frontends, keys, values, count);
};

type CounterTables = Pick<LentMemories, 'service_stats' | 'backend_stats'>;

/**
 * Adds the old counters to the new, which the kernel is already counting in. Each is taken before it is added: cut at
 * any point, this loses at most one counter's value and never counts twice. What is no counter is taken as it is, where
 * the kernel has nothing newer.
 */
export const moveCounters = (from: CounterTables, to: CounterTables): void => {
  for (const table of ['service_stats', 'backend_stats'] as const) {
    move(from[table], to[table], table === 'backend_stats' ? isEwma : isNothing);
    from[table].close();
    to[table].close();
  }
};

/** The new table is looked at only if the old one ever counted: at the start it did not, and the new one is large. */
const move = (from: LentMemory, to: LentMemory, isState: (word: number) => boolean): void => {
  const source = asCounters(from.look());
  let target: BigUint64Array | undefined;
  for (let index = 0; index < source.length; index++) {
    if (source[index] === 0n) continue;
    target ??= asCounters(to.look());
    if (index >= target.length) return;
    const value = Atomics.exchange(source, index, 0n);
    if (isState(index)) Atomics.compareExchange(target, index, 0n, value);
    else Atomics.add(target, index, value);
  }
};

const WORD_BYTES = 8;

const isEwma = (word: number): boolean => (word * WORD_BYTES) % BACKEND_STATS.size === BACKEND_STATS.ewma;
const isNothing = (): boolean => false;

const asCounters = ({ bytes }: RecordMemory): BigUint64Array =>
  new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 3);
