import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { SAME_NODE_CONTROL } from '../../src/abi/layout.gen.ts';
import type { SameNodeEnd } from '../../src/core/same-node/end.ts';
import { type KernelDataplane, type KernelOptions, openKernel } from '../../src/dataplane/kernel/kernel.ts';
import { builtPath } from '../../src/dataplane/kernel/load.ts';
import { listSets } from '../../src/dataplane/kernel/pins.ts';
import { forgetPassed, hasPassed } from '../../src/dataplane/kernel/same-node/passed.ts';
import type { KernelSameNode } from '../../src/dataplane/kernel/same-node/same-node.ts';
import { runSelfTest, type SelfTestCheck } from '../../src/dataplane/kernel/same-node/self-test.ts';
import { unload } from '../../src/dataplane/kernel/unload.ts';
import { cgroupRoot } from '../../src/demo/cgroup.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import { BpfMap } from '../../src/native/map.ts';

/** Whether joined sockets behave as TCP on this kernel, as the self-test finds it; and that it can find that they do not. */

let node: EmbeddedNode;

beforeEach(async () => {
  node = await createNode({ name: 'selftest' });
});

afterEach(() => node.close());

const CHECKS = [
  ['joins-ipv4', 'joins-ipv6'],
  ['memory-counted', 'memory-bounded', 'messages-bounded', 'unread-told'],
  ['read-level', 'read-wakes', 'write-wakes'],
  ['order-after-tcp', 'order-in-turns', 'order-in-stream'],
  ['half-close', 'close', 'close-redirected', 'turn-off'],
  ['zero-copy', 'urgent', 'parts'],
].flat();

const failed = (checks: readonly SelfTestCheck[]): readonly string[] =>
  checks.flatMap(({ name, failure }) => (failure === undefined ? [] : [name]));

const cgroupsOfTests = (): readonly string[] =>
  readdirSync(node.cgroup).filter((name) => name.startsWith('shunt-same-node-test-'));

test('this kernel passes every check, and nothing stays of the test', async () => {
  expect(await runSelfTest(node.cgroup)).toEqual(CHECKS.map((name) => ({ name, failure: undefined })));
  expect(cgroupsOfTests()).toEqual([]);
}, 5000);

test('nothing stays of a test that is killed', async () => {
  const program = spawn('build/native/same-node-test', [builtPath('same-node.bpf.o'), node.cgroup]);
  await once(program.stdout, 'data');
  expect(cgroupsOfTests()).toHaveLength(1);
  program.kill('SIGKILL');
  await vi.waitFor(() => expect(cgroupsOfTests()).toEqual([]), { timeout: 3000 });
});

/** As in the DaemonSet: cgroups are read-only, and there are two capabilities. */
const runInCage = (cgroup: string): { readonly status: number | null; readonly stdout: string } => {
  const rights = '--no-new-privs --inh-caps=-all,+net_admin,+sys_admin --bounding-set=-all,+net_admin,+sys_admin';
  const program = `build/native/same-node-test ${builtPath('same-node.bpf.o')} ${node.cgroup}`;
  const cage = `mount --bind ${node.cgroup} ${node.cgroup} && mount -o remount,bind,ro ${node.cgroup}`;
  const command = `echo $$ > ${cgroup}/cgroup.procs; exec unshare --mount sh -c '${cage} && exec setpriv ${rights} ${program}'`;
  return spawnSync('sh', ['-c', command], { encoding: 'utf8' });
};

test('with the rights of the DaemonSet it passes as well, and ends nobody beside it', async () => {
  const sleeper = spawn('sh', ['-c', `echo $$ > ${node.ownCgroup}/cgroup.procs; exec sleep 100`]);
  const { status, stdout } = runInCage(node.ownCgroup);
  expect(stdout).toBe(CHECKS.map((name) => `ok ${name}\n`).join(''));
  expect(status).toBe(0);
  expect(sleeper.exitCode ?? sleeper.signalCode).toBeNull();
  sleeper.kill();
  await once(sleeper, 'exit');
});

test('where it can neither make a cgroup nor is below the one that it was given, it cannot run', () => {
  expect(runInCage(cgroupRoot())).toMatchObject({
    status: 2,
    stdout: 'cannot run: the programs do not see the sockets of this process\n',
  });
});

test.each([
  ['the object holds other programs', () => builtPath('shunt.bpf.o'), () => node.cgroup, 'there is no table control'],
  ['there is no object', () => builtPath('none.bpf.o'), () => node.cgroup, /open .*none\.bpf\.o: No such file/],
  ['there is no cgroup', () => builtPath('same-node.bpf.o'), () => '/sys/none', /make cgroup .*: No such file/],
])('it says so when it cannot run: %s', async (_, object, cgroup, reason) => {
  await expect(runSelfTest(cgroup(), { object: object() })).rejects.toMatchObject({
    code: 'SHUNT_E_SAME_NODE_TEST',
    message: expect.stringMatching(reason),
  });
});

describe('programs that break a rule of redirection fail the checks of that rule:', () => {
  let directory: string;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'shunt-broken-'));
  });

  afterAll(() => rmSync(directory, { recursive: true }));

  /** The same programs with one text in the place of another. */
  const compileBroken = (file: string, rule: string, broken: string): string => {
    const sources = join(directory, 'bpf');
    cpSync('bpf', sources, { recursive: true });
    const path = join(sources, 'same-node', file);
    const source = readFileSync(path, 'utf8');
    expect(source).toContain(rule);
    writeFileSync(path, source.replace(rule, broken));
    execFileSync('make', ['-s', '-C', sources, '../build/bpf/same-node.bpf.o', 'CLANG=clang -Wno-unused']);
    return join(directory, 'build/bpf/same-node.bpf.o');
  };

  test.each([
    {
      broken: 'no limit to what waits for a reader',
      rule: ['redirect.h', 'return filled <= limit ||', 'return filled || limit ||'],
      fail: ['memory-bounded'],
    },
    {
      broken: 'no limit to how many small messages wait for a reader',
      rule: ['redirect.h', 'ctx->size < SMALL_MESSAGE', '0'],
      fail: ['messages-bounded'],
    },
    {
      broken: 'bytes are redirected past those that came by TCP',
      rule: ['redirect.h', 'if (own->write_seq != tcp->copied_seq)', 'if (0)'],
      fail: ['order-after-tcp', 'order-in-turns', 'order-in-stream'],
    },
    {
      broken: 'the switch is not looked at',
      rule: ['redirect.h', 'control->off || ', ''],
      fail: ['order-after-tcp', 'order-in-turns', 'turn-off'],
    },
    {
      broken: 'messages go where nobody reads',
      rule: ['redirect.h', 'BPF_F_INGRESS', '0'],
      fail: ['joins-ipv4', 'joins-ipv6'],
    },
    {
      broken: 'what has no room is dropped',
      rule: ['redirect.h', '|| !peer)\n\t\treturn SK_PASS;', '|| !peer)\n\t\treturn SK_DROP;'],
      fail: ['memory-bounded', 'write-wakes', 'half-close', 'close', 'turn-off'],
    },
    {
      broken: 'urgent bytes are redirected as any others',
      rule: ['redirect.h', 'sending.flags & MSG_OOB', '0'],
      fail: ['urgent'],
    },
    {
      broken: 'lent bytes are redirected as any others',
      rule: ['redirect.h', 'has_zero_copy((const struct sock *)own)', 'false'],
      fail: ['zero-copy'],
    },
    {
      broken: 'lent bytes go by TCP in pieces',
      rule: ['redirect.h', 'bpf_msg_pull_data(ctx, 0, ctx->size, 0);', ''],
      fail: ['zero-copy'],
    },
    {
      broken: 'sockets are parted at once',
      rule: ['join.h', 'candidate->since_ns < NS_PER_S', 'candidate->since_ns < 0'],
      fail: ['parts'],
    },
    {
      broken: 'sockets are parted with unread data',
      rule: ['join.h', 'sk->sk_backlog.rmem_alloc.counter)', '0)'],
      fail: ['parts'],
    },
    {
      broken: 'nothing is ever joined',
      rule: ['join.h', 'return !candidate->joined && ', 'return !candidate && '],
      fail: ['joins-ipv4', 'joins-ipv6'],
    },
  ])('$broken', async ({ rule: [file = '', rule = '', broken = ''], fail }) => {
    const checks = await runSelfTest(node.cgroup, { object: compileBroken(file, rule, broken) });
    expect(failed(checks)).toEqual(expect.arrayContaining(fail));
  });
});

describe('redirection begins', () => {
  const ENDS: readonly SameNodeEnd[] = [{ address: '10.244.0.2', port: 0, mode: 'redirect' }];
  const PASSES = [{ name: 'joins-ipv4', failure: undefined }];
  const FAILS = [...PASSES, { name: 'unread-told', failure: 'FIONREAD says 0, not 1000' }];

  type SelfTest = NonNullable<KernelOptions['selfTest']>;
  type Kernel = KernelDataplane & { readonly sameNode: KernelSameNode };
  let kernel: Kernel;

  const open = async (selfTest?: SelfTest): Promise<void> => {
    const capacity = { frontends: 64, slots: 256, backends: 64, services: 64 };
    const { cgroup, bpfRoot } = node;
    const options = { cgroup, bpfRoot, connections: 4096, capacity, netns: '/run/netns' };
    kernel = (await openKernel(selfTest === undefined ? options : { ...options, selfTest })) as Kernel;
  };

  afterEach(async () => {
    kernel.sameNode.set([]);
    await kernel.sameNode.settled();
    kernel.close();
  });

  test('when the self-test has passed, and from then on at once', async () => {
    await open();
    kernel.sameNode.set(ENDS);
    expect(kernel.sameNode.isAttached).toBe(false);
    await kernel.sameNode.settled();
    expect(kernel.sameNode).toMatchObject({ isAttached: true, unavailable: undefined });
    expect(hasPassed(node.bpfRoot)).toBe(true);
    kernel.close();
    const selfTest = vi.fn<SelfTest>();
    await open(selfTest);
    kernel.sameNode.set(ENDS);
    expect(kernel.sameNode.isAttached).toBe(true);
    expect(selfTest).not.toHaveBeenCalled();
  });

  test('never on a kernel that fails it, which is tested once', async () => {
    const selfTest = vi.fn<SelfTest>(async () => FAILS);
    await open(selfTest);
    kernel.sameNode.set(ENDS);
    await kernel.sameNode.settled();
    kernel.sameNode.set(ENDS);
    await kernel.sameNode.settled();
    expect(selfTest).toHaveBeenCalledTimes(1);
    expect(kernel.sameNode.isAttached).toBe(false);
    expect(kernel.sameNode.unavailable).toContain('unread-told: FIONREAD says 0, not 1000');
    expect(hasPassed(node.bpfRoot)).toBe(false);
    kernel.sameNode.set([]);
    expect(kernel.sameNode.unavailable).toBeUndefined();
  });

  test('not if the agent ends meanwhile, and its self-test ends with it', async () => {
    await open();
    kernel.sameNode.set(ENDS);
    await vi.waitFor(() => expect(cgroupsOfTests()).toHaveLength(1));
    kernel.close();
    await kernel.sameNode.settled();
    await vi.waitFor(() => expect(cgroupsOfTests()).toEqual([]), { timeout: 3000 });
    expect(kernel.sameNode).toMatchObject({ isAttached: false, unavailable: undefined });
    expect(hasPassed(node.bpfRoot)).toBe(false);
    await open(async () => PASSES);
  });

  test('not if nobody wants it any more when the self-test has passed', async () => {
    await open(async () => PASSES);
    kernel.sameNode.set(ENDS);
    kernel.sameNode.set([]);
    await kernel.sameNode.settled();
    expect(kernel.sameNode.isAttached).toBe(false);
  });

  describe('of an earlier agent goes on while a new one tests,', () => {
    let end: (checks: readonly SelfTestCheck[]) => void;

    beforeEach(async () => {
      await open(async () => PASSES);
      kernel.sameNode.set(ENDS);
      await kernel.sameNode.settled();
      kernel.close();
      forgetPassed(node.bpfRoot);
      const { promise, resolve } = Promise.withResolvers<readonly SelfTestCheck[]>();
      end = resolve;
      await open(() => promise);
      kernel.sameNode.set([...ENDS, ...ENDS.map((each) => ({ ...each, address: 'fd00::2' }))]);
    });

    const endsInForce = (): number => {
      using table = BpfMap.openPinned(`${listSets(node.bpfRoot, 'same-node')[0]?.path}/ends`);
      return table.readAll().count;
    };

    const generation = (): number => {
      using control = BpfMap.openPinned(`${listSets(node.bpfRoot, 'same-node')[0]?.path}/control`);
      const value = control.lookup(new Uint8Array(4)) as Uint8Array;
      return new DataView(value.buffer).getUint32(SAME_NODE_CONTROL.generation, true);
    };

    test('with the new ends', async () => {
      expect(kernel.sameNode.isAttached).toBe(true);
      expect(endsInForce()).toBe(2);
      const first = generation();
      kernel.sameNode.set([...ENDS, { address: 'fd00::3', port: 0, mode: 'local' }]);
      expect(generation()).toBe(first + 1);
      const [before] = listSets(node.bpfRoot, 'same-node');
      end(PASSES);
      await kernel.sameNode.settled();
      expect(kernel.sameNode.isAttached).toBe(true);
      expect(listSets(node.bpfRoot, 'same-node')).toEqual([before]);
      expect(endsInForce()).toBe(2);
    });

    test('and ends when the new one fails', async () => {
      end(FAILS);
      await kernel.sameNode.settled();
      expect(kernel.sameNode.isAttached).toBe(false);
      expect(listSets(node.bpfRoot, 'same-node')).toEqual([]);
    });
  });

  test('and unloading forgets that the self-test has passed', async () => {
    await open(async () => PASSES);
    kernel.sameNode.set(ENDS);
    await kernel.sameNode.settled();
    kernel.sameNode.set([]);
    await kernel.sameNode.settled();
    kernel.close();
    await unload(node.bpfRoot, false);
    expect(hasPassed(node.bpfRoot)).toBe(false);
    mkdirSync(node.bpfRoot, { recursive: true });
    await open(async () => PASSES);
  });
});
