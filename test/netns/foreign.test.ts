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
const CLOSED = '10.96.0.3';
const OBJECT = join(import.meta.dirname, '../../build/bpf/test/foreign.bpf.o');

let node: EmbeddedNode;
let client: SocketShell;
let program: number | undefined;
let sockops: number | undefined;
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
  for (const fd of [program, sockops]) if (fd !== undefined) closeFd(fd);
  [program, sockops] = [undefined, undefined];
  closeFd(statistics);
  await node.close();
});

/** In the place of those that were loaded before. */
const load = (allows: boolean): void => {
  for (const fd of [program, sockops]) if (fd !== undefined) closeFd(fd);
  using object = openObject(new Uint8Array(readFileSync(OBJECT)), 'foreign');
  object.setConstant('allows', Uint8Array.of(allows ? 1 : 0));
  object.load();
  program = object.program('foreign');
  sockops = object.program('foreign_sockops');
};

const start = (): Promise<RunningAgent> => {
  const pod = node.pods.get('v1')!;
  const empty = service({ name: 'empty', clusterIPs: [EMPTY] });
  const server = { pod, shell: client };
  const closed = serviceWith('closed', [CLOSED], [server], { port: 1 });
  return startAgent(node, { objects: [...serviceWith('web', WEB, [server]), ...closed, empty] });
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
    expect((await unload(node.bpfRoot, false)).programs).toHaveLength(PROGRAMS.length);
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

describe('a foreign sockops program that sets the callback flags as if it were alone', () => {
  const attachSockops = (): void => {
    link = attachCgroup(sockops!, node.cgroup, 'sockops');
  };

  /** What is counted of connections that end in each way; `counted` waits until none holds a place any more. */
  const countWays = async () => {
    const ways = [
      { way: 'closed by the client', connect: () => client.hammer('tcp', WEB[0], 80, { count: 20 }) },
      { way: 'reset by the client', connect: () => client.hammer('tcp', WEB[1], 80, { count: 20, reset: true }) },
    ];
    const counts: Record<string, unknown> = {};
    for (const { way, connect } of ways) {
      counts[way] = await counted(agent!, 'shop/web/tcp/TCP', async () => {
        expect(await connect()).toMatchObject({ by: { v1: 20 }, errors: {} });
      });
    }
    counts['refused by the endpoint'] = await counted(agent!, 'shop/closed/tcp/TCP', async () => {
      expect(await client.whoAnswers('tcp', CLOSED, 80)).toBe('ECONNREFUSED');
    });
    return counts;
  };

  test('before Shunt takes nothing away: every connection is counted as it ends', async () => {
    attachSockops();
    agent = await start();
    expect(await countWays()).toEqual({
      'closed by the client': expect.objectContaining({ attempts: 20, established: 20, closed: 20 }),
      'reset by the client': expect.objectContaining({ attempts: 20, established: 20, closed: 20 }),
      'refused by the endpoint': { attempts: 1, refused: 1 },
    });
  });

  // Nobody is told of the handshake then, so these count as never established.
  test('after Shunt takes what is counted, but neither the connection nor its place', async () => {
    agent = await start();
    attachSockops();
    expect(await countWays()).toEqual({
      'closed by the client': { attempts: 20, unreachable: 20 },
      'reset by the client': { attempts: 20, unreachable: 20 },
      'refused by the endpoint': { attempts: 1, unreachable: 1 },
    });
    expect(agent.dataplane.stats.connections().used).toBe(0);
  });
});
