import { bpffs } from './bpffs.ts';
import { cgroup, cgroupNamespace } from './cgroup.ts';
import type { Check } from './check.ts';
import { clientPods } from './client-pods.ts';
import { features } from './features.ts';
import type { Target } from './host.ts';
import { btf, jit, kernel, lockdown } from './kernel.ts';
import { memlock } from './memlock.ts';
import { namespaces } from './namespaces.ts';
import { attachedPrograms, kubeProxy } from './neighbours.ts';
import { privileges } from './privileges.ts';
import { sameNode } from './same-node.ts';

const CHECKS: readonly ((target: Target) => Check)[] = [
  privileges,
  kernel,
  btf,
  jit,
  lockdown,
  memlock,
  cgroup,
  cgroupNamespace,
  bpffs,
  namespaces,
  kubeProxy,
];

/** Every check, from what all rests on to what is only nice to have. */
export const examine = async (target: Target): Promise<readonly Check[]> => [
  ...CHECKS.map((check) => check(target)),
  await clientPods(target),
  await attachedPrograms(target),
  ...(await features(target)),
  await sameNode(target),
];
