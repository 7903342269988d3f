import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../src/agent/clock.ts';
import { removeCgroup } from '../../src/demo/cgroup.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { allEnded } from '../helpers/counted.ts';
import { pod } from '../helpers/objects.ts';
import { retryUntil } from '../helpers/retry.ts';
import { scrapedText } from '../helpers/scraped.ts';
import { openShellIn } from '../helpers/shell-in-cgroup.ts';
import type { SocketShell } from '../helpers/socket-shell.ts';
import { openStage, type Stage, serviceWith } from '../helpers/stage.ts';

/** Who asks, from the cgroups of real processes to the series of a scrape, with no rule for clients in force. */

const WEB = '10.96.0.1';
/** Ten minutes take twelve seconds. */
const FASTER = 50;
const clock: Clock = {
  wallMs: () => systemClock.wallMs(),
  monotonicMs: () => systemClock.monotonicMs() * FASTER,
  after: (delayMs, call) => systemClock.after(delayMs / FASTER, call),
};

let stage: Stage<'place' | 'v1'>;

beforeAll(async () => {
  stage = await openStage({
    name: 'workloads',
    clients: ['place'],
    servers: ['v1'],
    agent: { clock },
    objects: ({ v1 }) => [
      ...serviceWith('web', [WEB], [v1]),
      pod({ name: 'a-1', cgroupUid: 'u-1', owner: 'Deployment/a' }),
      pod({ name: 'a-2', cgroupUid: 'u-2', owner: 'Deployment/a' }),
      pod({ name: 'b-0', cgroupUid: 'u-3', owner: 'StatefulSet/b' }),
    ],
  });
});

afterAll(() => stage?.[Symbol.asyncDispose]());

const SLICE = 'kubepods.slice/kubepods-besteffort.slice';
const cgroupOf = (uid: string): string =>
  `${stage.node.cgroup}/${SLICE}/kubepods-besteffort-pod${uid.replaceAll('-', '_')}.slice`;

const openIn = (uid: string, container: string): Promise<SocketShell> =>
  openShellIn(stage.actors.place.pod, `${cgroupOf(uid)}/${container}`);

/** Connections established, by workload, of TCP and UDP together. */
const established = async (): Promise<Record<string, number>> => {
  const text = scrapedText(await createMetrics(stage.agent.agent).scrape());
  const counts: Record<string, number> = {};
  const line = /^shunt_workload_connections_established_total\{.*,workload="(.*)",namespace.* (\d+)$/gm;
  for (const [, workload = '', count] of text.matchAll(line))
    counts[workload] = (counts[workload] ?? 0) + Number(count);
  return counts;
};

const shows = (wanted: Record<string, number>) =>
  retryUntil(async () => {
    expect(await established()).toEqual(wanted);
    return true;
  });

test('connections count for the owner of their Pod, whatever its containers, and go on counting when those have gone', async () => {
  const shells = [
    await openIn('u-1', 'cri-containerd-x.scope'),
    await openIn('u-1', 'cri-containerd-y.scope'),
    await openIn('u-2', 'cri-containerd-z.scope'),
    await openIn('u-3', 'crio-w.scope/init'),
    await openIn('u-4', 'stranger.scope'),
  ];
  const counts = [100, 20, 3, 400, 7];
  await Promise.all(shells.map((shell, at) => shell.hammer('tcp', WEB, 80, { count: counts[at] as number })));
  await shells[3]?.hammer('udp', WEB, 80, { count: 50 });
  await stage.actors.place.shell.hammer('tcp', WEB, 80, { count: 9 });
  await shows({ 'Deployment/a': 123, 'StatefulSet/b': 450, node: 9, unknown: 7 });

  await retryUntil(() => allEnded(stage.agent));
  const held = (): number => stage.agent.dataplane.callers?.read().count ?? 0;
  const before = held();
  await removeCgroup(cgroupOf('u-1'));
  await removeCgroup(cgroupOf('u-3'));
  // Two containers that asked one port each, and one that asked two.
  await retryUntil(() => held() <= before - 4);
  await shells[2]?.hammer('tcp', WEB, 80, { count: 2 });
  await shows({ 'Deployment/a': 125, 'StatefulSet/b': 450, node: 9, unknown: 7 });
  expect(stage.agent.failures).toEqual([]);
});

test('the series go with their Service, and nothing of it stays in the table', async () => {
  await stage.agent.remove(...serviceWith('web', [WEB], []));
  await shows({});
  await retryUntil(() => stage.agent.dataplane.callers?.read().count === 0);
});
