import { type Cluster, inputFor, keyOf } from './cluster.ts';
import { desire, type NodeIdentity } from './desire/desire.ts';
import { familyOf } from './desire/family.ts';
import { onlyNodeOf } from './desire/internal-policy.ts';
import { localNodeOf } from './desire/node.ts';
import { portId } from './desire/ports.ts';
import type { Decision, ExplainedEndpoint, KernelAnswer, Question, RefusedReason } from './explain/decision.ts';
import { explainEndpoints } from './explain/endpoints.ts';
import { errorsConcerning, isUnowned } from './explain/errors.ts';
import { findOwner } from './explain/owner.ts';
import { socketText } from './explain/text.ts';
import type { DesiredGroup } from './model/desired.ts';
import type { Complaint } from './model/objects.ts';

export type { Decision, Question } from './explain/decision.ts';
export { renderExplain } from './explain/render.ts';

export interface ExplainInput {
  readonly cluster: Cluster;
  readonly node: NodeIdentity;
  /**
   * What the kernel's tables hold for the asked address, port and protocol: shares by `socketText`, empty when it
   * refuses, null when they hold nothing. Left out when nobody looked.
   */
  readonly table?: ReadonlyMap<string, number> | null;
  /** What reading the objects came to. Left out when it is said elsewhere. */
  readonly reading?: Reading;
}

export interface Reading {
  /** Whether everything that could be read was told. Until then the answer is of what is known so far. */
  readonly synced: boolean;
  /** Whether everything that is there could be read at least once. */
  readonly whole: boolean;
  readonly complaints: readonly Complaint[];
}

/** What happens to a new connection, which object said so, and what became of every endpoint. */
export const explain = (input: ExplainInput, question: Question): Decision => {
  const { cluster, table, reading } = input;
  const decision = decide(input, question);
  const errors = reading === undefined ? [] : errorsConcerning(cluster, decision, reading.complaints);
  return {
    ...decision,
    ...(table === undefined ? {} : { kernel: compare(decision, table, reading?.whole ?? true) }),
    ...(errors.length === 0 ? {} : { errors }),
    ...(reading?.synced === false ? { unread: true as const } : {}),
  };
};

/** The exact share of each endpoint of a group by `socketText`: what many connections must add up to. */
export const oracle = ({ endpoints }: DesiredGroup): Map<string, number> => {
  const total = endpoints.reduce((sum, { weight }) => sum + weight, 0);
  return new Map(endpoints.map((endpoint) => [socketText(endpoint), endpoint.weight / total]));
};

const decide = ({ cluster, node: identity }: ExplainInput, question: Question): Decision => {
  const node = localNodeOf(cluster, identity);
  const owner = findOwner(cluster, node, question);
  if ('reason' in owner) return { outcome: 'left alone', question, why: owner };
  if ('closedBy' in owner) {
    const { closedBy, ports } = owner;
    return { outcome: 'refused', reason: 'no such port', question, service: keyOf(closedBy), ports };
  }
  const { service, port, kind, rivals } = owner;
  const key = keyOf(service);
  const input = inputFor(cluster, key) ?? { service, slices: [], policies: [] };
  const only = kind === 'cluster' ? onlyNodeOf(service, node.name) : undefined;
  const endpoints = explainEndpoints(input, port, familyOf(question.address), node, only);
  const answered = {
    question,
    service: key,
    portName: port.name,
    portId: portId(service, port),
    kind,
    affinityTimeoutS: service.affinityTimeoutS,
    ...(only === undefined ? {} : { onlyNode: only }),
    slices: input.slices.map(({ name }) => name),
    endpoints,
    rivals: rivals.map(keyOf),
    complaints: desire({ ...input, node }).complaints,
  };
  return endpoints.some(({ verdict }) => verdict.verdict === 'share')
    ? { outcome: 'sent', ...answered }
    : { outcome: 'refused', reason: refusedReason(answered), ...answered };
};

/** The verdict of those that came furthest through the rules: what to mend first. */
export const refusedReason = ({
  slices,
  endpoints,
}: {
  readonly slices: readonly string[];
  readonly endpoints: readonly ExplainedEndpoint[];
}): RefusedReason => {
  if (slices.length === 0) return 'no slice';
  const verdicts = new Set(endpoints.map(({ verdict }) => verdict.verdict));
  if (verdicts.has('weight 0')) return 'every weight is 0';
  if (verdicts.has('not ready')) return 'no endpoint ready';
  if (verdicts.has('not on this node')) return 'no endpoint on this node';
  if (verdicts.has('no port of that name')) return 'no endpoint with that port';
  return verdicts.has('other family') ? 'no endpoint of that family' : 'no endpoint';
};

/** Slots round shares to 2^-32; whatever is further off than this was another choice. */
const SHARE_TOLERANCE = 1e-6;

const compare = (decision: Decision, table: ReadonlyMap<string, number> | null, whole: boolean): KernelAnswer => {
  const wanted = wantedShares(decision);
  const held = table ?? new Map<string, number>();
  const outcome = table === null ? 'left alone' : table.size === 0 ? 'refused' : 'sent';
  const agrees =
    outcome === decision.outcome &&
    held.size === wanted.size &&
    [...wanted].every(([socket, share]) => Math.abs((held.get(socket) ?? -1) - share) <= SHARE_TOLERANCE);
  const kept = !whole && table !== null && isUnnamed(decision, table);
  return { outcome, shares: Object.fromEntries(held), agrees, ...(kept ? { kept } : {}) };
};

/** No object names what the kernel holds: the address, or any endpoint of it. */
const isUnnamed = (decision: Decision, table: ReadonlyMap<string, number>): boolean => {
  if (decision.outcome === 'refused') return table.size > 0;
  return decision.outcome === 'left alone' && isUnowned(decision.why);
};

const wantedShares = (decision: Decision): ReadonlyMap<string, number> => {
  const shares = new Map<string, number>();
  if (decision.outcome !== 'sent') return shares;
  for (const endpoint of decision.endpoints) {
    const { verdict } = endpoint;
    if (verdict.verdict === 'share') shares.set(socketText(endpoint), verdict.weight / verdict.of);
  }
  return shares;
};
