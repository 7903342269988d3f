import { describe, expect, it } from 'vitest';
import { closeFd } from '../../src/native/descriptor.ts';
import type { BpfObject } from '../../src/native/object.ts';
import { programRun } from '../../src/native/program.ts';
import { RingReader } from '../../src/native/ring.ts';
import { loadSample, u32 } from './sample.ts';
import { thrownBy } from './thrown.ts';

describe('a ring buffer', () => {
  it('gives its records in order and once, as many as there is room for', () => {
    using object = loadSample();
    using map = object.map('ring');
    using ring = new RingReader(map, 8);
    expect(fill(object, 5)).toBe(5);
    const into = new BigUint64Array(3);
    const bytes = new Uint8Array(into.buffer);
    expect(ring.read(bytes)).toBe(3);
    expect([...into]).toEqual([0n, 1n, 2n]);
    expect(ring.read(bytes)).toBe(2);
    expect([...into]).toEqual([3n, 4n, 2n]);
    expect(ring.read(bytes)).toBe(0);
  });

  it('is read also when the map was closed', () => {
    using object = loadSample();
    const map = object.map('ring');
    using ring = new RingReader(map, 8);
    map.close();
    fill(object, 1);
    expect(ring.read(new Uint8Array(8))).toBe(1);
  });

  it('refuses what would end badly in C', () => {
    using object = loadSample();
    using map = object.map('ring');
    const ring = new RingReader(map, 8);
    expect(thrownBy(() => ring.read(new Uint8Array(7))).code).toBe('SHUNT_E_SHIM_ARGUMENT');
    expect(thrownBy(() => new RingReader(map, 0)).code).toBe('SHUNT_E_SHIM_ARGUMENT');
    ring.close();
    ring.close();
    expect(thrownBy(() => ring.read(new Uint8Array(8))).code).toBe('SHUNT_E_SHIM_ARGUMENT');
    using table = object.map('table');
    expect(thrownBy(() => new RingReader(table, 8)).code).toBe('SHUNT_E_KERNEL');
  });
});

const fill = (object: BpfObject, count: number): number => {
  const program = object.program('fill_ring');
  const context = u32(count, 0);
  programRun(program, context);
  closeFd(program);
  return new Uint32Array(context.buffer)[1] as number;
};
