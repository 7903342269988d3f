import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import type { Pod } from '../../src/demo/pod.ts';
import { replaceObjects } from '../agent.ts';
import { type Conversation, converseIn } from '../conversation.ts';
import { inCgroup } from '../node.ts';
import type { Account } from './expected.ts';
import { moreManifests, NAMESPACE, podManifest, SERVER_PORT, serviceManifests, trafficManifests } from './objects.ts';
import { KEPT_TARGETS, TARGETS, type Target, targetArgument } from './targets.ts';

/** What test/helpers/Makefile builds. */
const TRUTH = fileURLToPath(new URL('../../build/test/truth', import.meta.url));
const SERVERS = 3;

/** A node with servers and clients of several workloads, all of them at work already. */
export interface TruthStage {
  readonly node: EmbeddedNode;
  readonly servers: readonly Pod[];
  readonly clients: readonly Client[];
}

export interface Client {
  readonly workload: Account['workload'];
  /** Makes short connections, and those that go on: two processes of one container. */
  readonly short: Conversation;
  readonly kept: Conversation;
}

/** Also writes the objects for the agent. What it takes is given back by `cleanup`. */
export const openTruthStage = async (objects: string, cleanup: AsyncDisposableStack): Promise<TruthStage> => {
  const node = cleanup.use(await createNode({ name: 'truth' }));
  const servers: Pod[] = [];
  for (let number = 1; number <= SERVERS; number++) {
    const pod = await node.addPod(`server-${number}`);
    const server = cleanup.use(converseIn(pod, [TRUTH, 'serve', String(number), String(SERVER_PORT)]));
    await server.read(); // "ready"
    servers.push(pod);
  }
  const pods: object[] = servers.map((pod) => podManifest(pod, `uid-${pod.name}`));
  const clients: Client[] = [];
  for (const plan of CLIENTS) {
    const pod = await node.addPod(plan.name);
    if (plan.uid !== undefined) pods.push(podManifest(pod, plan.uid, plan.owner));
    const cgroup = plan.uid === undefined ? pod.cgroup : await addContainer(node, plan.uid);
    const start = (targets: readonly Target[]) => cleanup.use(startClient(pod, cgroup, targets));
    clients.push({ workload: plan.workload, short: start(TARGETS), kept: start(KEPT_TARGETS) });
  }
  await replaceObjects(join(objects, 'services.json'), [...serviceManifests(servers), ...trafficManifests()]);
  await replaceObjects(join(objects, 'pods.json'), pods);
  return { node, servers, clients };
};

/** More than the tables have room for at first. */
export const growObjects = (objects: string): Promise<void> =>
  replaceObjects(join(objects, 'more.json'), moreManifests(1100));

interface ClientPlan {
  readonly name: string;
  readonly workload: Account['workload'];
  /** Of its Pod; without one it is no Pod, but something that the node runs. */
  readonly uid?: string;
  readonly owner?: { readonly kind: string; readonly name: string };
}

const CRAWLER = { namespace: NAMESPACE, name: 'DaemonSet/crawler' };
const SHOP = { namespace: NAMESPACE, name: 'StatefulSet/shop' };

const CLIENTS: readonly ClientPlan[] = [
  { name: 'crawler-1', workload: CRAWLER, uid: 'uid-1', owner: { kind: 'DaemonSet', name: 'crawler' } },
  { name: 'crawler-2', workload: CRAWLER, uid: 'uid-2', owner: { kind: 'DaemonSet', name: 'crawler' } },
  { name: 'shop-0', workload: SHOP, uid: 'uid-3', owner: { kind: 'StatefulSet', name: 'shop' } },
  { name: 'daemon', workload: { namespace: '', name: 'node' } },
];

/** As the kubelet and a runtime name it. */
const addContainer = async (node: EmbeddedNode, uid: string): Promise<string> => {
  const pod = `kubepods-besteffort-pod${uid.replaceAll('-', '_')}.slice`;
  const cgroup = `${node.cgroup}/kubepods.slice/kubepods-besteffort.slice/${pod}/cri-containerd-x.scope`;
  await mkdir(cgroup, { recursive: true });
  return cgroup;
};

const startClient = (pod: Pod, cgroup: string, targets: readonly Target[]): Conversation =>
  converseIn(pod, [...inCgroup(cgroup), TRUTH, 'ask', ...targets.map(targetArgument)]);
