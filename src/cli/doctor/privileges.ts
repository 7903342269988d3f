import { CAP, capabilities, has } from './capabilities.ts';
import { type Check, fail, ok } from './check.ts';
import type { Target } from './host.ts';

/**
 * bpf(2): CAP_NET_ADMIN loads and attaches network programs. For the rest CAP_BPF and CAP_PERFMON would do, but a restart
 * opens attached programs by their ids, and only CAP_SYS_ADMIN may do that; it stands for the other two.
 */
export const privileges = ({ host }: Target): Check => {
  const held = capabilities(host);
  const missing = [
    ...(has(held, CAP.SYS_ADMIN) ? [] : ['CAP_SYS_ADMIN']),
    ...(has(held, CAP.NET_ADMIN) ? [] : ['CAP_NET_ADMIN']),
  ];
  if (missing.length === 0) return ok('privileges', 'may load programs and attach them');
  return fail('privileges', `${missing.join(' and ')} missing`, 'Run as root, or grant these capabilities.');
};
