import { SLOT_WORDS } from '../core/plan/alias.ts';
import type { Transaction } from '../core/plan/transaction.ts';
import type { Writes } from './view.ts';

export const NO_WRITES: Writes = Object.freeze({ backends: 0, services: 0, slots: 0, frontends: 0, removed: 0 });

/** Table entries that a transaction writes; NO_WRITES itself when it is empty. */
export const writesOf = (transaction: Transaction): Writes => {
  const { backends, weights, services, slots, frontends } = transaction;
  const { frontendDeletes, retiredBackends, retiredServices } = transaction;
  const writes = {
    backends: backends.length + weights.length,
    services: services.length,
    slots: slots.reduce((sum, { words }) => sum + words.length / SLOT_WORDS, 0),
    frontends: frontends.length,
    removed: frontendDeletes.length + retiredBackends.length + retiredServices.length,
  };
  return totalOf(writes) === 0 ? NO_WRITES : writes;
};

export const addWrites = (a: Writes, b: Writes): Writes => ({
  backends: a.backends + b.backends,
  services: a.services + b.services,
  slots: a.slots + b.slots,
  frontends: a.frontends + b.frontends,
  removed: a.removed + b.removed,
});

const totalOf = ({ backends, services, slots, frontends, removed }: Writes): number =>
  backends + services + slots + frontends + removed;
