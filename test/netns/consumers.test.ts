import { mkdir, rmdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PodObject } from '../../src/core/model/objects.ts';
import type { Pod } from '../../src/demo/pod.ts';
import { backend, pod, referenceGrant, route } from '../helpers/objects.ts';
import { retryUntil } from '../helpers/retry.ts';
import { openShellIn } from '../helpers/shell-in-cgroup.ts';
import type { HammerKind, SocketShell } from '../helpers/socket-shell.ts';
import { openStage, type Stage, serviceWith } from '../helpers/stage.ts';

/** Routes of another namespace are for the Pods of that one alone: the kernel knows them by their cgroups. */

const VIP4 = '10.96.0.1';
const VIP6 = 'fd00:10:96::1';
const WEB = { namespace: 'shop', name: 'web', port: undefined, sectionName: '' } as const;
const KINDS = ['TCPRoute', 'UDPRoute'] as const;

type Name = 'v1' | 'v2' | 'place';

let stage: Stage<Name>;
let place: Pod;

beforeAll(async () => {
  stage = await openStage<Name>({
    name: 'consumers',
    clients: ['place'],
    servers: ['v1', 'v2'],
    objects: ({ v1, v2 }) => [
      ...serviceWith('web', [VIP4, VIP6], [v1]),
      ...serviceWith('web-v2', ['10.96.0.2', 'fd00:10:96::2'], [v2]),
      referenceGrant({ namespace: 'shop', from: KINDS.map((kind) => ({ kind, namespace: 'test' })) }),
      ...KINDS.map((kind) => route({ kind, namespace: 'test', parents: [WEB], backends: [backend('web-v2')] })),
    ],
  });
  place = stage.actors.place.pod;
});

afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
});

/** As the kubelet and a container runtime lay out cgroups: a Pod's, and its container's in it. */
const cgroupOf = (uid: string): string => `${stage.node.cgroup}/kubepods/burstable/pod${uid}`;

const makeCgroups = (uid: string): Promise<unknown> => mkdir(`${cgroupOf(uid)}/container`, { recursive: true });

const podOf = (namespace: string, uid: string): PodObject => pod({ namespace, name: uid, cgroupUid: uid });

/** A container of the Pod, in the network of `place`. */
const openIn = (uid: string): Promise<SocketShell> => openShellIn(place, `${cgroupOf(uid)}/container`);

const KIND_ROWS: readonly { kind: HammerKind; address: string }[] = [
  { kind: 'tcp', address: VIP4 },
  { kind: 'tcp', address: VIP6 },
  { kind: 'udp', address: VIP4 },
  { kind: 'udp-unconnected', address: VIP6 },
];

describe.each(KIND_ROWS)('$kind to $address', ({ kind, address }) => {
  const uid = (who: string): string => `${who}-${kind}-${address.length}`;

  test('of a Pod of the namespace of a route goes as that says, and of all others as the Service says', async () => {
    await Promise.all(['ours', 'theirs'].map((who) => makeCgroups(uid(who))));
    await stage.agent.put(podOf('test', uid('ours')), podOf('shop', uid('theirs')));
    await using ours = await openIn(uid('ours'));
    await using theirs = await openIn(uid('theirs'));
    await retryUntil(async () => (await ours.whoAnswers(kind, address, 80)) === 'v2');
    expect((await ours.hammer(kind, address, 80, { count: 200 })).by).toEqual({ v2: 200 });
    expect((await theirs.hammer(kind, address, 80, { count: 200 })).by).toEqual({ v1: 200 });
    expect((await stage.actors.place.shell.hammer(kind, address, 80, { count: 200 })).by).toEqual({ v1: 200 });
  });
});

test('a Pod whose cgroup comes after it was told is known before its first process could connect', async () => {
  await stage.agent.put(podOf('test', 'late'));
  const changed = stage.agent.put(podOf('test', 'late'));
  await changed;
  await makeCgroups('late');
  const madeMs = Date.now();
  await retryUntil(() => stage.agent.agent.status().clients.waiting === 0, { intervalMs: 1 });
  expect(Date.now() - madeMs).toBeLessThan(200);
  await using late = await openIn('late');
  await retryUntil(async () => (await late.whoAnswers('tcp', VIP4, 80)) === 'v2', { intervalMs: 1 });
  expect(Date.now() - madeMs).toBeLessThan(1000);
});

test('a Pod that is gone leaves nothing in the tables', async () => {
  await makeCgroups('short');
  const before = stage.agent.agent.status();
  await stage.agent.put(podOf('test', 'short'));
  await retryUntil(() => stage.agent.agent.status().used.frontends > before.used.frontends);
  await rmdir(`${cgroupOf('short')}/container`);
  await rmdir(cgroupOf('short'));
  await stage.agent.remove(podOf('test', 'short'));
  await retryUntil(() => stage.agent.agent.status().used.frontends === before.used.frontends);
  expect(stage.agent.failures).toEqual([]);
});
