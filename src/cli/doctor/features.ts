import { ShuntError } from '../../errors.ts';
import { type Check, fail, ok, warn } from './check.ts';
import type { KernelFeatures, Target } from './host.ts';

/** Whether the kernel takes the programs, and what it lacks of what they can use: found by loading them. */
export const features = async ({ host }: Target): Promise<readonly Check[]> => {
  try {
    return judge(await host.features());
  } catch (error) {
    if (!(error instanceof ShuntError)) throw error;
    return [fail('programs', error.message, error.code === 'SHUNT_E_LOAD' ? NEEDS : error.help)];
  }
};

/** Who reads it has asked doctor already. */
const NEEDS = 'Shunt needs Linux 5.10 with BTF, cgroup v2 and CAP_SYS_ADMIN: do what the other checks say.';

const judge = ({ setRetval, atomics, socketEnding, firstResponse }: KernelFeatures): readonly Check[] => [
  ok('programs', 'the kernel takes them'),
  setRetval
    ? ok('bpf_set_retval', 'works: a Service without endpoints refuses at once')
    : warn('bpf_set_retval', 'missing: a Service without endpoints is left to kube-proxy', 'Linux 5.18 has it.'),
  atomics
    ? ok('atomics', 'compare-and-swap works: every connection is counted exactly once')
    : warn('atomics', 'no compare-and-swap: counts may be off when sockets race', 'Linux 5.12 has it.'),
  judgeSocketEnding(socketEnding),
  firstResponse
    ? ok('first responses', 'their times can be measured, where a TrafficPolicy asks for it')
    : warn('first responses', 'their times cannot be measured; nothing else is lost', 'Linux 5.12 with BTF can do it.'),
];

const judgeSocketEnding = (way: KernelFeatures['socketEnding']): Check => {
  if (way !== 'none') return ok('UDP sockets', `${WAYS[way]} wakes connected ones whose endpoint is gone`);
  return warn(
    'UDP sockets',
    'connected ones keep an endpoint that is gone, until they connect again',
    'Linux 6.5 can end them, and so can a kernel with CONFIG_INET_DIAG_DESTROY=y and CONFIG_INET_UDP_DIAG.',
  );
};

const WAYS = { bpf: 'bpf_sock_destroy', netlink: 'SOCK_DESTROY' } as const;
