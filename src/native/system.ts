import { argumentsOf } from './arguments.ts';
import { adopt } from './descriptor.ts';
import { call, callAsync } from './shim.ts';

/** Mounts a bpffs over a directory, open to root alone. */
export const mountBpffs = (path: string): void => {
  call('mountBpffs', argumentsOf('mountBpffs').text('path', path));
};

export const isBpffs = (path: string): boolean => call('isBpffs', argumentsOf('isBpffs').text('path', path)) === 1;

/**
 * Takes a directory for this process alone, until `closeFd` or until the process ends in whatever way. EAGAIN: another
 * has it.
 */
export const lockDirectory = (path: string): number => adopt(call('lock', argumentsOf('lock').text('path', path)));

/**
 * Resolves when every program run that was under way at the call has ended, some milliseconds later: nothing that was
 * taken out of the tables before has a reader then. Non-sleepable programs, which all programs at cgroups are.
 */
export const waitPrograms = async (): Promise<void> => {
  await callAsync('waitPrograms');
};

/** The kernel counts program runs and their time until the descriptor is closed with `closeFd`. */
export const enableStats = (): number => adopt(call('enableStats'));

export const possibleCpus = (): number => call('possibleCpus');

/** Gives free memory of the C library's heap back to the system. True if there was any. */
export const trimMemory = (): boolean => call('trimMemory') === 1;

/**
 * Takes the pages of programs and libraries out of this process, which finds those that it needs again in the page cache.
 * Node's own start needs 20 MB that nothing else does. Returns from how many mappings.
 */
export const unmapCleanPages = (): number => call('unmapCleanPages');

/** Needed before maps are made by kernels before 5.11. EPERM without CAP_SYS_RESOURCE. */
export const liftMemoryLock = (): void => {
  call('setRlimitMemlock');
};
