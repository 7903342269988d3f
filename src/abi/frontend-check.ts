import {
  CHECK_ADDRESS_0,
  CHECK_ADDRESS_1,
  CHECK_ADDRESS_2,
  CHECK_ADDRESS_3,
  CHECK_CLIENT_0,
  CHECK_CLIENT_1,
  CHECK_FLAGS,
  CHECK_PORT_PROTOCOL,
  CHECK_SCOPE,
  CHECK_SEED,
  CHECK_SERVICE,
  CHECK_SLOT_BASE,
  CHECK_SLOT_COUNT,
  FRONTEND,
} from './layout.gen.ts';

/**
 * The sum over a frontend's key (seven words as they lie in memory) and its value that tells a program whether it read
 * the two of one entry; bpf/frontend.h says why, and computes the same.
 */
export const frontendCheck = (key: Uint32Array, keyAt: number, value: Uint32Array, valueAt: number): number => {
  let sum = CHECK_SEED;
  for (const [index, factor] of KEY_FACTORS.entries()) sum += Math.imul(key[keyAt + index] as number, factor);
  for (const [index, factor] of VALUE_FACTORS) sum += Math.imul(value[valueAt + index] as number, factor);
  return sum >>> 0;
};

const KEY_FACTORS = [
  CHECK_ADDRESS_0,
  CHECK_ADDRESS_1,
  CHECK_ADDRESS_2,
  CHECK_ADDRESS_3,
  CHECK_PORT_PROTOCOL,
  CHECK_CLIENT_0,
  CHECK_CLIENT_1,
] as const;

/** By the place of the word in the record. */
const VALUE_FACTORS = [
  [FRONTEND.service >>> 2, CHECK_SERVICE],
  [FRONTEND.slotBase >>> 2, CHECK_SLOT_BASE],
  [FRONTEND.slotCount >>> 2, CHECK_SLOT_COUNT],
  [FRONTEND.scope >>> 2, CHECK_SCOPE],
  [FRONTEND.flags >>> 2, CHECK_FLAGS],
] as const;
