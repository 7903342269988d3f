import { expect, test } from 'vitest';
import { type CallerEntry, callerTable, encodeCallerKeys } from '../../../src/abi/callers.ts';
import { CALLER_STATS } from '../../../src/abi/layout.gen.ts';

const key = (cgroup: bigint, service: number) => ({ cgroup, service, serviceGeneration: 4_294_967_295 });

test('keys are read as they were written, ids of 64 bits among them', () => {
  const keys = [key(1n, 7), key(0xffff_ffff_ffff_fffen, 4_000_000_000)];
  const values = new Uint8Array(2 * CALLER_STATS.size);
  const table = callerTable(encodeCallerKeys(keys), values, 2);
  expect(table.entries()).toMatchObject(keys);
  expect([table.service(1), table.generation(1)]).toEqual([4_000_000_000, 4_294_967_295]);
  expect(table.cgroupNumber(0)).toBe(1);
});

test.each([
  ['attempts', CALLER_STATS.attempts],
  ['established', CALLER_STATS.established],
  ['failed', CALLER_STATS.failed],
  ['closed', CALLER_STATS.closed],
  ['broken', CALLER_STATS.broken],
  ['rejected', CALLER_STATS.rejected],
  ['bytesSent', CALLER_STATS.bytesSent],
  ['bytesReceived', CALLER_STATS.bytesReceived],
] as const)('%s is the counter of that name, up to 2^53', (name, offset) => {
  const values = new Uint8Array(2 * CALLER_STATS.size);
  new DataView(values.buffer).setBigUint64(CALLER_STATS.size + offset, BigInt(Number.MAX_SAFE_INTEGER), true);
  const [none, one] = callerTable(encodeCallerKeys([key(1n, 1), key(2n, 1)]), values, 2).entries();
  const counts = ({ cgroup: _, service: __, serviceGeneration: ___, ...others }: CallerEntry) => others;
  expect(Object.values(counts(none as CallerEntry))).toEqual(Array(8).fill(0));
  expect(counts(one as CallerEntry)).toMatchObject({ [name]: Number.MAX_SAFE_INTEGER });
  expect(Object.values(counts(one as CallerEntry)).filter((value) => value !== 0)).toHaveLength(1);
});
