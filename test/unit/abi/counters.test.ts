import { describe, expect, test } from 'vitest';
import { isUsed } from '../../../src/abi/counters.ts';
import { COUNTERS, SERVICE_STATS } from '../../../src/abi/layout.gen.ts';
import { recordMemory } from '../../../src/abi/memory.ts';

/** Three records; the one in the middle holds this value at this offset. */
const tableWith = (offset: number, value: bigint) => {
  const buffer = new ArrayBuffer(3 * SERVICE_STATS.size);
  new DataView(buffer).setBigUint64(SERVICE_STATS.size + offset, value, true);
  return recordMemory(buffer, SERVICE_STATS.size, 3);
};

describe('a Service', () => {
  test.each([
    { counter: 'attempts', value: 1n },
    { counter: 'datagrams', value: 1n },
    { counter: 'rejected', value: 1n },
    { counter: 'attempts', value: 2n ** 32n },
  ] as const)('with $value $counter is used, and its neighbours are not', ({ counter, value }) => {
    const table = tableWith(COUNTERS[counter], value);
    expect([0, 1, 2].map((index) => isUsed(table, index))).toEqual([false, true, false]);
  });

  test('that counted nothing is not used', () => {
    expect(isUsed(tableWith(COUNTERS.attempts, 0n), 1)).toBe(false);
  });
});
