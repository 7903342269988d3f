import { type Claims, createClaims, settle, stake } from '../core/claims.ts';
import { applyEvents, type Cluster, createCluster, inputFor } from '../core/cluster.ts';
import { type Desired, desire, type NodeIdentity } from '../core/desire/desire.ts';
import { notProgrammed } from '../core/desire/programmed.ts';
import type { ClusterObject } from '../core/model/objects.ts';
import { agentFlag } from './agent-flags.ts';
import { wrong } from './arguments.ts';
import type { Arguments, Flags } from './command.ts';
import type { Objects, Parts } from './parts.ts';

/** For verbs that work on objects alone, without a kernel and an agent. */
export const NODE_FLAGS = {
  'node-name': { ...agentFlag('node-name'), default: '', about: 'name of the node in question; empty: any node' },
  'service-proxy-name': agentFlag('service-proxy-name'),
} as const satisfies Flags;

export const readSource = (verb: string, source: string, parts: Parts): Promise<Objects> => {
  const path = source.startsWith('file:') ? source.slice('file:'.length) : '';
  if (path === '') throw wrong(verb, `--source: \`${source}\` is not file:PATH`);
  return parts.readObjects(path);
};

export const nodeOf = ({ values }: Arguments): NodeIdentity => ({
  name: values['node-name'] ?? '',
  proxyName: values['service-proxy-name'] ?? '',
});

export const clusterOf = (objects: readonly ClusterObject[]): Cluster => {
  const cluster = createCluster();
  const events = objects.map((object) => ({ type: 'put', object }) as const);
  applyEvents(cluster, events);
  return cluster;
};

/** What the kernel of that node would hold, Services in the order of their names. */
export const desireAll = (cluster: Cluster, node: NodeIdentity): Desired => {
  const claims = stakeAll(cluster, node);
  const parts = [...cluster.services.keys()].sort().map((key) => desireOne(cluster, claims, key, node));
  return { ports: parts.flatMap(({ ports }) => ports), complaints: parts.flatMap(({ complaints }) => complaints) };
};

/** Before anything is settled, every Service must have said what it wants. */
const stakeAll = (cluster: Cluster, node: NodeIdentity): Claims => {
  const claims = createClaims();
  for (const [key, service] of cluster.services) {
    if (notProgrammed(service, node.proxyName) === undefined) stake(claims, key, service);
  }
  return claims;
};

const desireOne = (cluster: Cluster, claims: Claims, key: string, node: NodeIdentity): Desired => {
  const input = inputFor(cluster, key);
  if (input === undefined) return { ports: [], complaints: [] };
  const wanted = desire({ ...input, node });
  const settled = settle(claims, input.service, wanted.ports);
  return { ports: settled.ports, complaints: [...wanted.complaints, ...settled.complaints] };
};
