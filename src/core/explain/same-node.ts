import { keyOf } from '../cluster/keys.ts';
import { hasWishes } from '../cluster/wishes.ts';
import type { Cluster } from '../cluster.ts';
import type { NodeIdentity } from '../desire/desire.ts';
import { judgePair, type PairJudgement } from '../same-node/judge.ts';
import { isOnNode, localPods } from '../same-node/local-pods.ts';
import { servedSockets, socketKey } from '../same-node/served.ts';
import type { Decision, ExplainedEndpoint, ExplainedPair } from './decision.ts';

/** Why nothing goes socket to socket on this node, whatever the objects ask for. */
export type SameNodeObstacle = 'off' | 'unavailable';

/**
 * The client of the question and each endpoint on this node that it may be connected to, also without a Service. Empty
 * where nobody asks for connections that go socket to socket, and of a client that is not on this node, or in its network.
 */
export const explainPairs = (
  cluster: Cluster,
  node: NodeIdentity,
  decision: Decision,
  obstacle: SameNodeObstacle | undefined,
): readonly ExplainedPair[] => {
  const { client: key = '', protocol } = decision.question;
  const client = cluster.pods.get(key);
  if (!hasWishes(cluster.wishes) || protocol !== 'TCP' || client === undefined) return [];
  if (!isOnNode(client, node) || client.addresses.length === 0) return [];
  const pods = localPods(cluster, node);
  const served = servedSockets(cluster, node, pods);
  return reachedBy(decision).flatMap(({ address, port = 0 }) => {
    const server = pods.get(address);
    if (server === undefined) return [];
    const judgement = judgePair(served, { client, server, address, port });
    return [{ address, port, pod: keyOf(server), ...hindered(judgement, obstacle) }];
  });
};

/** Each once: a route may name one Service twice. */
const reachedBy = (decision: Decision): readonly Pick<ExplainedEndpoint, 'address' | 'port'>[] => {
  if (decision.outcome === 'left alone') return isDirect(decision.why.reason) ? [decision.question] : [];
  if (decision.outcome === 'refused') return [];
  const all = [...decision.endpoints, ...(decision.arms ?? []).flatMap(({ endpoints }) => endpoints)];
  const sharing = all.filter(({ verdict }) => verdict.verdict === 'share');
  return [...new Map(sharing.map((each) => [socketKey(each.address, each.port ?? 0), each])).values()];
};

const isDirect = (reason: string): boolean => reason === 'endpoint address' || reason === 'pod address';

const hindered = (judgement: PairJudgement, obstacle: SameNodeObstacle | undefined): PairJudgement =>
  judgement.redirected && obstacle !== undefined ? { redirected: false, reason: obstacle } : judgement;
