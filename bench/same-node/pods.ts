import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { SameNodeEnd, SameNodeMode } from '../../src/core/same-node/end.ts';
import { openKernel } from '../../src/dataplane/kernel/kernel.ts';
import { listSets } from '../../src/dataplane/kernel/pins.ts';
import { linkIn } from '../../src/dataplane/kernel/same-node/pins.ts';
import type { KernelSameNode } from '../../src/dataplane/kernel/same-node/same-node.ts';
import { NAMESPACES } from '../../src/demo/namespace.ts';
import { createNode } from '../../src/demo/node.ts';
import type { Pod } from '../../src/demo/pod.ts';
import { type Conversation, converseIn } from '../conversation.ts';

/** Two Pods on the bridge of a node of their own, without a route out. */
export interface Pair {
  readonly client: Pod;
  readonly server: Pod;
  /** A program that ends when its input does. */
  start(pod: Pod, command: readonly string[]): Conversation;
}

/** A pair at whose node nothing of this project is attached. */
export const addPair = async (name: string, cleanup: AsyncDisposableStack): Promise<Pair> =>
  (await addNode(name, cleanup)).pair;

/** A pair and the programs of redirection, which are attached while somebody takes part. */
export interface RedirectedPair extends Pair {
  readonly sameNode: KernelSameNode;
  /** Both Pods stand so to being redirected; `others` take part besides, or instead where they are addresses of these. Resolves when that is in force. */
  set(mode: SameNodeMode | undefined, others?: readonly SameNodeEnd[]): Promise<void>;
  /** Whether reads of all sockets of the node are watched now. */
  isWatching(): boolean;
  /** Where what is attached is pinned. */
  place(): { readonly walk: string; readonly candidates: string };
}

export const addRedirectedPair = async (name: string, cleanup: AsyncDisposableStack): Promise<RedirectedPair> => {
  const { pair, node } = await addNode(name, cleanup);
  const kernel = await openKernel({
    cgroup: node.cgroup,
    bpfRoot: node.bpfRoot,
    capacity: { frontends: 64, slots: 256, backends: 64, services: 64 },
    connections: 2 ** 16,
    netns: NAMESPACES,
  });
  const sameNode = kernel.sameNode as KernelSameNode;
  // What the agent has attached anyway, so that what is found is what redirection adds.
  await kernel.activate();
  cleanup.defer(async () => {
    sameNode.set([]);
    await sameNode.settled();
    kernel.close();
  });
  const pathOfSet = (): string => {
    const [set] = listSets(node.bpfRoot, 'same-node');
    if (set === undefined) throw new Error('nothing is attached');
    return set.path;
  };
  return {
    ...pair,
    sameNode,
    isWatching: () => existsSync(linkIn(pathOfSet(), 'read')),
    set: async (mode, others = []) => {
      const own = mode === undefined ? [] : endsOf(pair, mode);
      const isOther = ({ address }: SameNodeEnd): boolean => others.some((other) => other.address === address);
      sameNode.set([...own.filter((end) => !isOther(end)), ...others]);
      await sameNode.settled();
      if (sameNode.unavailable !== undefined) throw new Error(sameNode.unavailable);
      if (sameNode.isAttached !== (mode !== undefined)) throw new Error('redirection is not as it was set');
    },
    place: () => ({ walk: linkIn(pathOfSet(), 'walk'), candidates: `${pathOfSet()}/candidates` }),
  };
};

/** As the agent does, until it is disposed of. */
export const tendAlways = (sameNode: KernelSameNode): Disposable => {
  const timer = setInterval(() => sameNode.tend(), TEND_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
};

/** Until reads of all sockets are watched: soon after there is a connection that may be joined, if the agent tends to it. */
export const untilWatching = async ({ isWatching }: RedirectedPair): Promise<void> => {
  for (let tries = 0; !isWatching(); tries++) {
    if (tries === WATCH_TRIES_MAX) throw new Error('reads are not watched');
    await pause(WATCH_STEP_MS);
  }
};

/** Until a program that `pod` runs listens there. */
export const untilListening = async (pod: Pod, port: number): Promise<void> => {
  const script = `until grep -q ":${port.toString(16).toUpperCase().padStart(4, '0')} 0*:0000 0A" /proc/net/tcp; do sleep 0.02; done`;
  const [status] = await once(pod.spawn('timeout', ['10', 'sh', '-c', script], { stdio: 'ignore' }), 'exit');
  if (status !== 0) throw new Error(`nothing listens at port ${port} of the Pod ${pod.name}`);
};

/** A connection a few microseconds after the other: ports in TIME_WAIT must not run out (see load.c). */
export const allowManyConnections = async ({ client, server }: Pair): Promise<void> => {
  const script = 'echo 1024 65535 > /proc/sys/net/ipv4/ip_local_port_range; echo 1 > /proc/sys/net/ipv4/tcp_tw_reuse';
  for (const pod of [client, server]) await once(pod.spawn('sh', ['-ec', script], { stdio: 'inherit' }), 'exit');
};

export const pause = (ms: number): Promise<void> => wait(ms);

const TEND_MS = 100;
const WATCH_STEP_MS = 20;
const WATCH_TRIES_MAX = 150;

const addNode = async (name: string, cleanup: AsyncDisposableStack) => {
  const node = cleanup.use(await createNode({ name }));
  const client = await node.addPod('client');
  const server = await node.addPod('server');
  const pair: Pair = { client, server, start: converseIn };
  return { node, pair };
};

const endsOf = ({ client, server }: Pair, mode: SameNodeMode): SameNodeEnd[] =>
  [client, server].flatMap(({ address4, address6 }) =>
    [address4, address6].map((address) => ({ address, port: 0, mode })),
  );
