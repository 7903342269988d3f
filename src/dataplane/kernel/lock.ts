import { ShuntError } from '../../errors.ts';
import { errnoOf } from '../../native/kernel-error.ts';
import { lockDirectory } from '../../native/system.ts';

/** Two agents that write the same tables would undo each other's work. Held until the descriptor is closed. */
export const lockRoot = (bpfRoot: string): number => {
  try {
    return lockDirectory(bpfRoot);
  } catch (error) {
    if (errnoOf(error) !== 'EAGAIN') throw error;
    throw new ShuntError('SHUNT_E_LOCKED', { path: bpfRoot }, { cause: error });
  }
};
