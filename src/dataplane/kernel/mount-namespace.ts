import { readlinkSync } from 'node:fs';

/**
 * Does what is mounted here outlive this process? Not in a container, nor in a service with mounts of its own: there it
 * goes with the last process, and every pin in it. A container may see the processes of the machine and yet not be
 * allowed to look at process 1 (ptrace(2), "Ptrace access mode checking"): then nobody knows, and nothing is mounted.
 */
export const mountsLast = (readLink: ReadLink = attemptReadLink): boolean => {
  if (readLink('/proc/self/ns/pid') !== FIRST_PID_NAMESPACE) return false;
  const first = readLink('/proc/1/ns/mnt');
  return first !== undefined && first === readLink('/proc/self/ns/mnt');
};

type ReadLink = (path: string) => string | undefined;

/** PROC_PID_INIT_INO, include/linux/proc_ns.h: in any other, process 1 is not that of the machine. */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]';

const attemptReadLink: ReadLink = (path) => {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
};
