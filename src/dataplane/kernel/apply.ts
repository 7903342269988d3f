import {
  encodeFrontendKeys,
  encodeFrontends,
  retireBackend,
  retireService,
  writeBackend,
  writeService,
  writeWeight,
} from '../../abi/codec.ts';
import { SLOT } from '../../abi/layout.gen.ts';
import type { Transaction } from '../../core/plan/transaction.ts';
import { ShuntError } from '../../errors.ts';
import type { BpfMap } from '../../native/map.ts';
import type { Memories } from './tables.ts';

/**
 * Carries out a transaction, in its order. Everything but `frontends` is a store to shared memory; the system call
 * that publishes a frontend orders those stores before it.
 */
export const applyTransaction = (transaction: Transaction, memory: Memories, frontends: BpfMap): void => {
  const { backends, weights, services, slots, frontendDeletes, retiredBackends, retiredServices } = transaction;
  for (const backend of backends) writeBackend(memory.backends, backend);
  for (const { index, weight } of weights) writeWeight(memory.backends, index, weight);
  for (const service of services) writeService(memory.services, service);
  for (const { base, words } of slots) memory.slots.words.set(words, base * (SLOT.size >>> 2));
  putFrontends(transaction, frontends);
  deleteFrontends(frontendDeletes, frontends);
  for (const index of retiredBackends) retireBackend(memory.backends, index);
  for (const index of retiredServices) retireService(memory.services, index);
};

const putFrontends = ({ frontends: puts }: Transaction, map: BpfMap): void => {
  const { keys, values } = encodeFrontends(puts);
  putEntries(map, keys, values, puts.length);
};

/** @throws ShuntError SHUNT_E_APPLY unless all of them were taken. */
export const putEntries = (map: BpfMap, keys: Uint8Array, values: Uint8Array, count: number): void => {
  if (count > 0) check('put', count, () => map.update(keys, values, count));
};

const deleteFrontends = (deletes: Transaction['frontendDeletes'], map: BpfMap): void => {
  if (deletes.length === 0) return;
  check('delete', deletes.length, () => map.delete(encodeFrontendKeys(deletes), deletes.length));
};

const check = (step: string, total: number, call: () => number): void => {
  let applied = 0;
  let reason = 'the kernel stopped early';
  let cause: unknown;
  try {
    applied = call();
  } catch (error) {
    cause = error;
    reason = error instanceof Error ? error.message : String(error);
  }
  if (applied < total)
    throw new ShuntError('SHUNT_E_APPLY', { step: `frontends: ${step}`, applied, total, reason }, { cause });
};
