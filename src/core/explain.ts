import { type Cluster, inputFor, keyOf } from './cluster.ts';
import { desire, type NodeIdentity, type ServiceInput } from './desire/desire.ts';
import { familyOf } from './desire/family.ts';
import { onlyNodeOf } from './desire/internal-policy.ts';
import { type LocalNode, localNodeOf } from './desire/node.ts';
import { choiceOf } from './desire/policy.ts';
import { portId } from './desire/ports.ts';
import type { SlowStart } from './desire/slow-start.ts';
import { explainArms, explainPolicy, explainRoute, unhonouredOfBackends } from './explain/arms.ts';
import { type Asking, askingOf } from './explain/clients.ts';
import type { Decision, Question, Sent } from './explain/decision.ts';
import { explainEndpoints } from './explain/endpoints.ts';
import { errorsConcerning } from './explain/errors.ts';
import { idleRoutes } from './explain/idle-routes.ts';
import { compare } from './explain/kernel.ts';
import { findOwner, type Owner } from './explain/owner.ts';
import { isAnswering, refusedReason } from './explain/refused.ts';
import { explainPairs, type SameNodeObstacle } from './explain/same-node.ts';
import type { Shares } from './explain/shares.ts';
import type { Complaint } from './model/objects.ts';

export type { Decision, Question } from './explain/decision.ts';
export { refusedReason } from './explain/refused.ts';
export { renderExplain } from './explain/render.ts';
export type { SameNodeObstacle } from './explain/same-node.ts';
export { type Shares, sharesOfGroup as oracle } from './explain/shares.ts';

export interface ExplainInput {
  readonly cluster: Cluster;
  readonly node: NodeIdentity;
  /**
   * What the kernel's tables hold for the asked address, port, protocol and client; null when they hold nothing. Left out
   * when nobody looked.
   */
  readonly table?: Shares | null;
  /** As the weights of this Service (`namespace/name`) were last worked out by. */
  readonly slowStart?: (service: string) => SlowStart;
  /** Left out when connections may go socket to socket here, or nobody looked. */
  readonly sameNode?: SameNodeObstacle | undefined;
  /** Names of programs that are not in force now. Left out when nobody looked. */
  readonly detached?: readonly string[];
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
export const explain = (given: ExplainInput, question: Question): Decision => {
  const elsewhere = nodeOfClient(given, question);
  const input =
    elsewhere === undefined ? given : { ...given, node: { ...given.node, name: elsewhere }, sameNode: undefined };
  const { cluster, table, reading } = input;
  const decision = decide(input, question);
  const pairs = explainPairs(cluster, input.node, decision, input.sameNode);
  const idle = idleRoutes(cluster, decision, input.node.proxyName);
  const errors = reading === undefined ? [] : errorsConcerning(cluster, decision, reading.complaints);
  return {
    ...decision,
    ...(elsewhere === undefined ? {} : { elsewhere: { node: elsewhere, askedOn: given.node.name } }),
    ...(table === undefined ? {} : { kernel: compare(decision, table, reading?.whole ?? true) }),
    ...(pairs.length === 0 ? {} : { sameNode: pairs }),
    ...(idle.length === 0 ? {} : { idleRoutes: idle }),
    ...(errors.length === 0 ? {} : { errors }),
    ...(reading?.synced === false ? { unread: true as const } : {}),
    ...(input.detached === undefined || input.detached.length === 0 ? {} : { detached: input.detached }),
  };
};

/**
 * The node of the Pod that asks, if that is another than it is asked on: there its connections are answered. Nobody can
 * tell of another node what its kernel holds.
 */
const nodeOfClient = ({ cluster, node, table }: ExplainInput, { client = '' }: Question): string | undefined => {
  const { node: name = '' } = cluster.pods.get(client) ?? {};
  return table !== undefined || name === '' || name === node.name ? undefined : name;
};

const decide = (explaining: ExplainInput, question: Question): Decision => {
  const { cluster, node: identity, table } = explaining;
  const node = localNodeOf(cluster, identity);
  const owner = findOwner(cluster, node, question);
  if ('reason' in owner) return { outcome: 'left alone', question, why: owner };
  if ('closedBy' in owner) {
    const { closedBy, ports } = owner;
    return { outcome: 'refused', reason: 'no such port', question, service: keyOf(closedBy), ports };
  }
  const { service, port } = owner;
  const input = inputFor(cluster, keyOf(service)) ?? { service, slices: [], policies: [] };
  const asking = askingOf(cluster, input, port, question.client, { node, isLive: table !== undefined });
  return answered({ input, asking, node, slowStart: explaining.slowStart?.(keyOf(service)) }, owner, question);
};

interface Subject {
  readonly input: ServiceInput;
  readonly asking: Asking;
  readonly node: LocalNode;
  readonly slowStart: SlowStart | undefined;
}

const answered = (subject: Subject, { service, port, kind, rivals }: Owner, question: Question): Decision => {
  const { input, asking, node, slowStart } = subject;
  const { ruling, ...client } = asking;
  const said = {
    question,
    service: keyOf(service),
    portName: port.name,
    portId: portId(service, port),
    kind,
    affinityTimeoutS: service.affinityTimeoutS,
    slices: input.slices.map(({ name }) => name),
    choice: choiceOf(ruling.policy.choice),
    ...client,
    rivals: rivals.map(keyOf),
    complaints: [...desire({ ...input, node }).complaints, ...unhonouredOfBackends(ruling.route, service)],
  };
  const family = familyOf(question.address);
  const { route, policy } = ruling;
  if (route !== undefined) {
    const arms = explainArms(route, ruling, { node, slowStart }, port, family);
    return decided({ ...said, endpoints: [], route: explainRoute(route, service), arms });
  }
  const only = kind === 'cluster' ? onlyNodeOf(service, node.name) : undefined;
  const { slices } = input;
  return decided({
    ...said,
    endpoints: explainEndpoints({ service, slices, policy, node, slowStart }, port, family, only),
    ...explainPolicy(policy),
    ...(only === undefined ? {} : { onlyNode: only }),
  });
};

const decided = (said: Omit<Sent, 'outcome'>): Decision => {
  if (said.arms === undefined) {
    return said.endpoints.some(isAnswering)
      ? { outcome: 'sent', ...said }
      : { outcome: 'refused', reason: refusedReason(said), ...said };
  }
  const weighed = said.arms.filter(({ weight }) => weight > 0);
  if (weighed.some(({ refused }) => refused === undefined)) return { outcome: 'sent', ...said };
  return { outcome: 'refused', reason: weighed.length === 0 ? 'no backend weighs' : 'no backend answers', ...said };
};
