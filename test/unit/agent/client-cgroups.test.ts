import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClientCgroups, type ClientEvent } from '../../../src/agent/client-cgroups.ts';
import { applyEvents, type ClusterEvent, createCluster } from '../../../src/core/cluster.ts';
import type { ClusterObject, ObjectRef } from '../../../src/core/model/objects.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { complaintLines, parent, pod, policy, route } from '../../helpers/objects.ts';
import { retryUntil } from '../../helpers/retry.ts';

let root: string;
let opened: ClientCgroups[];

beforeEach(() => {
  root = mkdtempSync(join(realpathSync(tmpdir()), 'shunt-clients-'));
  opened = [];
  mkdirSync(join(root, 'kubepods/burstable'), { recursive: true });
});

afterEach(() => {
  for (const each of opened) each.stop();
  rmSync(root, { recursive: true });
});

const start = (uid: string): bigint => {
  const path = join(root, `kubepods/burstable/pod${uid}`);
  mkdirSync(path);
  return statSync(path, { bigint: true }).ino;
};

const end = (uid: string): void => rmSync(join(root, `kubepods/burstable/pod${uid}`), { recursive: true });

interface StageOptions {
  readonly level?: number | 'unknown';
  readonly rules?: readonly ClusterObject[];
}

const NARROW = policy([], { name: 'narrow', clients: { matchLabels: { app: 'a' }, matchExpressions: [] } });

const routeOf = (namespace: string) => route({ parents: [parent({ namespace })] });

/** Looking, in time that stands still. Hints of the file system come all the same, and wait in it. */
const stage = ({ level = 0, rules = [NARROW] }: StageOptions = {}) => {
  const clock = new ManualClock();
  const cluster = createCluster();
  const emitted: ClientEvent[] = [];
  const troubles = { count: 0 };
  const clients = new ClientCgroups({
    cgroup: root,
    node: 'node-a',
    clock,
    cluster,
    emit: (events) => emitted.push(...events),
    onTrouble: () => troubles.count++,
    level: level === 'unknown' ? undefined : level,
  });
  opened.push(clients);
  const tell = (...events: readonly ClusterEvent[]): void => {
    applyEvents(cluster, events);
    clients.take(events);
  };
  const put = (...objects: readonly ClusterObject[]): void =>
    tell(...objects.map((object) => ({ type: 'put', object }) as const));
  const remove = (...refs: readonly ObjectRef[]): void =>
    tell(...refs.map((ref) => ({ type: 'delete', ref }) as const));
  put(...rules);
  return { clients, clock, emitted, put, remove, troubles };
};

const found = (name: string, cgroup: bigint) => ({ type: 'client', pod: `shop/${name}`, client: { cgroup, level: 3 } });
const gone = (name: string) => ({ type: 'client', pod: `shop/${name}`, client: undefined });

describe('a Pod of this node', () => {
  test('that runs is found as soon as it is told, and once', async () => {
    const cgroup = start('u1');
    const { clients, clock, emitted, put } = stage();
    put(pod({ name: 'a', cgroupUid: 'u1' }));
    put(pod({ name: 'a', cgroupUid: 'u1', labels: { app: 'a' } }));
    await clock.advance(120_000);
    expect(emitted).toEqual([found('a', cgroup)]);
    expect(clients.counts()).toEqual({ found: 1, waiting: 0, refused: 0 });
  });

  test('that is about to start is found by looking again, ever more rarely, though nothing hints at it', async () => {
    const { clients, clock, emitted, put } = stage();
    put(pod({ name: 'a', cgroupUid: 'u1' }));
    expect(clients.counts()).toEqual({ found: 0, waiting: 1, refused: 0 });
    const lookedMs: number[] = [];
    for (let ms = 0; ms < 20_000; ms += 50) {
      const before = clock.nextMs;
      await clock.advance(50);
      if (clock.nextMs !== before) lookedMs.push(clock.monotonicMs());
    }
    expect(lookedMs).toEqual([250, 750, 1750, 3750, 7750, 12_750, 17_750]);
    const cgroup = start('u1');
    await clock.advance(5000);
    expect(emitted).toEqual([found('a', cgroup)]);
  });

  test('waits no longer for being told again and again', () => {
    const { clock, put } = stage();
    for (let time = 0; time < 10; time++) put(pod({ name: 'a', cgroupUid: 'u1' }));
    expect(clock.nextMs).toBe(250);
  });

  test('waits anew as another one of its name', async () => {
    const { clock, put } = stage();
    put(pod({ name: 'a', cgroupUid: 'u1' }));
    await clock.advance(10_000);
    put(pod({ name: 'a', cgroupUid: 'u2' }));
    expect(clock.nextMs).toBe(10_250);
  });

  test('is found by the hint of the file system, long before its next look', async () => {
    const { clock, emitted, put } = stage();
    put(pod({ name: 'a', cgroupUid: 'u1' }), pod({ name: 'b', cgroupUid: 'u2' }));
    await clock.advance(10_000);
    const cgroup = start('u1');
    await retryUntil(async () => {
      await clock.advance(1);
      return emitted.length > 0;
    });
    expect(emitted).toEqual([found('a', cgroup)]);
    expect(clock.monotonicMs()).toBeLessThan(10_500);
    // Where one came others may follow.
    expect(clock.nextMs).toBe(clock.monotonicMs() + 250);
  });

  test('that is deleted is no client any more', () => {
    const cgroup = start('u1');
    const { clients, clock, emitted, put, remove } = stage();
    put(pod({ name: 'a', cgroupUid: 'u1' }), pod({ name: 'b', cgroupUid: 'u2' }));
    remove(pod({ name: 'a' }), pod({ name: 'b' }));
    expect(emitted).toEqual([found('a', cgroup), gone('a')]);
    expect(clients.counts()).toEqual({ found: 0, waiting: 0, refused: 0 });
    expect(clock.waiting).toBe(0);
  });

  test('is no client any more once its cgroup has gone, though it is still listed', async () => {
    const cgroup = start('u1');
    const { clients, clock, emitted, put } = stage();
    put(pod({ name: 'a', cgroupUid: 'u1' }));
    expect(clock.nextMs).toBe(60_000);
    end('u1');
    await clock.advance(60_000);
    expect(emitted).toEqual([found('a', cgroup), gone('a')]);
    expect(clients.counts()).toEqual({ found: 0, waiting: 1, refused: 0 });
  });

  test('that is replaced by one of the same name is another client', () => {
    const first = start('u1');
    const second = start('u2');
    const { emitted, put } = stage();
    put(pod({ name: 'a', cgroupUid: 'u1' }));
    put(pod({ name: 'a', cgroupUid: 'u2' }));
    expect(emitted).toEqual([found('a', first), found('a', second)]);
  });
});

describe('nothing is looked for', () => {
  test('of Pods of other nodes, and of those that no cgroup is named after', async () => {
    start('u1');
    const { clients, clock, emitted, put } = stage();
    put(pod({ name: 'a', cgroupUid: 'u1', node: 'node-b' }), pod({ name: 'b' }), pod({ name: 'c', node: '' }));
    expect({ emitted, counts: clients.counts(), waiting: clock.waiting }).toEqual({
      emitted: [],
      counts: { found: 0, waiting: 0, refused: 0 },
      waiting: 0,
    });
  });

  test.each<{ title: string; rule: ClusterObject }>([
    { title: 'a policy for some clients', rule: NARROW },
    { title: 'a route of another namespace', rule: routeOf('elsewhere') },
  ])('before there is $title; then of all Pods that are known, until that goes', ({ rule }) => {
    const cgroup = start('u1');
    const { clock, emitted, put, remove } = stage({ rules: [policy([]), { ...routeOf('shop'), name: 'producer' }] });
    put(pod({ name: 'a', cgroupUid: 'u1' }), pod({ name: 'b', cgroupUid: 'u2' }));
    expect({ emitted, waiting: clock.waiting }).toEqual({ emitted: [], waiting: 0 });
    put(rule);
    expect(emitted).toEqual([found('a', cgroup)]);
    remove(rule);
    expect({ last: emitted.at(-1), waiting: clock.waiting }).toEqual({ last: gone('a'), waiting: 0 });
  });
});

describe('who cannot be told apart', () => {
  test('because it lies too deep is named, and never a client', () => {
    start('u1');
    const { clients, emitted, put } = stage({ level: 13 });
    put(pod({ name: 'a', cgroupUid: 'u1' }));
    expect({ emitted, counts: clients.counts() }).toEqual({
      emitted: [],
      counts: { found: 0, waiting: 0, refused: 1 },
    });
    expect(complaintLines(clients.complaints())).toEqual([
      'warning: Pod shop/a : its cgroup lies deeper than level 15: no rule for clients binds it',
    ]);
  });

  test('is found at the last level that can be', () => {
    start('u1');
    const { clients, emitted, put } = stage({ level: 12 });
    put(pod({ name: 'a', cgroupUid: 'u1' }));
    expect(emitted).toMatchObject([{ client: { level: 15 } }]);
    expect(clients.complaints()).toEqual([]);
  });

  test('because no cgroup of Pods is there is told once, until one is', async () => {
    rmSync(join(root, 'kubepods'), { recursive: true });
    const { clients, clock, emitted, put } = stage();
    put(pod({ name: 'a', cgroupUid: 'u1' }), pod({ name: 'b', cgroupUid: 'u2' }));
    expect(complaintLines(clients.complaints())).toEqual([
      `warning: cgroup ${root} : the kubelet keeps no Pods below it: no rule for clients binds; see \`shunt doctor\``,
    ]);
    mkdirSync(join(root, 'kubepods/burstable'), { recursive: true });
    const cgroup = start('u1');
    await clock.advance(5000);
    expect({ emitted, complaints: clients.complaints() }).toEqual({ emitted: [found('a', cgroup)], complaints: [] });
  });

  test('because it is not found is told after half a minute, one for all, until it is', async () => {
    const { clients, clock, emitted, put, troubles } = stage();
    put(pod({ name: 'a', cgroupUid: 'u1' }));
    await clock.advance(20_000);
    put(pod({ name: 'b', cgroupUid: 'u2' }), pod({ name: 'c', cgroupUid: 'u3' }));
    expect(clients.complaints()).toEqual([]);
    await clock.advance(20_000);
    expect(complaintLines(clients.complaints())).toEqual([
      'warning: Pod shop/a : its cgroup was not found for 30 s: no rule for clients binds it; see `shunt doctor`',
    ]);
    await clock.advance(60_000);
    expect(complaintLines(clients.complaints())).toEqual([
      'warning: Pod shop/a : its cgroup was not found for 30 s, nor were those of 2 others: no rule for clients binds ' +
        'them; see `shunt doctor`',
    ]);
    expect(troubles.count).toBe(2);
    const cgroups = ['u1', 'u2', 'u3'].map(start);
    await clock.advance(5000);
    expect(emitted).toEqual(['a', 'b', 'c'].map((name, index) => found(name, cgroups[index] ?? 0n)));
    expect(clients.complaints()).toEqual([]);
  });

  test('because its kubelet moved elsewhere is found there, within a minute', async () => {
    const { clients, clock, put } = stage();
    put(pod({ name: 'a', cgroupUid: 'u1' }));
    mkdirSync(join(root, 'kubepods.slice/kubepods-podu1.slice'), { recursive: true });
    await clock.advance(60_000);
    expect(clients.counts()).toEqual({ found: 1, waiting: 0, refused: 0 });
  });

  test('because nobody says how deep the cgroup of the agent lies is told', () => {
    start('u1');
    const { clients, emitted, put } = stage({ level: 'unknown' });
    put(pod({ name: 'a', cgroupUid: 'u1' }));
    expect({ emitted, counts: clients.counts() }).toEqual({
      emitted: [],
      counts: { found: 0, waiting: 1, refused: 0 },
    });
    expect(complaintLines(clients.complaints())).toEqual([
      `warning: cgroup ${root} : nobody says how deep it lies below the root of cgroup v2: no rule for clients binds; ` +
        'see `shunt doctor`',
    ]);
  });
});
