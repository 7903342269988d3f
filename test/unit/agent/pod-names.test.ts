import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PodNames } from '../../../src/agent/pod-names.ts';
import type { PodObject } from '../../../src/core/model/objects.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { pod } from '../../helpers/objects.ts';

let root: string;
let clock: ManualClock;
let pods: Map<string, PodObject>;
let names: PodNames;

beforeEach(() => {
  root = mkdtempSync(join(realpathSync(tmpdir()), 'shunt-cgroups-'));
  clock = new ManualClock();
  pods = new Map();
  names = new PodNames({ cgroup: root, node: 'node-a', clock, cluster: { pods } });
});

afterEach(() => rmSync(root, { recursive: true }));

const make = (path: string): bigint => {
  mkdirSync(join(root, path), { recursive: true });
  return statSync(join(root, path), { bigint: true }).ino;
};

const put = (fields: Partial<PodObject>): void => {
  const object = pod({ node: 'node-a', ...fields });
  pods.set(`${object.namespace}/${object.name}`, object);
};

describe('a cgroup', () => {
  test('of a Pod, of its container and of what that made has the name of the Pod', () => {
    put({ name: 'web-1', cgroupUid: 'u-1' });
    put({ name: 'web-2', cgroupUid: 'u-2' });
    const ids = ['', '/container', '/container/inner'].map((path) => make(`kubepods/burstable/podu-1${path}`));
    const other = make('kubepods/podu-2/container');
    expect([...ids, other].map((id) => names.podOf(id))).toEqual([...ids.map(() => 'shop/web-1'), 'shop/web-2']);
  });

  test('of nobody, of a stranger and of a Pod of another node has none', () => {
    put({ name: 'web-1', cgroupUid: 'u-1', node: 'node-b' });
    const ids = [0n, make('kubepods/podu-1'), make('system.slice/sshd')];
    expect(ids.map((id) => names.podOf(id))).toEqual([undefined, undefined, undefined]);
  });

  test('that came later is found a second later, and one that was a stranger a while after', async () => {
    put({ name: 'web-1', cgroupUid: 'u-1' });
    const stranger = make('kubepods/podu-2/container');
    expect(names.podOf(stranger)).toBeUndefined();
    const late = make('kubepods/podu-1/container');
    put({ name: 'web-2', cgroupUid: 'u-2' });
    expect(names.podOf(late)).toBeUndefined();
    await clock.advance(1000);
    expect(names.podOf(late)).toBe('shop/web-1');
    expect(names.podOf(stranger)).toBe('shop/web-2');
  });
});
