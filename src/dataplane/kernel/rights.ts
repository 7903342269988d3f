import { ShuntError } from '../../errors.ts';

/**
 * Makes or looks at something at a path of the BPF file system, or above.
 *
 * @throws ShuntError SHUNT_E_RIGHTS where the file system says EACCES or EPERM.
 */
export const withRights = <T>(path: string, use: () => T): T => {
  try {
    return use();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    throw new ShuntError('SHUNT_E_RIGHTS', { path, reason: code }, { cause: error });
  }
};
