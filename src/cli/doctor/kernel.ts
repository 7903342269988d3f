import { type Check, fail, ok, warn } from './check.ts';
import type { Target } from './host.ts';

/** For people only: what the kernel can do is found by trying, as distributions carry features back. */
export const kernel = ({ host }: Target): Check =>
  ok('kernel', `${host.read('/proc/sys/kernel/osrelease')?.trim() ?? 'unknown'} (for information)`);

/** Fields of kernel structures are relocated by it when the programs are loaded (CO-RE). */
export const btf = ({ host }: Target): Check =>
  host.exists('/sys/kernel/btf/vmlinux')
    ? ok('btf', 'the kernel describes its types')
    : fail('btf', 'the kernel has no BTF', 'Use a kernel with CONFIG_DEBUG_INFO_BTF=y: it takes no program without.');

export const jit = ({ host }: Target): Check => {
  const value = host.read('/proc/sys/net/core/bpf_jit_enable')?.trim();
  if (value === undefined) return ok('jit', 'cannot be seen from this network namespace');
  if (value !== '0') return ok('jit', 'programs are compiled to machine code');
  return warn('jit', 'programs are interpreted: slower', 'Run `sysctl -w net.core.bpf_jit_enable=1`.');
};

/** kernel_lockdown(7): "none [integrity] confidentiality". */
export const lockdown = ({ host }: Target): Check => {
  const mode = /\[(\w+)\]/.exec(host.read('/sys/kernel/security/lockdown') ?? '')?.[1] ?? 'none';
  if (mode !== 'confidentiality') return ok('lockdown', mode);
  return warn('lockdown', mode, 'Programs may not read kernel memory; boot with lockdown=integrity if one is refused.');
};
