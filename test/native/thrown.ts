import { ShuntError } from '../../src/errors.ts';

/** The error that a call must end with. */
export const thrownBy = (call: () => unknown): ShuntError => {
  try {
    call();
  } catch (error) {
    if (error instanceof ShuntError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};
