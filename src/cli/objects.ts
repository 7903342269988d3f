import { type Claims, createClaims, settle, stake } from '../core/claims.ts';
import { applyEvents, type Cluster, createCluster, inputFor } from '../core/cluster.ts';
import { type Desired, desire, type NodeIdentity, type ServiceInput } from '../core/desire/desire.ts';
import { onlyNodeOf } from '../core/desire/internal-policy.ts';
import { missingRoutes, withoutService } from '../core/desire/mistakes.ts';
import { type LocalNode, localNodeOf } from '../core/desire/node.ts';
import { isServed, portId } from '../core/desire/ports.ts';
import { rulingFor } from '../core/desire/ruling.ts';
import type { RefusedReason } from '../core/explain/decision.ts';
import { explainEndpoints } from '../core/explain/endpoints.ts';
import { refusedReason } from '../core/explain.ts';
import type { AddressKind, DesiredPort } from '../core/model/desired.ts';
import type { ClusterObject, Complaint, Family } from '../core/model/objects.ts';
import { agentFlag } from './agent-flags.ts';
import { wrong } from './arguments.ts';
import type { Arguments, Flags } from './command.ts';
import type { Objects, Parts } from './parts.ts';

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
export const desireAll = (cluster: Cluster, node: NodeIdentity): DesiredWithReasons => {
  const claims = stakeAll(cluster, node);
  const local = localNodeOf(cluster, node);
  const parts = [...cluster.services.keys()].sort().map((key) => desireOne(cluster, claims, key, local));
  return {
    ports: parts.flatMap(({ ports }) => ports),
    refusals: parts.flatMap(({ refusals }) => refusals),
    complaints: [
      ...parts.flatMap(({ complaints }) => complaints),
      ...missingTargets(cluster),
      ...missingRoutes(cluster),
    ],
  };
};

export interface DesiredWithReasons extends Desired {
  readonly refusals: readonly Refusal[];
}

/** Why the addresses of one family and kind refuse at a port. */
export interface Refusal {
  /** `DesiredPort.id`. */
  readonly id: string;
  readonly family: Family;
  readonly kind: AddressKind;
  readonly reason: RefusedReason;
}

/** Before anything is settled, every Service must have said what it wants. */
const stakeAll = (cluster: Cluster, node: NodeIdentity): Claims => {
  const claims = createClaims(node);
  for (const [key, service] of cluster.services) stake(claims, key, service);
  return claims;
};

const desireOne = (cluster: Cluster, claims: Claims, key: string, node: LocalNode): DesiredWithReasons => {
  const input = inputFor(cluster, key);
  if (input === undefined) return { ports: [], refusals: [], complaints: [] };
  const wanted = desire({ ...input, node });
  const settled = settle(claims, input.service, wanted.ports);
  return {
    ports: settled.ports,
    refusals: settled.ports.flatMap((port) => refusalsOf(input, port, node)),
    complaints: [...wanted.complaints, ...settled.complaints],
  };
};

const refusalsOf = (input: ServiceInput, { id, groups }: DesiredPort, node: LocalNode): readonly Refusal[] => {
  const port = input.service.ports.filter(isServed).find((candidate) => portId(input.service, candidate) === id);
  if (port === undefined) return [];
  const slices = input.slices.map(({ name }) => name);
  const ruling = rulingFor(input, port, undefined);
  const isRouted = ruling.route !== undefined;
  return groups
    .filter(({ endpoints, arms, client }) => endpoints.length === 0 && arms === undefined && client === undefined)
    .map(({ family, kind }) => {
      const only = kind === 'cluster' ? onlyNodeOf(input.service, node.name) : undefined;
      if (isRouted) return { id, family, kind, reason: 'no backend weighs' };
      const endpoints = explainEndpoints({ ...input, policy: ruling.policy, node }, port, family, only);
      return { id, family, kind, reason: refusedReason({ slices, endpoints }) };
    });
};

const missingTargets = (cluster: Cluster): readonly Complaint[] => {
  const { services, policies, destinationRules, routes } = cluster;
  const keys = new Set([...policies.byService.keys(), ...destinationRules.byService.keys(), ...routes.byParent.keys()]);
  return [...keys].filter((key) => !services.has(key)).flatMap((key) => withoutService(cluster, key));
};
