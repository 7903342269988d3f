import { CAP, capabilities, has } from './capabilities.ts';
import { type Check, fail, ok, warn } from './check.ts';
import type { Target } from './host.ts';

/**
 * CAP_SYS_ADMIN does all that bpf(2) asks for. CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN would do as well, but for a restart,
 * which opens attached programs by their ids. CAP_NET_ADMIN ends sockets where the kernel has no program for that.
 */
export const privileges = ({ host }: Target): Check => {
  const held = capabilities(host);
  if (!has(held, CAP.SYS_ADMIN)) return fail('privileges', 'CAP_SYS_ADMIN missing', 'Run as root, or grant it.');
  if (has(held, CAP.NET_ADMIN)) return ok('privileges', 'may load programs, attach them and end sockets');
  return warn(
    'privileges',
    'CAP_NET_ADMIN missing: on kernels before 6.5 connected UDP sockets keep an endpoint that is gone',
    'Run as root, or grant it.',
  );
};
