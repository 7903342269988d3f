import { CAP, capabilities, has } from './capabilities.ts';
import { type Check, ok, warn } from './check.ts';
import type { Target } from './host.ts';

/** Tables counted against RLIMIT_MEMLOCK before Linux 5.11; since then against the memory cgroup. */
export const memlock = ({ host }: Target): Check => {
  const limit = /^Max locked memory\s+(\S+)/m.exec(host.read('/proc/self/limits') ?? '')?.[1] ?? 'unknown';
  if (limit === 'unlimited') return ok('memlock', 'unlimited');
  if (has(capabilities(host), CAP.SYS_RESOURCE))
    return ok('memlock', `${limit} bytes, raised where the kernel counts it`);
  return warn(
    'memlock',
    `${limit} bytes`,
    'On a kernel before 5.11 grant CAP_SYS_RESOURCE or run `ulimit -l unlimited`.',
  );
};
