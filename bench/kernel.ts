import { rm } from 'node:fs/promises';
import type { Capacity } from '../src/core/plan/transaction.ts';
import type { Dataplane } from '../src/dataplane/dataplane.ts';
import { openKernel } from '../src/dataplane/kernel/kernel.ts';
import { NAMESPACES } from '../src/demo/namespace.ts';
import { BPFFS, OWN_PREFIX } from './node.ts';

/** Tables of our own in the kernel. Disposed of, nothing stays: programs, links and tables go with their pins. */
export interface BenchTables extends AsyncDisposable {
  readonly dataplane: Dataplane;
  /** Where they are pinned. */
  readonly bpfRoot: string;
}

/** Once activated, the programs run for sockets that are born in `cgroup`. */
export const openTables = async (cgroup: string, capacity: Capacity): Promise<BenchTables> => {
  const bpfRoot = `${BPFFS}/${OWN_PREFIX}tables${opened++}`;
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(bpfRoot, { recursive: true, force: true }));
  const dataplane = await openKernel({ cgroup, bpfRoot, capacity, connections: CONNECTIONS, netns: NAMESPACES });
  cleanup.defer(async () => dataplane.close());
  const owned = cleanup.move();
  return { dataplane, bpfRoot, [Symbol.asyncDispose]: () => owned.disposeAsync() };
};

/** As many as a busy node has at a time. */
const CONNECTIONS = 2 ** 16;

let opened = 0;
