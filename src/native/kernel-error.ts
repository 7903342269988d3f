import { getSystemErrorName } from 'node:util';
import { ShuntError } from '../errors.ts';

/** A refusal by the kernel, as Node tells its own: `code` is the name of the errno, `errno` its negative number. */
interface SystemError extends Error {
  readonly errno: number;
  readonly code: string;
  readonly syscall: string;
}

/** SHUNT_E_KERNEL for a call that failed with this (positive) errno; its cause is a SystemError with the whole text. */
export const kernelError = (call: string, errno: number, text: string): ShuntError => {
  const name = errnoName(errno);
  const cause: SystemError = Object.assign(new Error(text || name), { errno: -errno, code: name, syscall: call });
  const detail = text === '' ? '' : `: ${endOf(text)}`;
  return new ShuntError('SHUNT_E_KERNEL', { call, errno: name, detail }, { cause });
};

/** The name of the errno that a SHUNT_E_KERNEL error is about, such as `ENOENT`; undefined for any other error. */
export const errnoOf = (error: unknown): string | undefined =>
  error instanceof ShuntError && error.code === 'SHUNT_E_KERNEL' ? (error.cause as SystemError).code : undefined;

/** What the kernel answers where a map or program type lacks an operation; it should never have left the kernel. */
const ENOTSUPP = 524;

const errnoName = (errno: number): string => {
  if (errno === ENOTSUPP) return 'ENOTSUPP';
  const name = getSystemErrorName(-errno);
  return name.startsWith('Unknown') ? `errno ${errno}` : name;
};

/** A verifier log says last what was wrong. */
const LINES_MAX = 20;

const endOf = (text: string): string => {
  const lines = text.split('\n');
  return lines.length <= LINES_MAX ? text : ['...', ...lines.slice(-LINES_MAX)].join('\n');
};
