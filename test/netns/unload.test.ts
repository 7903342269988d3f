import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { attachedPrograms } from '../../src/dataplane/kernel/attached.ts';
import { PROGRAMS } from '../../src/dataplane/kernel/programs.ts';
import { unload } from '../../src/dataplane/kernel/unload.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import { closeFd } from '../../src/native/descriptor.ts';
import { kernelError } from '../../src/native/kernel-error.ts';
import { openObject } from '../../src/native/object.ts';
import { attachCgroup } from '../../src/native/program.ts';
import { SHUNT, startAgentProcess } from '../helpers/agent-process.ts';
import { Died, type Mortality } from '../helpers/mortal.ts';
import { ObjectDirectory } from '../helpers/object-directory.ts';
import { endpoint, service, slice } from '../helpers/objects.ts';
import { heldLines, wantedLines } from '../helpers/pinned-tables.ts';
import { retryUntil } from '../helpers/retry.ts';
import { startAgent } from '../helpers/running-agent.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';

const mortality = await vi.hoisted(
  async (): Promise<Mortality> => new (await import('../helpers/mortal.ts')).Mortality(),
);

vi.mock('node:fs', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:fs')>();
  const unlinkSync = (path: string): void => {
    mortality.before('unlinking');
    original.unlinkSync(path);
  };
  return { ...original, unlinkSync, default: { ...original, unlinkSync } };
});

/** What a kernel answers that cannot detach; undefined: what this kernel answers. */
const kernel = vi.hoisted(() => ({ detachError: undefined as Error | undefined }));

vi.mock('../../src/native/program.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../src/native/program.ts')>();
  const detachLink = (link: number): void => {
    if (kernel.detachError !== undefined) throw kernel.detachError;
    original.detachLink(link);
  };
  return { ...original, detachLink };
});

const run = promisify(execFile);
const VIP = '10.96.0.1';

let node: EmbeddedNode;
let client: SocketShell;
let objects: ObjectDirectory;
let cluster: readonly ClusterObject[];

beforeEach(async () => {
  node = await createNode({ name: 'unload' });
  const pod = await node.addPod('v1');
  await (await openShell(pod)).serve('tcp', '*', 8080, 'v1');
  client = await openShell(await node.addPod('client'));
  cluster = [service(), slice([endpoint(pod.address4)])];
  objects = new ObjectDirectory();
  objects.write('web', ...cluster);
});

afterEach(async () => {
  mortality.disarm();
  kernel.detachError = undefined;
  await node?.close();
  objects?.[Symbol.dispose]();
});

test('`shunt unload` leaves the node as it was: no pin, no program but those of others, and open connections go on', async () => {
  using foreign = attachForeign();
  const before = attachedPrograms(node.cgroup);
  expect(before).toEqual([expect.objectContaining({ id: foreign.id, own: false })]);

  const agent = await startAgentProcess(node, { source: objects.path }).ready();
  expect(attachedPrograms(node.cgroup)).toHaveLength(PROGRAMS.length + 1);
  const open = await client.socket('tcp4');
  expect(await client.connect(open, VIP, 80)).toEqual({ ok: true });
  expect(await client.recv(open)).toEqual({ text: 'v1\n' });

  const where = ['--bpf-root', node.bpfRoot, '--socket', agent.socket];
  await expect(run(SHUNT, ['unload', ...where])).rejects.toMatchObject({ code: 1, stderr: /an agent is running/ });
  expect(await client.whoAnswers('tcp', VIP, 80)).toBe('v1');

  expect(await agent.stop()).toBe(0);
  const { stdout } = await run(SHUNT, ['unload', ...where]);
  for (const { program } of PROGRAMS) expect(stdout).toContain(`removed program ${program}\n`);
  expect(attachedPrograms(node.cgroup)).toEqual(before);
  expect(existsSync(node.bpfRoot)).toBe(false);
  expect(await client.whoAnswers('tcp', VIP, 80)).toBe('EHOSTUNREACH');
  expect(await client.exchange(open, 100_000)).toMatchObject({ sent: 100_000, received: 100_000 });

  expect((await run(SHUNT, ['unload', ...where])).stdout).toMatch(/^nothing of Shunt is loaded/);
});

describe.each([0, 3, 9, 10, 15, 20])('an unload that is cut after %i pins', (count) => {
  test('is completed by another one', async () => {
    await (await startAgent(node, { objects: cluster })).stop();
    mortality.arm('unlinking', count);
    await expect(unload(node.bpfRoot, false)).rejects.toThrow(Died);
    mortality.disarm();
    await unload(node.bpfRoot, false);
    expect(attachedPrograms(node.cgroup)).toEqual([]);
    expect(existsSync(node.bpfRoot)).toBe(false);
  });

  test('is undone by a start', async () => {
    await (await startAgent(node, { objects: cluster })).stop();
    mortality.arm('unlinking', count);
    await expect(unload(node.bpfRoot, false)).rejects.toThrow(Died);
    mortality.disarm();
    await using _ = await startAgent(node, { objects: cluster });
    expect(heldLines(node.bpfRoot)).toEqual(wantedLines(cluster));
    expect(attachedPrograms(node.cgroup)).toHaveLength(PROGRAMS.length);
    expect(await client.whoAnswers('tcp', VIP, 80)).toBe('v1');
  });
});

test('an unload on a kernel that cannot detach a link leaves that to the removal of its pin', async () => {
  await (await startAgent(node, { objects: cluster })).stop();
  kernel.detachError = kernelError('linkDetach', constants.errno.EOPNOTSUPP, '');
  expect((await unload(node.bpfRoot, false)).programs).toHaveLength(PROGRAMS.length);
  expect(existsSync(node.bpfRoot)).toBe(false);
  await retryUntil(() => attachedPrograms(node.cgroup).length === 0);
});

test('an unload that the kernel refuses for another reason says so, and nothing is half gone', async () => {
  await (await startAgent(node, { objects: cluster })).stop();
  kernel.detachError = kernelError('linkDetach', constants.errno.EPERM, '');
  await expect(unload(node.bpfRoot, false)).rejects.toThrow('linkDetach: EPERM');
  expect(attachedPrograms(node.cgroup)).toHaveLength(PROGRAMS.length);
  expect(await client.whoAnswers('tcp', VIP, 80)).toBe('v1');
});

/** Somebody else's program at the same hook of the same cgroup. */
const attachForeign = (): { readonly id: number } & Disposable => {
  const path = new URL('../../build/bpf/test/foreign.bpf.o', import.meta.url);
  using object = openObject(new Uint8Array(readFileSync(path)), 'foreign');
  object.load();
  const program = object.program('foreign');
  const link = attachCgroup(program, node.cgroup, 'connect4');
  closeFd(program);
  const [attached] = attachedPrograms(node.cgroup);
  if (attached === undefined) throw new Error('the program is not attached');
  return { id: attached.id, [Symbol.dispose]: () => closeFd(link) };
};
