import type { RecordMemory } from '../../abi/memory.ts';
import { putEntries } from './apply.ts';
import type { Loaded } from './load.ts';

/** Everything the agent wrote, at the same indexes: what connections and affinities remember stays true. */
export const copyTables = (from: Loaded, to: Loaded): void => {
  for (const table of ['backends', 'services', 'slots'] as const) to.memory[table].bytes.set(from.memory[table].bytes);
  const { keys, values, count } = from.maps.frontends.readAll();
  putEntries(to.maps.frontends, keys, values, count);
};

interface CounterTables {
  readonly service_stats: RecordMemory;
  readonly backend_stats: RecordMemory;
}

/**
 * Adds the old counters to the new, which the kernel is already counting in. Each is taken before it is added: cut at
 * any point, this loses at most one counter's value and never counts twice.
 */
export const moveCounters = (from: CounterTables, to: CounterTables): void => {
  move(from.service_stats, to.service_stats);
  move(from.backend_stats, to.backend_stats);
};

const move = (from: RecordMemory, to: RecordMemory): void => {
  const source = asCounters(from);
  const target = asCounters(to);
  const count = Math.min(source.length, target.length);
  for (let index = 0; index < count; index++) {
    if (source[index] === 0n) continue;
    Atomics.add(target, index, Atomics.exchange(source, index, 0n));
  }
};

const asCounters = ({ bytes }: RecordMemory): BigUint64Array =>
  new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 3);
