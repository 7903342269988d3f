import type { ChildProcess, SpawnOptions } from 'node:child_process';
import {
  hardwareAddress,
  NODE_ADDRESS4,
  NODE_ADDRESS6,
  type PodAddresses,
  SERVICE_NETWORK4,
  SERVICE_NETWORK6,
} from './address.ts';
import { makeCgroup, removeCgroup } from './cgroup.ts';
import { runCommand } from './command.ts';
import { addNamespace, PREPARE, removeNamespaces, runInNamespace, runIp } from './namespace.ts';
import type { Place, Processes, Spawner } from './process.ts';
import { settleAll } from './settle.ts';

/** A network namespace on the node's bridge, and a cgroup: what a pod is to the kernel. */
export interface Pod extends PodAddresses, Place, Spawner {
  readonly name: string;
  /** Its interface in the node's namespace. */
  readonly link: string;
}

export interface PodPlan extends PodAddresses, Place {
  readonly name: string;
  readonly link: string;
  readonly node: string;
  /** Packets to Service addresses go to the node instead of being refused in the pod. */
  readonly servicesToNode: boolean;
}

export const makePod = async (plan: PodPlan, processes: Processes): Promise<Pod> => {
  const { name, link, netns, cgroup, address4, address6 } = plan;
  await settleAll([makeCgroup(cgroup), addNamespace(netns)]);
  await runInNamespace(netns, `setting up the pod ${name}`, [...PREPARE, ...runIp(links(plan))]);
  await runInNamespace(plan.node, `joining the pod ${name} to its node`, runIp([`link set ${link} master bridge up`]));

  const place = { netns, cgroup };
  const spawn = (command: string, args: readonly string[] = [], options: SpawnOptions = {}): ChildProcess =>
    processes.spawn(place, command, args, options);
  return Object.freeze({ name, link, netns, cgroup, address4, address6, spawn });
};

/** Removes what there is of a pod, also of one that was only half made. */
export const removePod = async (plan: PodPlan, processes: Processes): Promise<void> => {
  await processes.end(plan.cgroup);
  await removeCgroup(plan.cgroup);
  // The kernel removes a namespace later, in the background. The link goes now, so that its address can be given again.
  await runCommand(`removing the pod ${plan.name}`, 'ip', ['-n', plan.node, 'link', 'del', plan.link]).catch(() => {});
  await removeNamespaces([plan.netns]);
};

/** Both ends of the veth pair are born in namespaces of the node: no link of ours is ever seen outside. */
const links = ({ link, node, address4, address6, servicesToNode }: PodPlan): readonly string[] => [
  `link add eth0 address ${hardwareAddress(address4)} type veth peer name ${link} netns ${node}`,
  `address add ${address4}/16 dev eth0`,
  `address add ${address6}/48 dev eth0 nodad`,
  'link set eth0 up',
  // Nothing but pods and the node can be reached; anything else fails at once, in the pod.
  'route add unreachable default',
  'route add unreachable ::/0',
  ...(servicesToNode
    ? [`route add ${SERVICE_NETWORK4} via ${NODE_ADDRESS4}`, `route add ${SERVICE_NETWORK6} via ${NODE_ADDRESS6}`]
    : []),
];
