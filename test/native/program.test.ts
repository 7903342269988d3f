import { execFileSync } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closeFd, openPinned, pin } from '../../src/native/descriptor.ts';
import type { BpfObject } from '../../src/native/object.ts';
import {
  attachCgroup,
  cgroupIdOfLink,
  cgroupPrograms,
  detachLink,
  mapIdsOf,
  openProgram,
  programIdOfLink,
  programInfo,
  programRun,
  updateLink,
} from '../../src/native/program.ts';
import { enableStats, mountBpffs } from '../../src/native/system.ts';
import { loadSample, makeCgroup, makeDirectory, u32 } from './sample.ts';

describe('a program', () => {
  let object: BpfObject;
  let allow: number;
  let allowToo: number;
  beforeEach(() => {
    object = loadSample();
    allow = object.program('allow');
    allowToo = object.program('allow_too');
  });
  afterEach(() => {
    closeFd(allow);
    closeFd(allowToo);
    object.close();
  });

  it('tells what it is, as bpftool does', () => {
    const info = programInfo(allow);
    const shown = JSON.parse(
      execFileSync('bpftool', ['-j', 'prog', 'show', 'id', String(info.id)], { encoding: 'utf8' }),
    );
    expect(info).toMatchObject({ name: 'allow', tag: shown.tag, id: shown.id, runCount: 0 });
    expect(mapIdsOf(allow).toSorted()).toEqual(shown.map_ids.toSorted());
    using table = object.map('table');
    expect(mapIdsOf(allow)).toContain(table.info.id);
  });

  it('is opened by its id', () => {
    const { id } = programInfo(allow);
    const again = openProgram(id);
    expect(again).not.toBe(allow);
    expect(programInfo(again)).toEqual(programInfo(allow));
    closeFd(again);
    expect(() => openProgram(2 ** 32 - 1)).toThrow('programFdById: ENOENT: open program 4294967295');
  });

  it('is counted while statistics are enabled', () => {
    const calculate = object.program('calculate');
    const stats = enableStats();
    for (let run = 0; run < 5; run++) programRun(calculate, u32(run, 0));
    closeFd(stats);
    expect(programInfo(calculate)).toMatchObject({ runCount: 5 });
    expect(programInfo(calculate).runTimeNs).toBeGreaterThan(0);
    closeFd(calculate);
  });

  it('of another type than syscall cannot be run', () => {
    expect(() => programRun(allow, u32(0, 0))).toThrow(
      'programRun: ENOTSUPP: run program: Not supported by the kernel',
    );
  });

  it('is attached beside others, swapped in place, and gone with its link', () => {
    using cgroup = makeCgroup();
    const [first, second] = [programInfo(allow).id, programInfo(allowToo).id];
    const foreign = attachCgroup(allow, cgroup.path, 'connect4');
    const ours = attachCgroup(allow, cgroup.path, 'connect4');
    try {
      expect(cgroupPrograms(cgroup.path, 'connect4')).toEqual([first, first]);
      updateLink(ours, allowToo);
      expect(cgroupPrograms(cgroup.path, 'connect4')).toEqual([first, second]);
      expect([programIdOfLink(foreign), programIdOfLink(ours)]).toEqual([first, second]);
      expect(cgroupPrograms(cgroup.path, 'connect6')).toEqual([]);
      expect(() => attachCgroup(allow, cgroup.path, 'connect6')).toThrow('attachCgroup: EINVAL: attach to cgroup');
    } finally {
      closeFd(ours);
      closeFd(foreign);
    }
    expect(cgroupPrograms(cgroup.path, 'connect4')).toEqual([]);
  });

  it('more than 64 times at a cgroup is more than the kernel takes', () => {
    using cgroup = makeCgroup();
    const links = Array.from({ length: 64 }, () => attachCgroup(allow, cgroup.path, 'connect4'));
    try {
      expect(cgroupPrograms(cgroup.path, 'connect4')).toEqual(Array(64).fill(programInfo(allow).id));
      expect(() => attachCgroup(allow, cgroup.path, 'connect4')).toThrow('attachCgroup: E2BIG');
    } finally {
      for (const link of links) closeFd(link);
    }
  });

  it('stays attached by a pinned link when nobody holds it, until the link is detached', () => {
    using directory = makeDirectory();
    using cgroup = makeCgroup();
    const path = join(directory.path, 'link');
    mountBpffs(directory.path);
    try {
      const link = attachCgroup(allow, cgroup.path, 'connect4');
      pin(link, path);
      closeFd(link);
      expect(cgroupPrograms(cgroup.path, 'connect4')).toEqual([programInfo(allow).id]);
      const opened = openPinned(path);
      expect(programIdOfLink(opened)).toBe(programInfo(allow).id);
      expect(cgroupIdOfLink(opened)).toBe(statSync(cgroup.path).ino);
      detachLink(opened);
      expect(cgroupPrograms(cgroup.path, 'connect4')).toEqual([]);
      expect(cgroupIdOfLink(opened)).toBe(0);
      closeFd(opened);
      rmSync(path);
    } finally {
      execFileSync('umount', [directory.path]);
    }
  });
});
