import { mkdirSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NO_WRITES } from '../../src/agent/writes.ts';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { attachedPrograms } from '../../src/dataplane/kernel/attached.ts';
import { openKernel } from '../../src/dataplane/kernel/kernel.ts';
import { isOurLayout, listSets } from '../../src/dataplane/kernel/pins.ts';
import { PROGRAMS } from '../../src/dataplane/kernel/programs.ts';
import { NAMESPACES } from '../../src/demo/namespace.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import type { Pod } from '../../src/demo/pod.ts';
import { endpoint, service, slice } from '../helpers/objects.ts';
import { heldLines, wantedLines } from '../helpers/pinned-tables.ts';
import { RunningAgent, startAgent } from '../helpers/running-agent.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';

const VIP = '10.96.0.1';
const OTHER_LAYOUT = '0123456789ab';

let node: EmbeddedNode;
let clientPod: Pod;
let client: SocketShell;
let objects: readonly ClusterObject[];
let agent: RunningAgent;

beforeEach(async () => {
  node = await createNode({ name: 'upgrade' });
  const server = await node.addPod('v1');
  await (await openShell(server)).serve('tcp', '*', 8080, 'v1');
  clientPod = await node.addPod('client');
  client = await openShell(clientPod);
  objects = [service(), slice([endpoint(server.address4)])];
});

afterEach(async () => {
  await agent?.stop();
  await node?.close();
});

test('programs of a version with other records go on until the new agent knows the cluster, and are replaced then', async () => {
  agent = await startAgent(node, { objects });
  const open = await client.socket('tcp4');
  expect(await client.connect(open, VIP, 80)).toEqual({ ok: true });
  expect(await client.recv(open)).toEqual({ text: 'v1\n' });
  await agent.stop();
  pretendOtherLayout();
  const others = programsInForce();
  expect(others).toHaveLength(PROGRAMS.length);

  const load = client.startHammer('tcp', VIP, 80, { threads: 2, reset: true, pauseMicros: 100 });
  const kernel = await openKernel({
    cgroup: node.cgroup,
    bpfRoot: node.bpfRoot,
    netns: NAMESPACES,
    connections: 4096,
    capacity: { frontends: 64, slots: 64, backends: 64, services: 64 },
  });
  // The new tables are still empty.
  expect([...kernel.tables.frontends()]).toEqual([]);
  expect(programsInForce()).toEqual(others);
  expect(await client.hammer('tcp', VIP, 80, { count: 200, reset: true })).toMatchObject({ by: { v1: 200 } });

  agent = new RunningAgent(kernel, {});
  await agent.start(objects);
  expect(programsInForce()).toHaveLength(PROGRAMS.length);
  for (const id of programsInForce()) expect(others).not.toContain(id);
  expect(listSets(node.bpfRoot).map(isOurLayout)).toEqual([true]);
  expect(heldLines(node.bpfRoot)).toEqual(wantedLines(objects));
  const { errors, total } = await load.stop();
  expect({ errors, some: total > 200 }).toEqual({ errors: {}, some: true });

  // What was open goes on; who it asked is in tables that this version cannot read.
  expect(await client.exchange(open, 1000)).toMatchObject({ received: 1000 });
  expect(await client.whoAnswers('tcp', VIP, 80)).toBe('v1');
});

test('an upgrade that was cut and taken back goes on with the tables that are in force, and writes nothing', async () => {
  agent = await startAgent(node, { objects });
  expect(await client.hammer('tcp', VIP, 80, { count: 50, reset: true })).toMatchObject({ by: { v1: 50 } });
  await agent.stop();
  // As the other version leaves it when it dies before it knows the cluster: complete, and read by nobody.
  mkdirSync(`${node.bpfRoot}/set-${OTHER_LAYOUT}-9`);

  agent = await startAgent(node, { objects });
  expect(agent.agent.status().lastChange?.writes).toEqual(NO_WRITES);
  expect([...agent.agent.services()][0]?.stats.attempts).toBe(50);
  expect(listSets(node.bpfRoot)).toMatchObject([{ number: 1 }]);
  expect(await client.whoAnswers('tcp', VIP, 80)).toBe('v1');
});

test('a cgroup that was removed and made again while there was no agent is attached to by the next one', async () => {
  const cgroup = `${node.cgroup}/applications`;
  mkdirSync(cgroup);
  const move = (to: string): void => writeFileSync(`${to}/cgroup.procs`, String(client.process.pid));
  move(cgroup);
  agent = await startAgent(node, { objects, cgroup });
  expect(await client.whoAnswers('tcp', VIP, 80)).toBe('v1');
  await agent.stop();

  move(clientPod.cgroup);
  rmdirSync(cgroup);
  mkdirSync(cgroup);
  move(cgroup);
  // The links are still pinned, and lead nowhere.
  expect(await client.whoAnswers('tcp', VIP, 80)).toBe('EHOSTUNREACH');

  agent = await startAgent(node, { objects, cgroup });
  expect(agent.agent.status().lastChange?.writes).toEqual(NO_WRITES);
  expect(await client.whoAnswers('tcp', VIP, 80)).toBe('v1');
  expect(attachedPrograms(cgroup)).toHaveLength(PROGRAMS.length);
});

/** The agent of another version would have named its tables so. */
const pretendOtherLayout = (): void => {
  const [set] = listSets(node.bpfRoot);
  if (set === undefined) throw new Error('nothing is pinned');
  renameSync(set.path, `${node.bpfRoot}/set-${OTHER_LAYOUT}-${set.number}`);
};

const programsInForce = (): readonly number[] => attachedPrograms(node.cgroup).map(({ id }) => id);
