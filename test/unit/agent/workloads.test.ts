import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findWorkloads } from '../../../src/agent/workload-cgroups.ts';
import { Workloads } from '../../../src/agent/workloads.ts';
import { applyEvents, createCluster } from '../../../src/core/cluster.ts';
import type { PodObject } from '../../../src/core/model/objects.ts';
import type { CallerEntry, CallerKey } from '../../../src/dataplane/dataplane.ts';
import { callerTableOf } from '../../helpers/caller-table.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { pod } from '../../helpers/objects.ts';
import { retryUntil } from '../../helpers/retry.ts';

let root: string;
let opened: Workloads[];

beforeEach(() => {
  root = mkdtempSync(join(realpathSync(tmpdir()), 'shunt-workloads-'));
  opened = [];
});

afterEach(async () => {
  for (const each of opened) await each.stop();
  rmSync(root, { recursive: true });
});

const make = (path: string): bigint => {
  mkdirSync(join(root, path), { recursive: true });
  return statSync(join(root, path), { bigint: true }).ino;
};

const WEB = pod({ name: 'web-1', cgroupUid: 'u-1', owner: 'Deployment/web' });
const WEB_NAME = { namespace: 'shop', name: 'Deployment/web' };
const CLASSES = 'kubepods.slice/kubepods-burstable.slice';

describe('a cgroup is looked for', () => {
  const search = async (path: string, pods: readonly PodObject[] = [WEB]) => {
    const id = make(path);
    return (await findWorkloads({ cgroup: root, pods, wanted: new Set([id]) })).get(id)?.workload;
  };

  test.each([
    ['that of a Pod', `${CLASSES}/kubepods-burstable-podu_1.slice`],
    ['that of a container', `${CLASSES}/kubepods-burstable-podu_1.slice/cri-containerd-a.scope`],
    ['one that a container has made', 'kubepods/podu-1/a/b/c'],
  ])('%s is its workload’s', async (_, path) => {
    expect(await search(path)).toEqual(WEB_NAME);
  });

  test.each([
    ['the root', ''],
    ['a service of the node', 'system.slice/sshd.service'],
    ['one deep down', 'a/b/c/d/e'],
  ])('%s is the node’s', async (_, path) => {
    make(CLASSES);
    expect(await search(path)).toEqual({ namespace: '', name: 'node' });
  });

  test.each([
    ['of a Pod that nobody has told', `${CLASSES}/kubepods-burstable-podu_2.slice/a`],
    ['beside a Pod', `${CLASSES}/else`],
  ])('one %s is nobody’s', async (_, path) => {
    expect(await search(path)).toBeUndefined();
  });

  test('and all others have their turn meanwhile', async () => {
    for (let index = 0; index < 200; index++) make(`system.slice/${index}`);
    let turns = 0;
    const turn = (): NodeJS.Immediate => setImmediate(() => turns++ < 100 && turn());
    turn();
    expect(await findWorkloads({ cgroup: root, pods: [WEB], wanted: new Set([0n]) })).toEqual(new Map());
    expect(turns).toBeGreaterThanOrEqual(4);
  });

  test('a uid that is none leads nowhere', async () => {
    expect(await search('kubepods/pod../x', [pod({ cgroupUid: '../x' })])).toBeUndefined();
  });
});

const COUNTS = { failed: 0, broken: 0, rejected: 0, bytesSent: 0, bytesReceived: 0 };

/** With time that stands still, and Service port `s1` in record 1. */
const stage = (pods: readonly PodObject[] = [WEB]) => {
  const clock = new ManualClock();
  const cluster = createCluster();
  const entries: CallerEntry[] = [];
  const generation = { now: 1 };
  const failures: unknown[] = [];
  const trouble: { now: Error | undefined } = { now: undefined };
  applyEvents(
    cluster,
    pods.map((object) => ({ type: 'put', object })),
  );
  const isSame = (one: CallerKey, two: CallerKey): boolean => one.cgroup === two.cgroup && one.service === two.service;
  const callers = {
    read: () => {
      if (trouble.now !== undefined) throw trouble.now;
      return callerTableOf(entries.map((each) => ({ ...each })));
    },
    forget: (keys: readonly CallerKey[]) =>
      keys.flatMap((key) =>
        entries.splice(
          entries.findIndex((each) => isSame(each, key)),
          1,
        ),
      ),
  };
  const workloads = new Workloads({
    callers,
    cgroup: root,
    node: 'node-a',
    cluster,
    clock,
    portOf: () => (service, at) =>
      service === 1 && at === generation.now
        ? { namespace: 'shop', service: 's1', protocol: 'TCP', port: 80 }
        : undefined,
    onFailure: (error) => failures.push(error),
  });
  opened.push(workloads);
  const count = (cgroup: bigint, established: number, closed: number): void => {
    const at = entries.findIndex((each) => each.cgroup === cgroup);
    const entry = { ...COUNTS, cgroup, service: 1, serviceGeneration: 1, attempts: established, established, closed };
    entries.splice(at < 0 ? entries.length : at, at < 0 ? 0 : 1, entry);
  };
  const shown = () =>
    Object.fromEntries([...workloads.usage()].map((each) => [each.workload.name, each.counts.attempts]));
  /** Real directories are looked at while the clock stands. */
  const advance = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 10_000) {
      await clock.advance(Math.min(left, 10_000));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const start = async (): Promise<void> => {
    workloads.start();
    await advance(1);
  };
  const shows = (wanted: Record<string, number>) =>
    retryUntil(() => expect(shown()).toEqual(wanted) === undefined || true);
  return { workloads, start, clock, cluster, entries, generation, failures, trouble, count, shown, shows, advance };
};

test('containers of one workload count together, and what the node runs counts apart', async () => {
  const { workloads, start, count, shows } = stage([
    WEB,
    pod({ name: 'web-2', cgroupUid: 'u-2', owner: 'Deployment/web' }),
  ]);
  count(make('kubepods/podu-1/a'), 3, 1);
  count(make('kubepods/podu-2/b'), 4, 1);
  count(make('system.slice'), 5, 5);
  await start();
  await shows({ 'Deployment/web': 7, node: 5 });
  expect(workloads.pairs()).toEqual({ shown: 2, other: 0 });
});

test('a Pod that is told later is found later, and one of another node is not ours', async () => {
  const { start, count, shown, shows, advance, cluster } = stage([{ ...WEB, node: 'node-b' }]);
  count(make('kubepods/podu-1/a'), 3, 1);
  await start();
  await advance(10_000);
  expect(shown()).toEqual({});
  applyEvents(cluster, [{ type: 'put', object: WEB }]);
  await advance(10_000);
  await shows({ 'Deployment/web': 3 });
});

test('who is not found for 30 s is unknown, and stays so', async () => {
  const { start, count, shown, shows, advance, cluster } = stage([]);
  const id = make('kubepods/podu-1/a');
  count(id, 3, 1);
  await start();
  await advance(20_000);
  expect(shown()).toEqual({});
  await advance(20_000);
  await shows({ unknown: 3 });
  applyEvents(cluster, [{ type: 'put', object: WEB }]);
  count(id, 4, 1);
  await advance(20_000);
  await shows({ unknown: 4 });
});

test('what a container counted that is gone stays in the total and leaves the table', async () => {
  const { start, count, shows, advance, entries } = stage();
  const first = make('kubepods/podu-1/a');
  count(first, 3, 3);
  count(make('kubepods/podu-1/b'), 1, 0);
  await start();
  await shows({ 'Deployment/web': 4 });
  rmSync(join(root, 'kubepods/podu-1/a'), { recursive: true });
  await advance(80_000);
  await retryUntil(() => entries.length === 1);
  await shows({ 'Deployment/web': 4 });
  expect(entries.map(({ cgroup }) => cgroup)).not.toContain(first);
});

test('while a connection of a container that is gone is open its counts stay in the table, for ten minutes', async () => {
  const { start, count, shows, advance, entries } = stage();
  count(make('kubepods/podu-1/a'), 3, 2);
  await start();
  await shows({ 'Deployment/web': 3 });
  rmSync(join(root, 'kubepods/podu-1/a'), { recursive: true });
  await advance(300_000);
  expect(entries).toHaveLength(1);
  await advance(400_000);
  await retryUntil(() => entries.length === 0);
  await shows({ 'Deployment/web': 3 });
});

test('counts of a Service that is gone leave the table, and the series go', async () => {
  const { start, count, shows, advance, entries, generation } = stage();
  count(make('kubepods/podu-1/a'), 3, 2);
  await start();
  await shows({ 'Deployment/web': 3 });
  generation.now = 3;
  await advance(10_000);
  await retryUntil(() => entries.length === 0);
  await shows({});
});

test('a table that cannot be read is told, and what was known is shown', async () => {
  const { start, count, shows, shown, failures, trouble } = stage();
  count(make('kubepods/podu-1/a'), 3, 2);
  await start();
  await shows({ 'Deployment/web': 3 });
  trouble.now = new Error('no memory');
  expect(shown()).toEqual({ 'Deployment/web': 3 });
  expect(failures).toEqual([trouble.now]);
});
