import { statSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { KernelDataplane } from '../../src/dataplane/kernel/kernel.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import type { Pod } from '../../src/demo/pod.ts';
import { ewmaOf, openHandMade, write } from '../helpers/hand-made.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';
import { chiSquaredP } from '../helpers/statistics.ts';

/** Shares of a Service's connections that go to other Services, and choices of one Pod's clients: tables made by hand. */

const VIP = '10.96.0.1';
const CLOSED = '10.96.0.2';
const NAMES = ['v1', 'v2'] as const;
/** The Service that is asked, and a record for each of its arms. */
const ASKED = 0;
const ARMS = [1, 2] as const;
/** Where ranges begin: of arms, and of each arm. */
const OF_ARMS = 1;
const OF_ARM = [20, 40] as const;

let node: EmbeddedNode;
let kernel: KernelDataplane;
let client: SocketShell;
let other: SocketShell;
let pods: readonly Pod[];

beforeEach(async () => {
  node = await createNode({ name: 'arms' });
  pods = await Promise.all(NAMES.map((name) => node.addPod(name)));
  for (const pod of pods) {
    const shell = await openShell(pod);
    await shell.serve('tcp', '*', 8080, pod.name);
    await shell.serve('udp', '*', 8080, pod.name);
  }
  client = await openShell(await node.addPod('client'));
  other = await openShell(await node.addPod('other'));
  kernel = await openHandMade(node);
});

afterEach(async () => {
  kernel?.close();
  await node?.close();
});

interface Split {
  readonly weights: readonly [number, number];
  /** That has no endpoint. */
  readonly empty?: number;
  readonly protocol?: 'TCP' | 'UDP';
  readonly affinityTimeoutS?: number;
}

const split = ({ weights, empty, protocol = 'TCP', affinityTimeoutS = 0 }: Split): void =>
  write(kernel, {
    services: [
      { index: ASKED, affinityTimeoutS },
      { index: ARMS[0], choice: { algorithm: 'RoundRobin', hashOn: 'Pod' } },
      { index: ARMS[1] },
    ],
    backends: pods.map(({ address4 }, index) => ({ index, address: address4, protocol, service: ASKED })),
    ranges: [
      ...OF_ARM.map((base, index) => ({ base, entries: [index], weights: [1] })),
      {
        base: OF_ARMS,
        entries: [0, 1],
        weights,
        arms: OF_ARM.map((base, index) => {
          const service = ARMS[index] as number;
          return index === empty ? { service, base: 0, count: 0 } : { service, base, count: 1 };
        }),
      },
    ],
    frontends: [{ address: VIP, protocol, service: ASKED, slotBase: OF_ARMS, slotCount: 2, arms: true }],
  });

const growth = (before: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(kernel.stats.verdicts())
      .map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
      .filter(([, count]) => count > 0),
  );

test('connections fall to arms by their weights, and are counted at the Service that was asked', async () => {
  split({ weights: [30, 70] });
  const { by, errors } = await client.hammer('tcp', VIP, 80, { count: 5000, threads: 2 });
  expect(errors).toEqual({});
  expect(chiSquaredP([by.v1 ?? 0, by.v2 ?? 0], [30, 70])).toBeGreaterThan(0.001);
  expect(kernel.stats.service(ASKED)).toMatchObject({ attempts: 5000, rejected: 0 });
  expect(kernel.stats.backend(0).attempts).toBe(by.v1);
});

test('the share of an arm without an endpoint is refused, and goes to nobody else', async () => {
  split({ weights: [1, 1], empty: 1 });
  const before = kernel.stats.verdicts();
  const { by, errors } = await client.hammer('tcp', VIP, 80, { count: 2000 });
  const refused = errors.ECONNREFUSED ?? 0;
  expect(by).toEqual({ v1: 2000 - refused });
  expect(chiSquaredP([2000 - refused, refused], [1, 1])).toBeGreaterThan(0.001);
  expect(growth(before)).toEqual({ refused_arm: refused });
  expect(kernel.stats.service(ASKED)).toMatchObject({ rejected: refused, rejectedShare: refused, rejectedNoPort: 0 });
  expect(kernel.stats.service(ARMS[1]).rejected).toBe(refused);
  expect(kernel.stats.service(ARMS[0]).rejected).toBe(0);
});

test('an arm chooses in its own way', async () => {
  split({ weights: [1, 1] });
  write(kernel, {
    ranges: [
      { base: OF_ARM[0], entries: [0, 1], weights: [2, 1], stride: 2 },
      {
        base: OF_ARMS,
        entries: [0],
        weights: [1],
        arms: [{ service: ARMS[0], base: OF_ARM[0], count: 2 }],
      },
    ],
    frontends: [{ address: VIP, service: ASKED, slotBase: OF_ARMS, slotCount: 1, arms: true }],
  });
  for (let round = 0; round < 5; round++)
    expect((await client.hammer('tcp', VIP, 80, { count: 3 })).by).toEqual({ v1: 2, v2: 1 });
});

test('a datagram falls to an arm, and its socket keeps to the endpoint; a refused one tells its sender', async () => {
  split({ weights: [1, 1], empty: 1, protocol: 'UDP' });
  const before = kernel.stats.verdicts();
  let dropped = 0;
  for (let many = 0; many < 40; many++) {
    const fd = await client.socket('udp4');
    const sent = await client.sendto(fd, VIP, 80, 'x');
    if ('error' in sent) {
      expect(sent.error).toBe('ECONNREFUSED');
      dropped += 1;
    } else {
      for (let again = 0; again < 5; again++) expect(await client.sendto(fd, VIP, 80, 'x')).toEqual({ ok: true });
      expect(await client.recvfrom(fd)).toMatchObject({ address: VIP, port: 80 });
    }
    await client.closeSocket(fd);
  }
  expect(dropped).toBeGreaterThan(0);
  expect(dropped).toBeLessThan(40);
  expect(growth(before)).toEqual({ dropped_arm: dropped });
});

test('a pod keeps by affinity to the endpoint that it got through an arm', async () => {
  split({ weights: [1, 1], affinityTimeoutS: 100 });
  for (const shell of [client, other])
    expect(Object.values((await shell.hammer('tcp', VIP, 80, { count: 40 })).by)).toEqual([40]);
});

test('a Pod’s own choice goes before that of everybody, and is kept apart from it by affinity', async () => {
  const cgroupOf = (name: string): bigint => statSync(node.pods.get(name)?.cgroup as string, { bigint: true }).ino;
  // Pods lie in the node's cgroup, which lies in the root.
  const level = 2;
  write(kernel, {
    services: [{ index: ASKED, affinityTimeoutS: 100 }],
    backends: pods.map(({ address4 }, index) => ({ index, address: address4, service: ASKED })),
    ranges: OF_ARM.map((base, index) => ({ base, entries: [index], weights: [1] })),
    frontends: [{ address: VIP, slotBase: OF_ARM[0], slotCount: 1 }],
  });
  const answers = async () => [await client.whoAnswers('tcp', VIP, 80), await other.whoAnswers('tcp', VIP, 80)];
  expect(await answers()).toEqual(['v1', 'v1']);
  write(kernel, {
    frontends: [
      { address: VIP, client: cgroupOf('client'), slotBase: OF_ARM[1], slotCount: 1, variant: 77 },
      { address: VIP, slotBase: OF_ARM[0], slotCount: 1, clientLevels: 1 << level },
    ],
  });
  expect(await answers()).toEqual(['v2', 'v1']);
  write(kernel, { frontends: [{ address: VIP, slotBase: OF_ARM[0], slotCount: 1 }] });
  expect(await answers()).toEqual(['v1', 'v1']);
});

test('a Pod may be refused where everybody is answered', async () => {
  const { ino } = statSync(node.pods.get('client')?.cgroup as string, { bigint: true });
  write(kernel, {
    services: [{ index: ASKED }],
    backends: pods.map(({ address4 }, index) => ({ index, address: address4, service: ASKED })),
    ranges: [{ base: OF_ARM[0], entries: [0], weights: [1] }],
    frontends: [
      { address: VIP, client: ino, slotBase: 0, slotCount: 0, variant: 5 },
      { address: VIP, slotBase: OF_ARM[0], slotCount: 1, clientLevels: 1 << 2 },
    ],
  });
  expect(await client.whoAnswers('tcp', VIP, 80)).toBe('ECONNREFUSED');
  expect(await other.whoAnswers('tcp', VIP, 80)).toBe('v1');
});

test('turns and what is known of answers stay through a growth of the tables', async () => {
  const capacity = { frontends: 128, slots: 512, backends: 128, services: 128 };
  const refusing = { index: 5, address: pods[0]?.address4 as string, port: 1, service: 3 };
  write(kernel, {
    services: [
      { index: ASKED, choice: { algorithm: 'RoundRobin', hashOn: 'Pod' } },
      { index: 3, choice: { algorithm: 'PeakEwma', hashOn: 'Pod' } },
    ],
    backends: [...pods.map(({ address4 }, index) => ({ index, address: address4, service: ASKED })), refusing],
    ranges: [
      { base: 60, entries: [0, 1], weights: [2, 1], stride: 2 },
      { base: 70, entries: [5], weights: [1] },
    ],
    frontends: [
      { address: VIP, slotBase: 60, slotCount: 2 },
      { address: CLOSED, service: 3, slotBase: 70, slotCount: 1 },
    ],
  });
  expect(await client.whoAnswers('tcp', CLOSED, 80)).toBe('ECONNREFUSED');
  const first = await client.hammer('tcp', VIP, 80, { count: 2 });
  await kernel.grow(capacity);
  expect(ewmaOf(node, refusing.index)).toBe(1_000_000);
  const { by: last } = await client.hammer('tcp', VIP, 80, { count: 1 });
  expect((first.by.v1 ?? 0) + (last.v1 ?? 0)).toBe(2);
  expect((first.by.v2 ?? 0) + (last.v2 ?? 0)).toBe(1);
});
