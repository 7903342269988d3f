import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, statfs } from 'node:fs/promises';
import { runCommand } from './command.ts';

export const BPFFS = '/sys/fs/bpf';

/** BPF_FS_MAGIC of linux/magic.h. */
const MAGIC = 0xcafe4a11;

/** Several creators may come at once, and a second mount would hide the pins of the first: one at a time. */
const MOUNT_ONCE = '[ "$(stat -f -c %t "$1")" = cafe4a11 ] || mount -t bpf -o mode=0700 bpf "$1"';

/** Makes a directory for pins, on a bpffs that is mounted when there is none. */
export const makeBpfRoot = async (path: string): Promise<void> => {
  if (!(await isBpffs())) {
    await runCommand(`mounting ${BPFFS}`, 'flock', [BPFFS, 'sh', '-c', MOUNT_ONCE, 'sh', BPFFS]);
  }
  await mkdir(path, { mode: 0o700 });
};

/** Unpins everything in the directory. One that is not there is no error. */
export const removeBpfRoot = async (path: string): Promise<void> => {
  if (existsSync(path)) await rm(path, { recursive: true, force: true });
};

export const bpfRootsOf = async (prefix: string): Promise<readonly string[]> => {
  const names = (await isBpffs()) ? await readdir(BPFFS) : [];
  return names.filter((name) => name.startsWith(prefix));
};

const isBpffs = async (): Promise<boolean> => (await statfs(BPFFS)).type === MAGIC;
