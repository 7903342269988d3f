import {
  CHECK_ADDRESS_0,
  CHECK_ADDRESS_1,
  CHECK_ADDRESS_2,
  CHECK_ADDRESS_3,
  CHECK_PORT_PROTOCOL,
  CHECK_SEED,
  CHECK_SERVICE,
  CHECK_SLOT_BASE,
  CHECK_SLOT_COUNT,
} from './layout.gen.ts';

/**
 * The sum over a frontend's key (five words as they lie in memory) and its value that tells a program whether it read
 * the two of one entry; bpf/frontend.h says why, and computes the same.
 */
export const frontendCheck = (
  key: Uint32Array,
  at: number,
  value: { readonly service: number; readonly slotBase: number; readonly slotCount: number },
): number => {
  let sum = CHECK_SEED;
  for (const [index, factor] of KEY_FACTORS.entries()) sum += Math.imul(key[at + index] as number, factor);
  sum += Math.imul(value.service, CHECK_SERVICE);
  sum += Math.imul(value.slotBase, CHECK_SLOT_BASE);
  sum += Math.imul(value.slotCount, CHECK_SLOT_COUNT);
  return sum >>> 0;
};

const KEY_FACTORS = [CHECK_ADDRESS_0, CHECK_ADDRESS_1, CHECK_ADDRESS_2, CHECK_ADDRESS_3, CHECK_PORT_PROTOCOL] as const;
