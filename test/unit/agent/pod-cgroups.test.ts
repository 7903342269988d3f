import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { podPaths, podsRootAt } from '../../../src/agent/pod-cgroup-paths.ts';
import { cgroupLevel, findPodCgroup, findPodsTree, watchedDirectories } from '../../../src/agent/pod-cgroups.ts';

const UID = '1b4e28ba-2fa1-11d2-883f-0016d3cca427';
const SYSTEMD_UID = UID.replaceAll('-', '_');
/** Of a static Pod. */
const HASH = '0f9e8d7c6b5a49382716051423324150';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(realpathSync(tmpdir()), 'shunt-cgroups-'));
});

afterEach(() => rmSync(root, { recursive: true }));

const make = (path: string): bigint => {
  mkdirSync(join(root, path), { recursive: true });
  return statSync(join(root, path), { bigint: true }).ino;
};

const find = (uid: string, level = 0) => findPodCgroup(findPodsTree(root), uid, { cgroup: root, level });

describe('the cgroup of a Pod is found', () => {
  test.each([
    ['of systemd, guaranteed', `kubepods.slice/kubepods-pod${SYSTEMD_UID}.slice`, UID, 2],
    [
      'of systemd, burstable',
      `kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${SYSTEMD_UID}.slice`,
      UID,
      3,
    ],
    [
      'of systemd, best effort',
      `kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${SYSTEMD_UID}.slice`,
      UID,
      3,
    ],
    ['of cgroupfs, guaranteed', `kubepods/pod${UID}`, UID, 2],
    ['of cgroupfs, burstable', `kubepods/burstable/pod${UID}`, UID, 3],
    ['of cgroupfs, best effort', `kubepods/besteffort/pod${UID}`, UID, 3],
    ['of a static Pod', `kubepods/burstable/pod${HASH}`, HASH, 3],
    [
      'below the slice of a kubelet, as in kind',
      'kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/' +
        `kubelet-kubepods-burstable-pod${SYSTEMD_UID}.slice`,
      UID,
      4,
    ],
    ['the same, guaranteed', `kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod${SYSTEMD_UID}.slice`, UID, 3],
    ['below the directory of a kubelet', `kubelet/kubepods/burstable/pod${UID}`, UID, 4],
    ['below a root of any name', `system.slice/node-1.scope/kubepods/pod${UID}`, UID, 4],
  ])('%s', (_, path, uid, level) => {
    const cgroup = make(path);
    // Of the container runtime, and others of the machine: never taken for the Pod.
    make(`${path}/cri-containerd-1f.scope`);
    make(`${path}/crio-2f.scope/container`);
    make('system.slice/kubelet.service');
    expect(find(uid)).toEqual({ cgroup, level });
    expect(find(uid, 2)).toEqual({ cgroup, level: level + 2 });
  });

  test('when the agent is given the very directory of all Pods', () => {
    const cgroup = make(`kubepods.slice/kubepods-pod${SYSTEMD_UID}.slice`);
    const given = join(root, 'kubepods.slice');
    expect(findPodCgroup(findPodsTree(given), UID, { cgroup: given, level: 1 })).toEqual({ cgroup, level: 2 });
  });

  test('beside the directories that another driver has left', () => {
    make('kubepods.slice/kubepods-burstable.slice');
    const cgroup = make(`kubepods/burstable/pod${UID}`);
    expect(find(UID)).toEqual({ cgroup, level: 3 });
  });
});

describe('nothing is found', () => {
  test('of a Pod that has none, or another uid', () => {
    make(`kubepods/burstable/pod${UID}`);
    expect([find(HASH), find(UID.slice(0, -1)), find('')]).toEqual([undefined, undefined, undefined]);
  });

  test('by a uid that is a path', () => {
    make('kubepods/pod1');
    make('elsewhere');
    expect(find('1/../../elsewhere')).toBeUndefined();
  });

  test('of a file', () => {
    make('kubepods');
    expect(podsRootAt(root, 'nokubepods')).toBeUndefined();
    expect(find('..')).toBeUndefined();
  });
});

describe('the search for Pods', () => {
  test('looks below no directory of Pods, and not elsewhere when they are near', () => {
    make(`kubepods.slice/kubepods-pod${SYSTEMD_UID}.slice/kubepods`);
    make('user.slice/kubepods');
    expect(findPodsTree(root)).toMatchObject({ roots: [{ path: `${root}/kubepods.slice` }], cut: false });
  });

  test('ends, and says so, where there are very many others', () => {
    for (let index = 0; index < 600; index++) make(`service-${index}`);
    expect(findPodsTree(root)).toEqual({ roots: [], cut: true });
    make('service-0/kubepods');
    expect(findPodsTree(root).cut).toBe(true);
  });

  test('goes to what is named after the kubelet first, however many others there are', () => {
    for (let index = 0; index < 600; index++) make(`service-${index}`);
    make('kubelet.slice/kubelet-kubepods.slice');
    const path = `${root}/kubelet.slice/kubelet-kubepods.slice`;
    expect(findPodsTree(root)).toMatchObject({ roots: [{ path }], cut: false });
  });

  test('says that nothing is there', () => {
    make('system.slice/ssh.service');
    expect(findPodsTree(root)).toEqual({ roots: [], cut: false });
    expect(findPodsTree(join(root, 'gone'))).toEqual({ roots: [], cut: false });
  });

  test('names the directories in which new Pods appear, those that are there', () => {
    make('kubepods.slice/kubepods-burstable.slice');
    expect(watchedDirectories(findPodsTree(root))).toEqual([
      `${root}/kubepods.slice`,
      `${root}/kubepods.slice/kubepods-burstable.slice`,
    ]);
  });
});

test('a path of a Pod holds its uid and nothing else of it, in each class of service', () => {
  const kind = podsRootAt('/c/kubelet.slice', 'kubelet-kubepods.slice');
  expect(kind && podPaths(kind, 'a-b')).toEqual([
    '/c/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-poda_b.slice',
    '/c/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-poda_b.slice',
    '/c/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-poda_b.slice',
  ]);
});

test('the level of a directory that is no cgroup is not known', () => {
  expect(cgroupLevel(root)).toBeUndefined();
  expect(cgroupLevel(join(root, 'gone'))).toBeUndefined();
});
