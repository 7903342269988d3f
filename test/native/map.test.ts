import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeFd } from '../../src/native/descriptor.ts';
import { errnoOf } from '../../src/native/kernel-error.ts';
import { BpfMap } from '../../src/native/map.ts';
import { unmapMemory } from '../../src/native/memory.ts';
import type { BpfObject } from '../../src/native/object.ts';
import { programInfo, programRun } from '../../src/native/program.ts';
import { lastErrorText } from '../../src/native/shim.ts';
import { mountBpffs, possibleCpus } from '../../src/native/system.ts';
import { loadSample, makeDirectory, u32, u64 } from './sample.ts';
import { thrownBy } from './thrown.ts';

describe('a map', () => {
  let object: BpfObject;
  let table: BpfMap;
  beforeAll(() => {
    object = loadSample((unloaded) => unloaded.setMapSize('table', 10_000));
    table = object.map('table');
  });
  afterAll(() => {
    table.close();
    object.close();
  });

  it('tells what it is', () => {
    using memory = object.map('memory');
    const info = { type: 2, keySize: 4, valueSize: 16, maxEntries: 4, flags: 1024, valueStride: 16 };
    expect(memory.info).toEqual({ ...info, id: expect.any(Number) });
    using again = BpfMap.fromId(memory.info.id);
    expect(again.info).toEqual(memory.info);
  });

  it('takes, tells and loses entries', () => {
    expect(table.update(u32(1, 2, 3), u64(10, 20, 30), 3)).toBe(3);
    expect(table.lookup(u32(2))).toEqual(u64(20));
    expect(table.delete(u32(1, 2), 2)).toBe(2);
    expect(table.lookup(u32(2))).toBeUndefined();
    expect(table.readAll()).toEqual({ keys: u32(3), values: u64(30), count: 1 });
    expect(table.delete(u32(3), 1)).toBe(1);
    expect(table.readAll()).toEqual({ keys: new Uint8Array(0), values: new Uint8Array(0), count: 0 });
  });

  it('takes nothing when there is nothing', () => {
    expect(table.update(u32(), u64(), 0)).toBe(0);
    expect(table.delete(u32(), 0)).toBe(0);
  });

  it('that is full takes what fits, and says so', () => {
    using full = loadSample();
    using small = full.map('table');
    const keys = u32(1, 2, 3, 4, 5, 6);
    const values = u64(1, 2, 3, 4, 5, 6);
    expect(small.update(keys, values, 6)).toBe(4);
    expect(lastErrorText()).toBe('update element 5 of 6: Argument list too long');
    const rest = () => small.update(keys.subarray(16), values.subarray(32), 2);
    expect(rest).toThrow('mapUpdate: E2BIG: update element 1 of 2');
    expect(small.readAll().count).toBe(4);
  });

  it('stops a delete at the first absent key', () => {
    expect(table.update(u32(1, 3), u64(1, 3), 2)).toBe(2);
    expect(table.delete(u32(1, 2, 3), 3)).toBe(1);
    expect(errnoFrom(() => table.delete(u32(2), 1))).toBe('ENOENT');
    expect(table.delete(u32(3), 1)).toBe(1);
  });

  it('can create only, or replace only', () => {
    expect(table.update(u32(1), u64(1), 1, 'create')).toBe(1);
    expect(errnoFrom(() => table.update(u32(1), u64(2), 1, 'create'))).toBe('EEXIST');
    expect(errnoFrom(() => table.update(u32(2), u64(2), 1, 'replace'))).toBe('ENOENT');
    expect(table.update(u32(1), u64(3), 1, 'replace')).toBe(1);
    expect(table.lookup(u32(1))).toEqual(u64(3));
    table.delete(u32(1), 1);
  });

  it('of 10,000 entries is written in one call and read back whole', () => {
    const count = 10_000;
    const keys = new Uint32Array(count).map((_, index) => index);
    const values = new BigUint64Array(count).map((_, index) => BigInt(index * 3));
    expect(table.update(new Uint8Array(keys.buffer), new Uint8Array(values.buffer), count)).toBe(count);
    const read = table.readAll();
    expect(read.count).toBe(count);
    const readKeys = new Uint32Array(read.keys.buffer);
    expect(readKeys.toSorted()).toEqual(keys);
    const readValues = new BigUint64Array(read.values.buffer);
    expect(readKeys.every((key, index) => readValues[index] === BigInt(key * 3))).toBe(true);
    expect(table.delete(new Uint8Array(keys.buffer), count)).toBe(count);
  });

  it('of another kind gives a value for each CPU', () => {
    using perCpu = object.map('per_cpu');
    const value = new Uint8Array(perCpu.info.valueStride).map((_, index) => (index % 8 < 4 ? index : 0));
    expect(perCpu.info).toMatchObject({ valueSize: 4, valueStride: 8 * possibleCpus() });
    expect(perCpu.update(u32(1), value, 1)).toBe(1);
    expect(perCpu.lookup(u32(1))).toEqual(value);
    expect(perCpu.readAll()).toEqual({ keys: u32(1), values: value, count: 1 });
  });

  it('without batch calls is served all the same', () => {
    using programs = object.map('programs');
    const program = object.program('calculate');
    expect(programs.update(u32(1, 5), u32(program, program), 2)).toBe(2);
    const { id } = programInfo(program);
    expect(programs.readAll()).toEqual({ keys: u32(1, 5), values: u32(id, id), count: 2 });
    expect(programs.delete(u32(1, 5), 2)).toBe(2);
    expect(programs.readAll().count).toBe(0);
    closeFd(program);
  });
});

describe('mapped memory', () => {
  it('is seen by programs and lookups, and shows what programs wrote', () => {
    using object = loadSample();
    using memory = object.map('memory');
    const program = object.program('sum_memory');
    const buffer = memory.mmap(true);
    expect(buffer.byteLength).toBe(64);
    const words = new BigUint64Array(buffer);
    words[4] = 40n;
    words[5] = 2n;
    expect(memory.lookup(u32(2))).toEqual(u64(40, 2));
    const context = u32(2, 0);
    expect(programRun(program, context)).toBe(0);
    expect(context).toEqual(u32(2, 42));
    expect(words[4]).toBe(0n);
    expect(programRun(program, u32(4, 0))).toBe(-1);
    unmapMemory(buffer);
    closeFd(program);
  });

  it('outlives the map and is out of reach once unmapped', () => {
    using object = loadSample();
    const memory = object.map('memory');
    const buffer = memory.mmap(false);
    memory.close();
    const words = new BigUint64Array(buffer);
    expect(words.length).toBe(8);
    expect(words[7]).toBe(0n);
    const mappings = countMappings();
    unmapMemory(buffer);
    expect(countMappings()).toBe(mappings - 1);
    expect(words.length).toBe(0);
    expect(words[7]).toBeUndefined();
  });

  it('is refused for a table that is not made for it', () => {
    using object = loadSample();
    using table = object.map('table');
    expect(() => table.mmap(true)).toThrow(/^mapMmap: E\w+: mmap 32 bytes/);
  });
});

describe('a pinned map', () => {
  it('is opened by its name, and nothing else is taken for a map', () => {
    using directory = makeDirectory();
    using object = loadSample();
    using table = object.map('table');
    const program = object.program('allow');
    mountBpffs(directory.path);
    try {
      table.pin(join(directory.path, 'table'));
      using opened = BpfMap.openPinned(join(directory.path, 'table'));
      expect(opened.info).toEqual(table.info);
      expect(errnoFrom(() => table.pin(join(directory.path, 'table')))).toBe('EEXIST');
      expect(errnoFrom(() => BpfMap.openPinned(join(directory.path, 'none')))).toBe('ENOENT');
      expect(() => new BpfMap(program)).toThrow('is anon_inode:bpf-prog, not a bpf map');
    } finally {
      execFileSync('umount', [directory.path]);
    }
  });
});

const countMappings = (): number => readFileSync('/proc/self/maps', 'utf8').split('anon_inode:bpf-map').length;

const errnoFrom = (call: () => unknown): string | undefined => errnoOf(thrownBy(call));
