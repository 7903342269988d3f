import { statSync } from 'node:fs';
import { mkdir, rmdir } from 'node:fs/promises';
import { relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ClientCgroups, type ClientEvent } from '../../src/agent/client-cgroups.ts';
import { systemClock } from '../../src/agent/clock.ts';
import { cgroupLevel } from '../../src/agent/pod-cgroups.ts';
import { applyEvents, createCluster } from '../../src/core/cluster.ts';
import { cgroupRoot } from '../../src/demo/cgroup.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import { pod, policy } from '../helpers/objects.ts';
import { retryUntil } from '../helpers/retry.ts';

/** Pods' cgroups as the kubelet makes them, in the kernel's own tree. */

let node: EmbeddedNode;
let clients: ClientCgroups | undefined;

beforeEach(async () => {
  node = await createNode({ name: 'clients' });
});

afterEach(async () => {
  clients?.stop();
  await node.close();
});

const SLICE = 'kubepods.slice/kubepods-burstable.slice';

test('a level is that below the root of the machine', () => {
  const root = cgroupRoot();
  expect(cgroupLevel(root)).toBe(0);
  expect(cgroupLevel(node.cgroup)).toBe(relative(root, node.cgroup).split('/').length);
});

test('a Pod is found when its cgroup appears, with the id that the kernel gives it, and leaves with it', async () => {
  await mkdir(`${node.cgroup}/${SLICE}`, { recursive: true });
  const emitted: ClientEvent[] = [];
  const cluster = createCluster();
  const emit = (events: readonly ClientEvent[]) => emitted.push(...events);
  const clientsOfA = { matchLabels: { app: 'a' }, matchExpressions: [] };
  for (const object of [pod({ name: 'a', cgroupUid: 'u-1' }), policy([], { clients: clientsOfA })])
    applyEvents(cluster, [{ type: 'put', object }]);
  const level = cgroupLevel(node.cgroup);
  const place = { cgroup: node.cgroup, level, node: 'node-a' };
  clients = new ClientCgroups({ ...place, clock: systemClock, cluster, emit });
  clients.take([]);
  // Well into the growing waits, so that only the hint can be this fast.
  await sleep(1900);
  expect(emitted).toEqual([]);
  const path = `${node.cgroup}/${SLICE}/kubepods-burstable-podu_1.slice`;
  await mkdir(path);
  const madeMs = Date.now();
  await retryUntil(() => emitted.length > 0, { intervalMs: 1 });
  expect(Date.now() - madeMs).toBeLessThan(500);
  expect(emitted).toEqual([
    {
      type: 'client',
      pod: 'shop/a',
      client: { cgroup: statSync(path, { bigint: true }).ino, level: (level ?? 0) + 3 },
    },
  ]);
  await rmdir(path);
  await retryUntil(() => emitted.length > 1, { intervalMs: 1 });
  expect(emitted[1]).toEqual({ type: 'client', pod: 'shop/a', client: undefined });
});
