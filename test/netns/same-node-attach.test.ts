import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { SameNodeEnd } from '../../src/core/same-node/end.ts';
import { type KernelDataplane, openKernel } from '../../src/dataplane/kernel/kernel.ts';
import { listSets } from '../../src/dataplane/kernel/pins.ts';
import type { KernelSameNode } from '../../src/dataplane/kernel/same-node/same-node.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';

/** Attaching the programs of same-node redirection on a kernel that refuses the last of them. */

const kernelState = vi.hoisted(() => ({ refuses: false }));

vi.mock(import('../../src/native/program.ts'), async (importOriginal) => {
  const original = await importOriginal();
  return {
    ...original,
    attachCgroup: (...given: Parameters<typeof original.attachCgroup>) => {
      if (kernelState.refuses) throw new Error('refused');
      return original.attachCgroup(...given);
    },
  };
});

const ENDS: readonly SameNodeEnd[] = [{ address: '10.244.0.2', port: 0, mode: 'redirect' }];

let node: EmbeddedNode;
let kernel: KernelDataplane & { readonly sameNode: KernelSameNode };

beforeEach(async () => {
  node = await createNode({ name: 'attach' });
  const capacity = { frontends: 64, slots: 256, backends: 64, services: 64 };
  const { cgroup, bpfRoot } = node;
  const selfTest = async () => [{ name: 'joins-ipv4', failure: undefined }];
  const options = { cgroup, bpfRoot, connections: 4096, capacity, netns: '/run/netns', selfTest };
  kernel = (await openKernel(options)) as typeof kernel;
  kernel.sameNode.set(ENDS);
  await kernel.sameNode.settled();
  kernel.sameNode.set([]);
  await kernel.sameNode.settled();
});

afterEach(async () => {
  kernelState.refuses = false;
  kernel.sameNode.set([]);
  await kernel.sameNode.settled();
  kernel.close();
  await node.close();
});

test('an attempt that fails leaves nothing, however often it is made, and one that does not is the only one', () => {
  kernelState.refuses = true;
  for (let attempt = 0; attempt < 3; attempt++) expect(() => kernel.sameNode.set(ENDS)).toThrow('refused');
  expect(listSets(node.bpfRoot, 'same-node')).toEqual([]);
  expect(kernel.sameNode.isAttached).toBe(false);
  kernelState.refuses = false;
  kernel.sameNode.set(ENDS);
  expect(kernel.sameNode.isAttached).toBe(true);
  expect(listSets(node.bpfRoot, 'same-node')).toHaveLength(1);
});
