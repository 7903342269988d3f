import { CAP, capabilities, has } from './capabilities.ts';
import { type Check, ok, warn } from './check.ts';
import type { Host, Target } from './host.ts';

/**
 * Tables counted against RLIMIT_MEMLOCK before Linux 5.11; since then against the memory cgroup. Nothing in the kernel
 * tells which, so this one check goes by the version: where a distribution carried the change back, it warns in vain.
 */
export const memlock = ({ host }: Target): Check => {
  const limit = /^Max locked memory\s+(\S+)/m.exec(host.read('/proc/self/limits') ?? '')?.[1] ?? 'unknown';
  if (limit === 'unlimited') return ok('memlock', 'unlimited');
  if (!countsTables(host)) return ok('memlock', `${limit} bytes, which this kernel does not hold tables to`);
  if (has(capabilities(host), CAP.SYS_RESOURCE))
    return ok('memlock', `${limit} bytes, raised where the kernel counts it`);
  return warn(
    'memlock',
    `${limit} bytes`,
    'On a kernel before 5.11 grant CAP_SYS_RESOURCE or run `ulimit -l unlimited`.',
  );
};

const countsTables = (host: Host): boolean => {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(host.read('/proc/sys/kernel/osrelease') ?? '') ?? [];
  return Number(major) < 5 || (Number(major) === 5 && Number(minor) < 11);
};
