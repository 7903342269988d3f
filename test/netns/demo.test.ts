import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Act } from '../../src/demo/act.ts';
import { explain } from '../../src/demo/acts/explain.ts';
import { ipv6 } from '../../src/demo/acts/ipv6.ts';
import { killed } from '../../src/demo/acts/killed.ts';
import { leave } from '../../src/demo/acts/leave.ts';
import { refused } from '../../src/demo/acts/refused.ts';
import { restart } from '../../src/demo/acts/restart.ts';
import { shares } from '../../src/demo/acts/shares.ts';
import { shift } from '../../src/demo/acts/shift.ts';
import { whole } from '../../src/demo/acts/whole.ts';
import { mainPath } from '../../src/demo/agent-process.ts';
import { bpfRootsOf } from '../../src/demo/bpffs.ts';
import { cgroupRoot, cgroupsOf } from '../../src/demo/cgroup.ts';
import { BILLING, LOGIN, REGISTER } from '../../src/demo/cluster.ts';
import { runCommand } from '../../src/demo/command.ts';
import { namespacesOf } from '../../src/demo/namespace.ts';
import { silentScreen } from '../../src/demo/screen.ts';
import { openStage, type Stage } from '../../src/demo/stage.ts';
import { play } from '../../src/demo/story.ts';
import { shownClaims, wordsOf } from '../helpers/readme.ts';

describe('shunt demo', () => {
  /** TMPDIR of the demo: nothing else is in it. */
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'shunt-demo-test-'));
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  test('--check prints one line of JSON in which every claim holds, and leaves nothing behind', async () => {
    const demo = start(['--check'], directory);
    const [stdout, stderr, status] = await Promise.all([text(demo.stdout!), text(demo.stderr!), exitOf(demo)]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^\{[^\n]*\}\n$/);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ ok: true, node: { kernel: expect.any(String) }, durationMs: expect.any(Number) });
    expect(report.durationMs).toBeLessThan(60_000);
    const names = ['shares', 'shift', 'leave', 'killed', 'restart', 'refused', 'ipv6', 'peer', 'explain', 'whole'];
    const parts = { claim: expect.any(String), summary: expect.any(String), figure: expect.any(Object) };
    expect(report.claims).toEqual(names.map((name) => ({ name, holds: true, ...parts })));
    const claims = report.claims as readonly { readonly name: string; readonly summary: string }[];
    expect(claims.map(({ name, summary }) => [name, wordsOf(summary)])).toEqual(
      shownClaims().map(({ name, measured }) => [name, wordsOf(measured)]),
    );
    expect(await leftovers(demo, directory)).toEqual([]);
  });

  test('--ui says where its page is, and is the page of its agent', async () => {
    const demo = start(['--ui'], directory);
    const ended = exitOf(demo);
    const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(await said(demo, 'traffic '))?.[0] ?? '';
    expect(await (await fetch(url)).text()).toContain('<title>Shunt</title>');
    expect(await (await fetch(`${url}api/overview`)).json()).toMatchObject({
      node: 'demo-node',
      health: { ready: true },
    });
    demo.kill('SIGINT');
    expect(await ended).toBe(130);
    await expect(fetch(url)).rejects.toThrow('fetch failed');
    expect(await leftovers(demo, directory)).toEqual([]);
  });

  const interruptions: readonly Interruption[] = [
    { what: 'Ctrl-C before the agent runs', after: 'cluster ', signal: 'SIGINT', status: 130 },
    { what: 'Ctrl-C during an act', after: '1  A Service', signal: 'SIGINT', status: 130 },
    { what: 'SIGTERM', after: 'traffic ', signal: 'SIGTERM', status: 143 },
    { what: 'a reader that goes away', after: 'cluster ', signal: undefined, status: 143 },
  ];

  test.each(interruptions)('$what ends it, and removes everything', async ({ after, signal, status }) => {
    const demo = start([], directory);
    const stderr = text(demo.stderr!);
    const ended = exitOf(demo);
    await said(demo, after);
    if (signal === undefined) demo.stdout?.destroy();
    else demo.kill(signal);
    expect(await ended).toBe(status);
    expect(await stderr).toContain(`interrupted by ${signal ?? 'SIGTERM'}`);
    expect(await leftovers(demo, directory)).toEqual([]);
  });
});

describe('a claim that is not true does not hold', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await openStage(silentScreen, new AbortController().signal);
  });

  afterAll(() => stage?.[Symbol.asyncDispose]());

  /** One after the other, on one stage: each breaks a little more. */
  const rows: readonly { readonly act: Act; readonly when: string; readonly break: () => Promise<unknown> }[] = [
    {
      act: leave,
      when: 'the process has ended before its endpoint was taken out',
      break: () => stage.servers.stop(LOGIN, 'v1'),
    },
    {
      act: refused,
      when: 'the Service without endpoints has got one',
      break: async () => {
        const answers = { ...BILLING, targetPort: REGISTER.targetPort };
        await stage.cluster.setEndpoints(answers, [stage.servers.endpoint(REGISTER, 'v1')]);
        await stage.agent.inForce(BILLING.address4, BILLING.port, stage.servers.bySocket(REGISTER, { v1: 1 }));
      },
    },
    {
      act: shares,
      when: 'the objects ask for something else, and no agent is there to see it',
      break: async () => {
        await stage.agent.kill();
        await stage.cluster.setWeights({ v1: 10, v2: 90 });
      },
    },
    { act: explain, when: 'no agent is there to ask', break: async () => {} },
    { act: shift, when: 'no agent is there to see the edit', break: async () => {} },
    {
      act: killed,
      when: 'the programs are gone with the agent',
      break: () => {
        const { bpfRoot, socket } = stage.agent.settings;
        const flags = ['--force', '--bpf-root', bpfRoot, '--socket', socket];
        return runCommand('unloading', process.execPath, [mainPath, 'unload', ...flags]);
      },
    },
    { act: ipv6, when: 'the programs are gone', break: async () => {} },
    { act: restart, when: 'the tables are gone', break: async () => {} },
    { act: whole, when: 'connections have failed', break: async () => {} },
  ];

  for (const { act, when, break: breakIt } of rows) {
    test(`${act.name}: ${when}`, async () => {
      await breakIt();
      expect(await play(act, 1, stage)).toMatchObject({ name: act.name, claim: act.claim, holds: false });
    });
  }
});

interface Interruption {
  readonly what: string;
  /** Words of its output. */
  readonly after: string;
  readonly signal: NodeJS.Signals | undefined;
  readonly status: number;
}

const start = (flags: readonly string[], directory: string): ChildProcess =>
  spawn(process.execPath, [mainPath, 'demo', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: directory },
  });

const exitOf = async (child: ChildProcess): Promise<unknown> => (await once(child, 'close'))[0];

/** Resolves with all that it has said by then. */
const said = async (child: ChildProcess, words: string): Promise<string> => {
  let all = '';
  for await (const chunk of child.stdout!.iterator({ destroyOnReturn: false })) {
    all += chunk;
    if (all.includes(words)) break;
  }
  child.stdout?.resume();
  return all;
};

/** Names carry the pid of the creator; a process of the node that lived would keep its cgroup. */
const leftovers = async ({ pid }: ChildProcess, directory: string): Promise<readonly string[]> => [
  ...(await namespacesOf(`shunt-${pid}-`)),
  ...cgroupsOf(cgroupRoot(), `shunt-${pid}-`),
  ...(await bpfRootsOf(`shunt-${pid}-`)),
  ...readdirSync(directory),
];
