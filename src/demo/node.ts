import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { ShuntError } from '../errors.ts';
import { AddressBook, NODE_ADDRESS4, NODE_ADDRESS6 } from './address.ts';
import { BPFFS, makeBpfRoot } from './bpffs.ts';
import { cgroupRoot, makeCgroup } from './cgroup.ts';
import { cleanStaleNodes, nodeName, removeNode } from './leftovers.ts';
import { addNamespace, PREPARE, runInNamespace, runIp, setSysctls } from './namespace.ts';
import { makePod, type Pod, type PodPlan, removePod } from './pod.ts';
import { Processes, type Spawner } from './process.ts';
import { settleAll } from './settle.ts';

export interface NodeOptions {
  /** Tells nodes of one process apart where namespaces are listed: a DNS label. */
  readonly name?: string;
  /**
   * Pods hand packets for Service addresses to the node, for rules in its netfilter hooks. Without it a Service
   * address that nothing rewrites is refused in the pod, and no packet of it exists anywhere.
   */
  readonly servicesToNode?: boolean;
}

export interface PodOptions {
  /** In 10.244.0.0/16; the next free one if not given. */
  readonly ipv4?: string;
  /** In fd00:10:244::/48; made from the IPv4 address if not given: 10.244.3.7 has fd00:10:244:3::7. */
  readonly ipv6?: string;
  /** Its cgroup lies where the kubelet would make that of a Pod with this uid, so that the agent knows whose it is. */
  readonly uid?: string;
}

/**
 * Makes a whole small node: network namespaces for itself and its pods, joined by a bridge, without a route out; a
 * cgroup with a child for each pod; a directory for pins. Leftovers of creators that are dead are removed first.
 */
export const createNode = async (options: NodeOptions = {}): Promise<EmbeddedNode> => {
  if (process.geteuid?.() !== 0) throw failure('making it', 'it needs root');
  await cleanStaleNodes();
  const label = options.name === undefined ? 'node' : `node-${checkName(options.name)}`;
  const node = new EmbeddedNode(nodeName(randomBytes(4).toString('hex')), label, options.servicesToNode ?? false);
  try {
    await setUp(node);
  } catch (error) {
    await node.close();
    throw error;
  }
  return node;
};

const setUp = async ({ netns, cgroup, ownCgroup, bpfRoot }: EmbeddedNode): Promise<void> => {
  await settleAll([
    makeBpfRoot(bpfRoot),
    makeCgroup(cgroup).then(() => makeCgroup(ownCgroup)),
    addNamespace(netns).then(() => runInNamespace(netns, 'setting up its network', NETWORK)),
  ]);
};

const NETWORK: readonly string[] = [
  ...PREPARE,
  ...setSysctls({ 'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1 }),
  ...runIp([
    'link add bridge type bridge forward_delay 0 mcast_snooping 0',
    `address add ${NODE_ADDRESS4}/16 dev bridge`,
    `address add ${NODE_ADDRESS6}/48 dev bridge nodad`,
    'link set bridge up',
    // Nothing leads out of the namespace as it is; these make anything that asks for a way out fail at once.
    'route add unreachable default',
    'route add unreachable ::/0',
  ]),
];

export class EmbeddedNode implements Spawner, AsyncDisposable {
  /** What everything of this node is named after: namespaces, cgroup, pins. Carries the pid of its creator. */
  readonly name: string;
  readonly netns: string;
  /** The cgroup that all processes of the node and its pods are below. */
  readonly cgroup: string;
  /** The one of processes in the node's own network. */
  readonly ownCgroup: string;
  /** A directory on a bpffs for pins of this node. */
  readonly bpfRoot: string;
  readonly address4 = NODE_ADDRESS4;
  readonly address6 = NODE_ADDRESS6;

  readonly #servicesToNode: boolean;
  readonly #addresses = new AddressBook();
  readonly #plans = new Map<string, PodPlan>();
  readonly #pods = new Map<string, Pod>();
  readonly #processes = new Processes();
  readonly #underWay = new Set<Promise<unknown>>();
  #links = 0;
  #closing: Promise<void> | undefined;

  constructor(name: string, label: string, servicesToNode: boolean) {
    this.name = name;
    this.netns = `${name}-${label}`;
    this.cgroup = `${cgroupRoot()}/${name}`;
    this.ownCgroup = `${this.cgroup}/node`;
    this.bpfRoot = `${BPFFS}/${name}`;
    this.#servicesToNode = servicesToNode;
  }

  get pods(): ReadonlyMap<string, Pod> {
    return this.#pods;
  }

  /** Pods may be added at once; a pod whose set-up fails leaves nothing. */
  async addPod(name: string, options: PodOptions = {}): Promise<Pod> {
    this.#checkOpen();
    if (this.#plans.has(checkName(name))) throw failure(`adding the pod ${name}`, 'there is one of that name');
    this.#links += 1;
    const plan: PodPlan = {
      ...this.#addresses.take(options),
      name,
      link: `pod${this.#links}`,
      netns: `${this.name}-pod-${name}`,
      cgroup: options.uid === undefined ? `${this.cgroup}/pod-${name}` : `${this.cgroup}/kubepods/pod${options.uid}`,
      node: this.netns,
      servicesToNode: this.#servicesToNode,
    };
    this.#plans.set(name, plan);
    return this.#track(
      makePod(plan, this.#processes).then(
        (pod) => {
          this.#pods.set(name, pod);
          return pod;
        },
        async (error: unknown) => {
          await this.#remove(plan);
          throw error;
        },
      ),
    );
  }

  /** Ends its processes and removes it; its name and addresses are free again. */
  async removePod(name: string): Promise<void> {
    this.#checkOpen();
    const plan = this.#plans.get(name);
    if (plan === undefined || !this.#pods.delete(name)) throw failure(`removing the pod ${name}`, 'there is none');
    await this.#track(this.#remove(plan));
  }

  /** A process in the node's own network, such as a pod with `hostNetwork` or the agent. */
  spawn(command: string, args: readonly string[] = [], options: SpawnOptions = {}): ChildProcess {
    this.#checkOpen();
    return this.#processes.spawn({ netns: this.netns, cgroup: this.ownCgroup }, command, args, options);
  }

  /** Ends every process and removes everything. May be called more than once. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    // What is half made must stand still before it can be removed.
    await Promise.allSettled(this.#underWay);
    await this.#processes.end();
    this.#pods.clear();
    await removeNode(this.name);
  }

  async #remove(plan: PodPlan): Promise<void> {
    await removePod(plan, this.#processes);
    this.#plans.delete(plan.name);
    this.#addresses.give(plan);
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw failure(this.name, 'it is closed');
  }
}

/** Names become file names and words of command lines. */
const checkName = (name: string): string => {
  if (/^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$/.test(name)) return name;
  throw failure(`the name ${JSON.stringify(name)}`, 'it must be a DNS label');
};

const failure = (step: string, detail: string): ShuntError => new ShuntError('SHUNT_E_NODE', { step, detail });
