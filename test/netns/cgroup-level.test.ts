import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cgroupRoot } from '../../src/demo/cgroup.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';

/** How deep cgroups lie, for who sees the root of the machine's, and for who does not. */

let node: EmbeddedNode;
let mount: string;

beforeEach(async () => {
  node = await createNode({ name: 'level' });
  mkdirSync(`${node.cgroup}/node/pod`, { recursive: true });
  mount = mkdtempSync(join(tmpdir(), 'shunt-cgroup2-'));
});

afterEach(async () => {
  rmdirSync(mount);
  await node.close();
});

const PRINT = fileURLToPath(new URL('../helpers/print-cgroup-level.ts', import.meta.url));

/** Of a process in `cgroup`, `before` having made the way for it. */
const levelsIn = (cgroup: string, before: string, paths: readonly string[]): unknown => {
  const command = `echo $$ > ${cgroup}/cgroup.procs; ${before} ${process.execPath} ${PRINT} ${paths.join(' ')}`;
  return JSON.parse(execFileSync('sh', ['-c', command], { encoding: 'utf8' }));
};

const depth = (): number => relative(cgroupRoot(), node.cgroup).split('/').length;

test('who sees the root finds levels by looking, and the kernel says the same of the cgroups that one is in', () => {
  const paths = [cgroupRoot(), node.cgroup, `${node.cgroup}/node/pod`];
  expect(levelsIn(`${node.cgroup}/node`, '', paths)).toEqual([
    { seen: 0, told: 0 },
    { seen: depth(), told: depth() },
    { seen: depth() + 2, told: null },
  ]);
});

test('in a node that is a container itself, with its own root of cgroups, the kernel alone can tell', () => {
  // The namespace is made in the cgroup of the node, and the process then lies deeper, as a Pod of it does.
  const inner = `mount -t cgroup2 none ${mount} && echo $$ > ${mount}/pod/cgroup.procs && exec`;
  const enter = `exec unshare --cgroup --mount sh -c '${inner} "$0" "$@"'`;
  expect(levelsIn(`${node.cgroup}/node`, enter, [mount, `${mount}/pod`])).toEqual([
    { seen: null, told: depth() + 1 },
    { seen: null, told: depth() + 2 },
  ]);
});
