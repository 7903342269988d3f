import { openKernel } from '../../src/dataplane/kernel/kernel.ts';
import { KernelSameNode } from '../../src/dataplane/kernel/same-node/same-node.ts';
import { NAMESPACES } from '../../src/demo/namespace.ts';
import { createNode } from '../../src/demo/node.ts';
import type { Pod } from '../../src/demo/pod.ts';
import { type BatteryMode, prepareForBattery, runBattery } from './battery.ts';
import { openIdleConnection } from './idle-connection.ts';

/** A node with two pairs of Pods: one that is plain, and one whose connections are joined. One check at a time. */
export interface Lane extends AsyncDisposable {
  run(check: string, options: LaneOptions): Promise<LaneResult>;
}

export interface LaneOptions {
  readonly mode: BatteryMode;
  readonly family: Family;
  readonly seed: number;
  readonly rounds: number;
}

export type Family = 'IPv4' | 'IPv6' | 'IPv4-mapped';

/** What a check came to, with plain TCP and joined, and how many messages of the joined pair were redirected. */
export interface LaneResult {
  readonly check: string;
  readonly plain: string;
  readonly joined: string;
  readonly messages: number;
}

/** How often a pair that can be joined is looked for. */
const TEND_MS = 20;
/** Within the first rounds of each connection, so that it is joined before the check goes on: a few looks. */
const PAUSE_MS = 120;

/** `node` names the node. The self-test of redirection is tested elsewhere, and would be run for each lane. */
export const openLane = async (name: string): Promise<Lane> => {
  const opened = new AsyncDisposableStack();
  try {
    const node = opened.adopt(await createNode({ name }), (each) => each.close());
    const pods = await Promise.all(['from', 'to', 'joined-from', 'joined-to'].map((each) => node.addPod(each)));
    await Promise.all(pods.map(prepareForBattery));
    const [from, to, joinedFrom, joinedTo] = pods as [Pod, Pod, Pod, Pod];
    const kernel = opened.adopt(await openKernel({ ...node, ...SMALL, selfTest: async () => [] }), closeKernel);
    const sameNode = sameNodeOf(kernel);
    sameNode.set([joinedFrom, joinedTo].flatMap(endsOf));
    await sameNode.settled();
    const timer = setInterval(() => sameNode.tend(), TEND_MS);
    opened.defer(() => clearInterval(timer));
    await openIdleConnection(joinedFrom, joinedTo, () => sameNode.stats().sockets.candidate === 2);
    const run: Lane['run'] = async (check, options) => {
      const plain = await runOne(check, from, to, options);
      const before = messagesOf(sameNode);
      const joined = await runOne(check, joinedFrom, joinedTo, options);
      return { check, plain, joined, messages: messagesOf(sameNode) - before };
    };
    return { run, [Symbol.asyncDispose]: () => opened.disposeAsync() };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
};

const SMALL = {
  connections: 4096,
  capacity: { frontends: 64, slots: 64, backends: 64, services: 64 },
  netns: NAMESPACES,
} as const;

type Kernel = Awaited<ReturnType<typeof openKernel>>;

const closeKernel = async (kernel: Kernel): Promise<void> => {
  const sameNode = sameNodeOf(kernel);
  sameNode.set([]);
  await sameNode.settled();
  kernel.close();
};

const sameNodeOf = ({ sameNode }: Kernel): KernelSameNode => {
  if (!(sameNode instanceof KernelSameNode)) throw new Error('this kernel joins nobody');
  return sameNode;
};

const endsOf = ({ address4, address6 }: Pod) =>
  [address4, address6].map((address) => ({ address, port: 0, mode: 'redirect' }) as const);

const messagesOf = (sameNode: KernelSameNode): number => sameNode.stats().messages;

const runOne = async (check: string, from: Pod, to: Pod, { family, ...options }: LaneOptions): Promise<string> => {
  const address = { IPv4: to.address4, IPv6: to.address6, 'IPv4-mapped': `::ffff:${to.address4}` }[family];
  const lines = await runBattery({ ...options, from, to, address, checks: [check], pauseMs: PAUSE_MS });
  return lines.get(check) ?? 'nothing was said';
};
