import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Does what is mounted here outlive this process? Not in a container, nor in a service with mounts of its own: there it
 * goes with the last process, and every pin in it. A container may see the processes of the machine, and yet neither it
 * nor everybody on the machine may look at process 1 (ptrace(2), "Ptrace access mode checking"). Then the mount of `/`
 * tells: the machine's lies on the kernel's first one, whose number is 1, and what was copied from it has other numbers.
 */
export const mountsLast = (read: Read = READ): boolean => {
  if (read.link('/proc/self/ns/pid') !== FIRST_PID_NAMESPACE) return false;
  const first = read.link('/proc/1/ns/mnt');
  if (first !== undefined) return first === read.link('/proc/self/ns/mnt');
  return ROOT_ON_FIRST_MOUNT.test(read.file('/proc/self/mountinfo') ?? '');
};

/** Undefined where it may not be read. */
interface Read {
  readonly link: (path: string) => string | undefined;
  readonly file: (path: string) => string | undefined;
}

/** PROC_PID_INIT_INO, include/linux/proc_ns.h: in any other, process 1 is not that of the machine. */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]';

/** Mount, its parent, device, root in it, mount point: proc_pid_mountinfo(5). */
const ROOT_ON_FIRST_MOUNT = /^\d+ 1 \S+ \S+ \/ /m;

const attempt = (read: () => string): string | undefined => {
  try {
    return read();
  } catch {
    return undefined;
  }
};

const READ: Read = {
  link: (path) => attempt(() => readlinkSync(path)),
  file: (path) => attempt(() => readFileSync(path, 'utf8')),
};
