import { mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PROGRAM_CHECK_MS } from '../../src/agent/agent.ts';
import { type Clock, systemClock } from '../../src/agent/clock.ts';
import { attachedPrograms } from '../../src/dataplane/kernel/attached.ts';
import { PROGRAMS } from '../../src/dataplane/kernel/programs.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import type { Pod } from '../../src/demo/pod.ts';
import { counted } from '../helpers/counted.ts';
import { endpoint, service, slice } from '../helpers/objects.ts';
import { retryUntil } from '../helpers/retry.ts';
import { type RunningAgent, startAgent } from '../helpers/running-agent.ts';
import { openShellIn } from '../helpers/shell-in-cgroup.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';

/** Somebody takes the programs of a running agent away: it notices, says so, and attaches them again. */

const VIP = '10.96.0.1';
const CHECK_MS = 50;
const NAMES = PROGRAMS.map(({ program }) => program);

/** The programs are looked at more often; everything else takes its time. */
const clock: Clock = {
  ...systemClock,
  after: (ms, call) => systemClock.after(ms === PROGRAM_CHECK_MS ? CHECK_MS : ms, call),
};

let node: EmbeddedNode;
let cgroup: string;
let agent: RunningAgent;
let client: SocketShell;

beforeEach(async () => {
  node = await createNode({ name: 'lost' });
  cgroup = `${node.cgroup}/served`;
  mkdirSync(cgroup);
  const pod = await node.addPod('v1');
  await (await openShell(pod)).serve('tcp', '*', 8080, 'v1');
  agent = await startAgent(node, { clock, cgroup, objects: [service(), slice([endpoint(pod.address4)])] });
  await node.addPod('client');
  client = await openClient();
  expect(await client.whoAnswers('tcp', VIP, 80)).toBe('v1');
});

afterEach(async () => {
  await agent?.stop();
  await node?.close();
});

/** In the pod, but in the cgroup that is served. */
const openClient = (): Promise<SocketShell> => openShellIn(node.pods.get('client') as Pod, cgroup);

test.each([
  { what: 'the pin of connect4', pins: ['shunt_connect4'] },
  { what: 'the pin of sockops', pins: ['shunt_sockops'] },
  { what: 'the pins of both sendmsg', pins: ['shunt_sendmsg4', 'shunt_sendmsg6'] },
  { what: 'every pin', pins: NAMES },
  { what: 'the directory of pins', pins: NAMES, directory: true },
])('$what removed by hand: it is reported once, and everything is attached again', async ({ pins, directory }) => {
  for (const pin of pins) rmSync(`${node.bpfRoot}/links/${pin}`);
  if (directory) rmdirSync(`${node.bpfRoot}/links`);
  expect(detached()).toEqual(pins);
  expect(agent.agent.detachedPrograms()).toEqual(pins);
  await expectRepaired(pins);
});

test('a cgroup that is removed and made again is attached to again', async () => {
  await client.kill();
  await removeCgroup();
  mkdirSync(cgroup);
  client = await openClient();
  await expectRepaired(NAMES);
});

test('a cgroup that stays away is waited for', async () => {
  await client.kill();
  await removeCgroup();
  await retryUntil(() => agent.agent.status().unhealthy.includes(`open cgroup ${cgroup}`));
  expect(agent.failures[0]).toMatchObject({ code: 'SHUNT_E_DETACHED' });
  mkdirSync(cgroup);
  client = await openClient();
  await retryUntil(() => agent.agent.status().unhealthy === '');
  await expectRouted();
});

const detached = (): readonly string[] | undefined =>
  agent.agent.explain({ address: VIP, port: 80, protocol: 'TCP' }).detached;

const expectRepaired = async (lost: readonly string[]): Promise<void> => {
  await retryUntil(() => agent.failures.length > 0);
  await expectRouted();
  await sleep(3 * CHECK_MS);
  expect(agent.failures).toMatchObject([
    { code: 'SHUNT_E_DETACHED', message: `programs were detached by somebody else: ${lost.join(', ')}` },
  ]);
  expect(agent.agent.status().unhealthy).toBe('');
  expect(detached()).toBeUndefined();
};

/** Each program is there, once; connections are sent, watched and counted. */
const expectRouted = async (): Promise<void> => {
  await retryUntil(() => {
    expect(attachedPrograms(cgroup).map(({ hook }) => `shunt_${hook}`)).toEqual(NAMES);
    return true;
  });
  const counts = await counted(agent, 'shop/web/http/TCP', async () => {
    expect((await client.hammer('tcp', VIP, 80, { count: 10 })).by).toEqual({ v1: 10 });
  });
  expect(counts).toMatchObject({ attempts: 10, established: 10, closed: 10 });
};

/** The kernel takes a moment to let go of the processes that were in it. */
const removeCgroup = (): Promise<true> =>
  retryUntil(() => {
    rmdirSync(cgroup);
    return true;
  });
