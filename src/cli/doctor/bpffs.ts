import { type Check, ok, warn } from './check.ts';
import type { Target } from './host.ts';

/** Programs and tables outlive the agent because they are pinned in a BPF file system. */
export const bpffs = ({ host, bpfRoot }: Target): Check => {
  const mount = mountOf(host.read('/proc/self/mountinfo') ?? '', bpfRoot);
  if (mount?.type === 'bpf') return ok('bpffs', `mounted at ${mount.path}`);
  return warn(
    'bpffs',
    `${bpfRoot} does not lie in a BPF file system`,
    'Run `mount -t bpf bpf /sys/fs/bpf`; `shunt run` mounts it when it may.',
  );
};

interface Mount {
  readonly path: string;
  readonly type: string;
}

/** The mount that a path lies in: the longest, and of equal ones the last. */
const mountOf = (mountinfo: string, path: string): Mount | undefined => {
  const mounts = mountinfo.split('\n').map((line): Mount => {
    const [left = '', right = ''] = line.split(' - ');
    return { path: left.split(' ')[4] ?? '', type: right.split(' ')[0] ?? '' };
  });
  return mounts
    .filter((mount) => mount.path !== '' && isBelow(path, mount.path))
    .reduce<Mount | undefined>(
      (best, mount) => (mount.path.length >= (best?.path.length ?? 0) ? mount : best),
      undefined,
    );
};

const isBelow = (path: string, directory: string): boolean =>
  directory === '/' || path === directory || path.startsWith(`${directory}/`);
