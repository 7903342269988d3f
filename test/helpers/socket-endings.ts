import type { SocketEnding } from '../../src/dataplane/dataplane.ts';
import { probeFeatures } from '../../src/dataplane/kernel/probe.ts';

/** The ways in which this kernel ends sockets. Whoever has bpf_sock_destroy has the older one too. */
export const SOCKET_ENDINGS: readonly Exclude<SocketEnding, 'none'>[] =
  probeFeatures().socketEnding === 'bpf' ? ['bpf', 'netlink'] : ['netlink'];
