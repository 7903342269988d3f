import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SameNodeStatus } from '../../src/agent/view.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import type { Pod } from '../../src/demo/pod.ts';
import { openIdleConnection } from '../helpers/idle-connection.ts';
import { pod } from '../helpers/objects.ts';
import { go } from '../helpers/real-programs/go.ts';
import { haproxy } from '../helpers/real-programs/haproxy.ts';
import { nginx } from '../helpers/real-programs/nginx.ts';
import { nodeByCurl, node as nodeHttp } from '../helpers/real-programs/node.ts';
import { pipes } from '../helpers/real-programs/pipes.ts';
import { postgres } from '../helpers/real-programs/postgres.ts';
import { redis, redisBlockingReplica, redisReplica } from '../helpers/real-programs/redis.ts';
import { openScene, type RealProgram } from '../helpers/real-programs/scene.ts';
import { retryUntil } from '../helpers/retry.ts';
import { type RunningAgent, startAgent } from '../helpers/running-agent.ts';

/** Programs as they come from Debian, between Pods that ask to be joined and, at the same time, between such that do not. */

const PROGRAMS: readonly RealProgram[] = [
  ...[nginx, nodeHttp, nodeByCurl, go, haproxy],
  ...[redis, redisReplica, redisBlockingReplica, postgres, pipes],
];

let node: EmbeddedNode;
let agent: RunningAgent;

beforeAll(async () => {
  node = await createNode({ name: 'programs' });
  const [from, to] = await Promise.all([node.addPod('idle-from'), node.addPod('idle-to')]);
  const asObject = ({ name, address4 }: Pod) => pod({ name, addresses: [address4], sameNode: 'redirect' });
  agent = await startAgent(node, { objects: [from, to].map(asObject) });
  await retryUntil(() => sameNode().attached);
  await openIdleConnection(from, to, () => sameNode().sockets.candidate === 2);
});

afterAll(async () => {
  await agent?.stop();
  await node?.close();
});

const sameNode = (): SameNodeStatus => agent.agent.status().sameNode as SameNodeStatus;

test.each(PROGRAMS.map((program, index) => ({ ...program, place: `p${index}` })))(
  '$name: the same bytes and results as over plain TCP, joined as far as docs/redirection.md says',
  async ({ place, messagesMin, unfit, sometimes = [], run }) => {
    await using plain = await openScene(node, agent, place, 'plain');
    await using joined = await openScene(node, agent, place, 'redirect');
    const before = sameNode();
    const [expected, results] = await Promise.all([run(plain), run(joined)]);
    expect(results).toEqual(expected);
    const { messages, why } = difference(before, sameNode());
    expect(why.filter((each) => ![...OF_THE_OTHER_END, ...sometimes].includes(each))).toEqual(unfit);
    if (messagesMin === 0) expect(messages).toBe(0);
    else expect(messages).toBeGreaterThan(messagesMin);
  },
);

/** Whatever the program, a socket may be joined some time before its peer, or send faster than that reads. */
const OF_THE_OTHER_END: readonly string[] = ['falls_back', 'peer'];

const difference = (before: SameNodeStatus, after: SameNodeStatus) => ({
  messages: after.messages - before.messages,
  why: Object.keys(after.unfit).filter((each) => after.unfit[each] !== before.unfit[each]),
});
