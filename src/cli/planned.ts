import { type Claims, settle } from '../core/claims.ts';
import { type Cluster, inputFor } from '../core/cluster.ts';
import { clienteleText } from '../core/desire/clientele.ts';
import { desire, type ServiceInput } from '../core/desire/desire.ts';
import { onlyNodeOf } from '../core/desire/internal-policy.ts';
import type { LocalNode } from '../core/desire/node.ts';
import { servedPort } from '../core/desire/ports.ts';
import type { Ruling } from '../core/desire/ruling.ts';
import { rulingsAt } from '../core/desire/rulings.ts';
import type { RefusedReason } from '../core/explain/decision.ts';
import { explainEndpoints } from '../core/explain/endpoints.ts';
import { refusedReason } from '../core/explain.ts';
import type { AddressKind, DesiredGroup, DesiredPort } from '../core/model/desired.ts';
import type { Complaint, Family } from '../core/model/objects.ts';
import { namedClients } from './named-clients.ts';

export interface PlannedPort extends Omit<DesiredPort, 'groups'> {
  /** Clients that are answered alike have one group together. */
  readonly groups: readonly PlannedGroup[];
}

export interface PlannedGroup extends Omit<DesiredGroup, 'client'> {
  /** For whom alone it is: `namespace checkout, ring=testers`; absent: for everybody else. */
  readonly clients?: string;
}

/** Why the addresses of one family and kind refuse at a port. */
export interface Refusal {
  /** `DesiredPort.id`. */
  readonly id: string;
  readonly family: Family;
  readonly kind: AddressKind;
  /** As in its group. */
  readonly variant?: number;
  readonly reason: RefusedReason;
}

export interface Planned {
  readonly ports: readonly PlannedPort[];
  readonly refusals: readonly Refusal[];
  readonly complaints: readonly Complaint[];
}

/** What a node would hold of one Service, by its `namespace/name`. All must have staked their claims before. */
export const planService = (cluster: Cluster, claims: Claims, key: string, node: LocalNode): Planned => {
  const found = inputFor(cluster, key);
  if (found === undefined) return { ports: [], refusals: [], complaints: [] };
  const input = found.clients === undefined ? found : { ...found, clients: namedClients(cluster, found, node) };
  const wanted = desire({ ...input, node });
  const settled = settle(claims, input.service, wanted.ports);
  const parts = settled.ports.map((port) => planPort(input, port, node));
  return {
    ports: parts.map(({ port }) => port),
    refusals: parts.flatMap(({ refusals }) => refusals),
    complaints: [...wanted.complaints, ...settled.complaints],
  };
};

const planPort = (
  input: ServiceInput,
  desired: DesiredPort,
  node: LocalNode,
): { readonly port: PlannedPort; readonly refusals: readonly Refusal[] } => {
  const rulings = rulingsAt(input, desired.id);
  const groups = togetherOf(desired.groups).map(({ client, ...group }) => {
    const ruling = client === undefined ? undefined : rulings.get(group.variant ?? 0);
    const clients = ruling && (clienteleText(ruling, input.service) ?? `some (${group.variant})`);
    return clients === undefined ? group : { ...group, clients };
  });
  const refusals = groups.flatMap((group) => {
    const ruling = rulings.get(group.variant ?? 0);
    if (ruling === undefined || group.endpoints.length > 0 || group.arms !== undefined) return [];
    return [refusalOf(input, desired.id, group, ruling, node)];
  });
  return { port: { ...desired, groups }, refusals };
};

/** The groups of the first client stand for those of all that are answered alike. */
const togetherOf = (groups: readonly DesiredGroup[]): readonly DesiredGroup[] => {
  const firsts = new Map<number, bigint>();
  return groups.filter(({ client, variant = 0 }) => {
    if (client === undefined) return true;
    const first = firsts.get(variant) ?? client.cgroup;
    firsts.set(variant, first);
    return first === client.cgroup;
  });
};

const refusalOf = (
  input: ServiceInput,
  id: DesiredPort['id'],
  { family, kind, variant }: PlannedGroup,
  { route, policy }: Ruling,
  node: LocalNode,
): Refusal => {
  const about = { id, family, kind, ...(variant === undefined ? {} : { variant }) };
  const port = servedPort(input.service, id);
  if (route !== undefined || port === undefined) return { ...about, reason: 'no backend weighs' };
  const only = kind === 'cluster' ? onlyNodeOf(input.service, node.name) : undefined;
  const endpoints = explainEndpoints({ ...input, policy, node }, port, family, only);
  return { ...about, reason: refusedReason({ slices: input.slices.map(({ name }) => name), endpoints }) };
};
