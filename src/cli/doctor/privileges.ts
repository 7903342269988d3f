import { CAP, capabilities, has } from './capabilities.ts';
import { type Check, fail, ok } from './check.ts';
import type { Target } from './host.ts';

/** bpf(2): CAP_BPF loads, CAP_NET_ADMIN loads and attaches network programs; CAP_SYS_ADMIN stands for CAP_BPF. */
export const privileges = ({ host }: Target): Check => {
  const held = capabilities(host);
  const missing = [
    ...(has(held, CAP.BPF) || has(held, CAP.SYS_ADMIN) ? [] : ['CAP_BPF']),
    ...(has(held, CAP.NET_ADMIN) ? [] : ['CAP_NET_ADMIN']),
  ];
  if (missing.length === 0) return ok('privileges', 'may load programs and attach them');
  return fail('privileges', `${missing.join(' and ')} missing`, 'Run as root, or grant these capabilities.');
};
