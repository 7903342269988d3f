import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import { type AgentProcess, startAgentProcess } from '../helpers/agent-process.ts';
import { ObjectDirectory } from '../helpers/object-directory.ts';
import { endpoint, service, slice } from '../helpers/objects.ts';
import { heldLines, wantedLines } from '../helpers/pinned-tables.ts';
import { createRandom, type Random } from '../helpers/random.ts';
import { retryUntil } from '../helpers/retry.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';

/** Before the first measurement code is compiled, buffers get their sizes, and the tables grow to theirs. */
const WARM_UP_CHANGES = 60;
const SOAK_CHANGES = Number(process.env.SOAK_CHANGES ?? 300);
const SERVICES = 20;
const ENDPOINTS_MAX = 100;
/** Garbage is collected when there is a need: with this limit, what grows is what nobody lets go of. */
const SMALL_HEAP = '--max-old-space-size=32';
/** A leak of one table or of 100 kB a change is more; one of the heap ends the agent. */
const GROWTH_MB_MAX = 24;

let node: EmbeddedNode;
let client: SocketShell;
let objects: ObjectDirectory;

beforeAll(async () => {
  node = await createNode({ name: 'soak' });
  const pod = await node.addPod('v1');
  await (await openShell(pod)).serve('tcp', '*', 8080, 'v1');
  client = await openShell(await node.addPod('client'));
  objects = new ObjectDirectory();
  objects.write('web', service(), slice([endpoint(pod.address4)]));
});

afterAll(async () => {
  await node?.close();
  objects?.[Symbol.dispose]();
});

test(`after ${SOAK_CHANGES} changes the agent holds as many descriptors, and about as much memory, as before`, {
  timeout: 60_000 + SOAK_CHANGES * 500,
}, async ({ annotate }) => {
  const random = createRandom();
  const agent = await startAgentProcess(node, { source: objects.path, env: { NODE_OPTIONS: SMALL_HEAP } }).ready();
  const load = client.startHammer('tcp', '10.96.0.1', 80, { reset: true, pauseMicros: 1000 });
  let changes = 0;
  while (changes < WARM_UP_CHANGES) await makeChange(agent, random, ++changes);
  const before = agent.resources();
  while (changes < WARM_UP_CHANGES + SOAK_CHANGES) await makeChange(agent, random, ++changes);
  // A read of a directory that is under way holds a descriptor for a moment.
  await retryUntil(() => agent.resources().fds <= before.fds);
  const after = agent.resources();
  await annotate(`before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`);
  expect(after.rssMb - before.rssMb).toBeLessThan(GROWTH_MB_MAX);
  const wanted = wantedLines(await objects.read()).join('\n');
  await retryUntil(() => heldLines(node.bpfRoot).join('\n') === wanted);
  expect((await load.stop()).errors).toEqual({});
});

/** One file comes, changes or goes, and with it a Service of any size. No two changes ask for the same. */
const makeChange = async (agent: AgentProcess, random: Random, number: number): Promise<void> => {
  const index = random.integer(SERVICES);
  const from = agent.log.length;
  if (random.chance(0.25)) objects.remove(`file-${random.integer(SERVICES)}`);
  objects.write(`file-${index}`, ...neighbour(index, random.integer(ENDPOINTS_MAX), number));
  await agent.logged('applied', from);
};

const neighbour = (index: number, endpoints: number, affinityTimeoutS: number): readonly ClusterObject[] => {
  const name = `neighbour-${index}`;
  const addresses = Array.from({ length: endpoints }, (_, last) => `10.250.${index}.${last + 1}`);
  return [
    service({ name, clusterIPs: [`10.96.1.${index + 1}`], affinityTimeoutS }),
    slice(
      addresses.map((address) => endpoint(address)),
      { name, service: name },
    ),
  ];
};
