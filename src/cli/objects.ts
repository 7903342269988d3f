import { type Claims, createClaims, stake } from '../core/claims.ts';
import { applyEvents, type Cluster, createCluster } from '../core/cluster.ts';
import type { NodeIdentity } from '../core/desire/desire.ts';
import { missingRoutes, withoutService } from '../core/desire/mistakes.ts';
import { localNodeOf } from '../core/desire/node.ts';
import type { ClusterObject, Complaint } from '../core/model/objects.ts';
import { overriddenPolicies } from '../core/status/overridden.ts';
import { agentFlag } from './agent-flags.ts';
import { wrong } from './arguments.ts';
import type { Arguments, Flags } from './command.ts';
import type { Objects, Parts } from './parts.ts';
import { type Planned, planService } from './planned.ts';

/** For verbs that work on objects alone, without a kernel and an agent. */
export const NODE_FLAGS = {
  'node-name': { ...agentFlag('node-name'), default: '', about: 'name of the node in question; empty: any node' },
  'service-proxy-name': agentFlag('service-proxy-name'),
  'external-ips': agentFlag('external-ips'),
} as const satisfies Flags;

export const readSource = (verb: string, source: string, parts: Parts): Promise<Objects> => {
  const path = source.startsWith('file:') ? source.slice('file:'.length) : '';
  if (path === '') throw wrong(verb, `--source: \`${source}\` is not file:PATH`);
  return parts.readObjects(path);
};

export const nodeOf = ({ values }: Arguments): NodeIdentity => ({
  name: values['node-name'] ?? '',
  proxyName: values['service-proxy-name'] ?? '',
  externalIPs: values['external-ips'] === 'on',
});

export const clusterOf = (objects: readonly ClusterObject[]): Cluster => {
  const cluster = createCluster();
  const events = objects.map((object) => ({ type: 'put', object }) as const);
  applyEvents(cluster, events);
  return cluster;
};

/** What the kernel of that node would hold, Services in the order of their names. */
export const planAll = (cluster: Cluster, node: NodeIdentity): Planned => {
  const claims = stakeAll(cluster, node);
  const local = localNodeOf(cluster, node);
  const parts = [...cluster.services.keys()].sort().map((key) => planService(cluster, claims, key, local));
  return {
    ports: parts.flatMap(({ ports }) => ports),
    refusals: parts.flatMap(({ refusals }) => refusals),
    complaints: [
      ...parts.flatMap(({ complaints }) => complaints),
      ...missingTargets(cluster),
      ...missingRoutes(cluster),
      ...[...overriddenPolicies(cluster, node)].flat(),
    ],
  };
};

/** Before anything is settled, every Service must have said what it wants. */
const stakeAll = (cluster: Cluster, node: NodeIdentity): Claims => {
  const claims = createClaims(node);
  for (const [key, service] of cluster.services) stake(claims, key, service);
  return claims;
};

const missingTargets = (cluster: Cluster): readonly Complaint[] => {
  const { services, policies, destinationRules, routes } = cluster;
  const keys = new Set([...policies.byService.keys(), ...destinationRules.byService.keys(), ...routes.byParent.keys()]);
  return [...keys].filter((key) => !services.has(key)).flatMap((key) => withoutService(cluster, key));
};
