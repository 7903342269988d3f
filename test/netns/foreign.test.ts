import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { attachedPrograms } from '../../src/dataplane/kernel/attached.ts';
import { PROGRAMS } from '../../src/dataplane/kernel/programs.ts';
import { unload } from '../../src/dataplane/kernel/unload.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import { closeFd } from '../../src/native/descriptor.ts';
import { openObject } from '../../src/native/object.ts';
import { attachCgroup, programInfo } from '../../src/native/program.ts';
import { enableStats } from '../../src/native/system.ts';
import { counted } from '../helpers/counted.ts';
import { service } from '../helpers/objects.ts';
import { type RunningAgent, startAgent } from '../helpers/running-agent.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';
import { SERVER_PORT, serviceWith } from '../helpers/stage.ts';

/** Somebody else's programs at the same hooks of the same cgroup: they stay, they run, and Shunt works beside them. */

const WEB = ['10.96.0.1', 'fd00:10:96::1'] as const;
const EMPTY = '10.96.0.2';
const OBJECT = join(import.meta.dirname, '../../build/bpf/test/foreign.bpf.o');

let node: EmbeddedNode;
let client: SocketShell;
let program: number | undefined;
let link: number | undefined;
let statistics: number;
let agent: RunningAgent | undefined;

beforeEach(async () => {
  node = await createNode({ name: 'foreign' });
  load(true);
  statistics = enableStats();
  client = await openShell(await node.addPod('client'));
  const server = await openShell(await node.addPod('v1'));
  await server.serve('tcp', '*', SERVER_PORT, 'v1');
});

afterEach(async () => {
  await agent?.stop();
  agent = undefined;
  if (link !== undefined) closeFd(link);
  link = undefined;
  if (program !== undefined) closeFd(program);
  program = undefined;
  closeFd(statistics);
  await node.close();
});

/** In the place of the one that was loaded before. */
const load = (allows: boolean): void => {
  if (program !== undefined) closeFd(program);
  using object = openObject(new Uint8Array(readFileSync(OBJECT)), 'foreign');
  object.setConstant('allows', Uint8Array.of(allows ? 1 : 0));
  object.load();
  program = object.program('foreign');
};

const start = (): Promise<RunningAgent> => {
  const pod = node.pods.get('v1')!;
  const empty = service({ name: 'empty', clusterIPs: [EMPTY] });
  return startAgent(node, { objects: [...serviceWith('web', WEB, [{ pod, shell: client }]), empty] });
};

const attach = (): void => {
  link = attachCgroup(program!, node.cgroup, 'connect4');
};

const runs = (): number => programInfo(program!).runCount;

/** Our own programs and the foreign one, in the order in which they run at connect4. */
const atConnect4 = (): readonly string[] =>
  attachedPrograms(node.cgroup)
    .filter(({ hook }) => hook === 'connect4')
    .map(({ name, own }) => (own ? 'own' : name));

const expectBoth = async (): Promise<void> => {
  const before = runs();
  expect(await client.whoAnswers('tcp', WEB[0], 80)).toBe('v1');
  expect(runs()).toBe(before + 1);
};

describe.each([
  { order: 'before', programs: ['foreign', 'own'] },
  { order: 'after', programs: ['own', 'foreign'] },
])('a foreign program attached $order Shunt', ({ order, programs }) => {
  const startBoth = async (): Promise<void> => {
    if (order === 'before') attach();
    agent = await start();
    if (order === 'after') attach();
  };

  test('runs for each connection, and Shunt routes it', async () => {
    await startBoth();
    expect(atConnect4()).toEqual(programs);
    await expectBoth();
    expect(attachedPrograms(node.cgroup).filter(({ own }) => own)).toHaveLength(PROGRAMS.length);
  });

  test('stays through a stop of the agent and its next start, in its place', async () => {
    await startBoth();
    for (let turn = 0; turn < 2; turn += 1) {
      await agent?.stop();
      expect(atConnect4()).toEqual(programs);
      await expectBoth();
      agent = await start();
      expect(atConnect4()).toEqual(programs);
      await expectBoth();
    }
  });

  test('stays when Shunt is unloaded, which then leaves every address alone', async () => {
    await startBoth();
    await agent?.stop();
    agent = undefined;
    expect(unload(node.bpfRoot, false).programs).toHaveLength(PROGRAMS.length);
    expect(attachedPrograms(node.cgroup).map(({ name }) => name)).toEqual(['foreign']);
    const before = runs();
    expect(await client.whoAnswers('tcp', WEB[0], 80)).toBe('EHOSTUNREACH');
    expect(runs()).toBe(before + 1);
  });

  test('does not get in the way of a refusal', async () => {
    await startBoth();
    expect(await client.whoAnswers('tcp', EMPTY, 80)).toBe('ECONNREFUSED');
  });

  test('that forbids a connection has its way, and the connection is counted as ended', async () => {
    load(false);
    await startBoth();
    const counts = await counted(agent!, 'shop/web/tcp/TCP', async () => {
      expect(await client.whoAnswers('tcp', WEB[0], 80)).toBe('EPERM');
    });
    expect(counts).toEqual({ attempts: 1, unreachable: 1 });
  });
});
