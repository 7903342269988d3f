import type { BpfMap } from '../../native/map.ts';

/** Sets records of an array to zero, without having the whole table in memory. */
export const clearRecords = (map: BpfMap, indexes: readonly number[]): void => {
  const zeros = new Uint8Array(Math.min(indexes.length, STEP) * map.info.valueStride);
  for (let from = 0; from < indexes.length; from += STEP) {
    const keys = Uint32Array.from(indexes.slice(from, from + STEP));
    map.update(new Uint8Array(keys.buffer), zeros.subarray(0, keys.length * map.info.valueStride), keys.length);
  }
};

const STEP = 1024;
