import { describe, expect, it } from 'vitest';
import { closeFd } from '../../src/native/descriptor.ts';
import { errnoOf } from '../../src/native/kernel-error.ts';
import { openObject } from '../../src/native/object.ts';
import { programRun } from '../../src/native/program.ts';
import { lastErrorText } from '../../src/native/shim.ts';
import { loadSample, sampleBytes, u32 } from './sample.ts';
import { thrownBy } from './thrown.ts';

describe('an object', () => {
  it('is not made of bytes that are none', () => {
    expect(errorOf(() => openObject(new Uint8Array(4096), 'zeroes'))).toMatch(
      /^objectOpen: ENOEXEC: .*open object zeroes/s,
    );
  });

  it('gets its constants before it is loaded', () => {
    using object = loadSample((unloaded) => {
      unloaded.setConstant('factor', u32(7));
      unloaded.setConstant('addend', new Uint8Array([5, 0]));
    });
    const program = object.program('calculate');
    const context = u32(6, 0);
    expect(programRun(program, context)).toBe(6);
    expect(new Uint32Array(context.buffer)).toEqual(new Uint32Array([6, 47]));
    closeFd(program);
  });

  it('gets its sizes and its choice of programs before it is loaded', () => {
    using object = loadSample((unloaded) => {
      unloaded.setMapSize('table', 123);
      unloaded.setAutoload('allow', false);
      unloaded.setAutoload('spare', true);
    });
    using table = object.map('table');
    expect(table.info.maxEntries).toBe(123);
    closeFd(object.program('spare'));
    expect(errorOf(() => object.program('allow'))).toBe(
      'objectProgramFd: EINVAL: allow is not loaded: Invalid argument',
    );
  });

  it('shares a map with another', () => {
    using first = loadSample();
    using table = first.map('table');
    using second = loadSample((unloaded) => unloaded.reuseMap('table', table));
    using same = second.map('table');
    using other = second.map('memory');
    expect(same.info.id).toBe(table.info.id);
    expect(other.info.id).not.toBe(table.info.id);
  });

  it.each<[string, (object: ReturnType<typeof openObject>) => void, string, string]>([
    ['an unknown constant', (object) => object.setConstant('divisor', u32(1)), 'ENOENT', 'constant divisor'],
    [
      'a constant of another size',
      (object) => object.setConstant('factor', u32(1, 2)),
      'EINVAL',
      '8 bytes given, it has 4',
    ],
    ['an unknown map', (object) => object.setMapSize('tables', 1), 'ENOENT', 'map tables'],
    ['an unknown program', (object) => object.setAutoload('deny', false), 'ENOENT', 'program deny'],
    ['a map before loading', (object) => void object.map('table'), 'EINVAL', 'table is not loaded'],
  ])('refuses %s', (_, call, errno, words) => {
    using object = openObject(sampleBytes('sample'), 'sample');
    const error = thrownBy(() => call(object));
    expect(errnoOf(error)).toBe(errno);
    expect(error.message).toContain(words);
    expect(error.cause).toMatchObject({ code: errno, errno: expect.any(Number), syscall: expect.any(String) });
  });

  it('that the verifier rejects tells the end of its log', () => {
    using object = openObject(sampleBytes('rejected'), 'rejected');
    const error = thrownBy(() => object.load());
    expect(errnoOf(error)).toBe('EACCES');
    expect(error.message).toMatch(/^objectLoad: EACCES: /);
    expect(error.message).toContain("R0 invalid mem access 'map_value_or_null'");
    expect(error.message.split('\n').length).toBeLessThanOrEqual(21);
    expect(lastErrorText()).toContain('BEGIN PROG LOAD LOG');
    expect(errnoOf(thrownBy(() => object.load()))).toBe('EBUSY');
  });

  it('is loaded on another thread while this one goes on', async () => {
    using object = openObject(sampleBytes('sample'), 'sample');
    const loaded = object.loadAside();
    expect(await Promise.race([loaded, 'not yet'])).toBe('not yet');
    await loaded;
    expect(errnoOf(thrownBy(() => object.load()))).toBe('EBUSY');
    closeFd(object.program('calculate'));
  });

  it('that the verifier rejects on another thread has the name of the error', async () => {
    using object = openObject(sampleBytes('rejected'), 'rejected');
    const error = await object.loadAside().catch((failure: unknown) => failure);
    expect(errnoOf(error)).toBe('EACCES');
  });

  it('can be closed twice', () => {
    const object = loadSample();
    object.close();
    object.close();
    expect(errnoOf(thrownBy(() => object.load()))).toBeUndefined();
  });
});

const errorOf = (call: () => unknown): string => thrownBy(call).message;
