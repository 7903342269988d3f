import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Dataplane } from '../../src/dataplane/dataplane.ts';
import { openKernel } from '../../src/dataplane/kernel/kernel.ts';
import { listSets } from '../../src/dataplane/kernel/pins.ts';
import { NAMESPACES } from '../../src/demo/namespace.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';

/** What starting needs of the file system, and what it leaves there. */

let node: EmbeddedNode;
let directory: string;
let opened: Dataplane | undefined;

beforeEach(async () => {
  node = await createNode({ name: 'bpf-root' });
  directory = mkdtempSync(join(tmpdir(), 'shunt-bpf-root-'));
});

afterEach(async () => {
  close();
  for (const { path } of mounts()) execFileSync('umount', [path]);
  rmSync(directory, { recursive: true });
  await node.close();
});

test.each(['a file', 'a directory'])(
  'a parent with %s in it that is no bpffs is refused, and nothing is mounted',
  async (what) => {
    const kept = join(directory, 'kept');
    if (what === 'a file') writeFileSync(kept, '');
    else mkdirSync(kept);
    await expect(open(join(directory, 'shunt'))).rejects.toMatchObject({
      code: 'SHUNT_E_BPF_ROOT',
      message: `cannot use ${directory}/shunt: ${directory} is no bpffs, and mounting one there would hide what is in it`,
    });
    expect(mounts()).toEqual([]);
    expect(readdirSync(directory)).toEqual(['kept']);
  },
);

test.each(['', 'missing/'])('a parent that is empty or missing gets a bpffs, one only (%j)', async (below) => {
  const parent = join(directory, below);
  for (let start = 0; start < 2; start += 1) {
    await open(join(parent, 'shunt'));
    close();
  }
  expect(mounts()).toEqual([{ path: parent.replace(/\/$/, ''), type: 'bpf' }]);
  expect(readdirSync(parent)).toContain('shunt');
});

test.each([
  { what: 'is not there', pathOf: () => `${node.cgroup}/missing` },
  { what: 'is a directory of another file system', pathOf: () => directory },
])('a cgroup that $what is refused, and nothing is made', async ({ pathOf }) => {
  const path = pathOf();
  await expect(open(join(node.bpfRoot, 'below'), path)).rejects.toMatchObject({
    code: 'SHUNT_E_CGROUP',
    message: `there is no cgroup of cgroup v2 at ${path}`,
  });
  expect(readdirSync(node.bpfRoot)).toEqual([]);
});

test('tables that were made and never attached are gone when they are closed; attached ones stay', async () => {
  await open(node.bpfRoot);
  expect(listSets(node.bpfRoot)).toHaveLength(1);
  close();
  expect(listSets(node.bpfRoot)).toEqual([]);
  await open(node.bpfRoot);
  await opened?.activate();
  close();
  expect(listSets(node.bpfRoot)).toHaveLength(1);
});

const open = async (bpfRoot: string, cgroup = node.cgroup): Promise<void> => {
  const capacity = { frontends: 64, slots: 64, backends: 64, services: 64 };
  opened = await openKernel({ cgroup, bpfRoot, connections: 1024, capacity, netns: NAMESPACES });
};

const close = (): void => {
  opened?.close();
  opened = undefined;
};

/** What is mounted at the test's directory and below it. */
const mounts = (): readonly { readonly path: string; readonly type: string }[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' - ').map((half) => half.split(' ')))
    .map(([left = [], right = []]) => ({ path: left[4] ?? '', type: right[0] ?? '' }))
    .filter(({ path }) => path.startsWith(directory));
