import { afterAll, describe, expect, it } from 'vitest';
import { closeFd, openPinned, pin } from '../../src/native/descriptor.ts';
import { BpfMap } from '../../src/native/map.ts';
import { unmapMemory } from '../../src/native/memory.ts';
import { openObject } from '../../src/native/object.ts';
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
import { probeEndSockets } from '../../src/native/socket.ts';
import { enableStats, isBpffs, mountBpffs } from '../../src/native/system.ts';
import { attachWalk } from '../../src/native/walk.ts';
import { loadSample, sampleBytes, u32, u64 } from './sample.ts';
import { thrownBy } from './thrown.ts';

// biome-ignore lint/suspicious/noExplicitAny: these rows pass what the types forbid.
const wrong = (value: unknown): any => value;

const loaded = loadSample();
const unloaded = openObject(sampleBytes('sample'), 'sample');
const closed = openObject(sampleBytes('sample'), 'sample');
closed.close();
const table = loaded.map('table');
const memory = loaded.map('memory');
const perCpu = loaded.map('per_cpu');
const closedMap = loaded.map('table');
closedMap.close();
const program = loaded.program('calculate');
const closedFd = loaded.program('calculate');
closeFd(closedFd);
const view = memory.mmap(true);
const moved = memory.mmap(true);
const unmapped = memory.mmap(true);
unmapMemory(unmapped);
const movedTo = moved.transfer();

afterAll(() => {
  for (const open of [loaded, unloaded, table, memory, perCpu]) open.close();
  closeFd(program);
  unmapMemory(view);
  expect(movedTo.byteLength).toBe(64);
});

const notOurs = 'is no open descriptor of the shim';

describe('a wrong argument is refused before the call', () => {
  it.each<[name: string, call: () => unknown, message: string]>([
    ['no bytes', () => openObject(new Uint8Array(0), 'x'), 'objectOpen: bytes has 0 bytes, must have some'],
    ['an array', () => openObject(wrong([1]), 'x'), 'objectOpen: bytes must be a Uint8Array, is a Array'],
    [
      'a buffer',
      () => openObject(wrong(new ArrayBuffer(8)), 'x'),
      'objectOpen: bytes must be a Uint8Array, is a ArrayBuffer',
    ],
    ['no name', () => openObject(u32(1), ''), 'objectOpen: name must be a text, is ""'],
    ['a number as name', () => openObject(u32(1), wrong(7)), 'objectOpen: name must be a text, is 7'],
    ['a NUL in a name', () => openObject(u32(1), 'a\0b'), 'objectOpen: name contains a NUL'],
    ['a closed object', () => closed.load(), 'objectLoad: object is closed'],
    ['a closed object', () => closed.map('table'), 'objectMapFd: object is closed'],
    ['a closed object', () => closed.program('allow'), 'objectProgramFd: object is closed'],
    ['a closed object', () => closed.setConstant('factor', u32(1)), 'objectSetConstant: object is closed'],
    ['a closed object', () => closed.setMapSize('table', 1), 'objectSetMapSize: object is closed'],
    ['a closed object', () => closed.setAutoload('allow', true), 'objectSetAutoload: object is closed'],
    ['a closed object', () => closed.reuseMap('table', table), 'objectReuseMap: object is closed'],
    ['null as name', () => loaded.map(wrong(null)), 'objectMapFd: name must be a text, is null'],
    ['undefined as name', () => loaded.program(wrong(undefined)), 'objectProgramFd: name must be a text, is undefined'],
    [
      'no value',
      () => unloaded.setConstant('factor', new Uint8Array(0)),
      'objectSetConstant: bytes has 0 bytes, must have some',
    ],
    [
      'size 0',
      () => unloaded.setMapSize('table', 0),
      'objectSetMapSize: maxEntries must be an integer from 1 to 4294967295, is 0',
    ],
    [
      'size 2^32',
      () => unloaded.setMapSize('table', 2 ** 32),
      'objectSetMapSize: maxEntries must be an integer from 1 to 4294967295, is 4294967296',
    ],
    [
      'half a size',
      () => unloaded.setMapSize('table', 1.5),
      'objectSetMapSize: maxEntries must be an integer from 1 to 4294967295, is 1.5',
    ],
    [
      'a bigint size',
      () => unloaded.setMapSize('table', wrong(1n)),
      'objectSetMapSize: maxEntries must be an integer from 1 to 4294967295, is 1n',
    ],
    ['1 for true', () => unloaded.setAutoload('allow', wrong(1)), 'objectSetAutoload: on must be true or false, is 1'],
    ['a number as map', () => unloaded.reuseMap('table', wrong(5)), 'objectReuseMap: map must be a BpfMap'],
    ['a closed map', () => unloaded.reuseMap('table', closedMap), 'mapInfo: map is closed'],

    ['a descriptor of others', () => closeFd(0), `close: fd 0 ${notOurs}`],
    ['a closed descriptor', () => closeFd(closedFd), `close: fd ${closedFd} ${notOurs}`],
    ['a negative descriptor', () => closeFd(-1), 'close: fd must be an integer from 0 to 2147483647, is -1'],
    ['NaN', () => closeFd(Number.NaN), 'close: fd must be an integer from 0 to 2147483647, is NaN'],
    ['a text as descriptor', () => closeFd(wrong('3')), 'close: fd must be an integer from 0 to 2147483647, is "3"'],
    ['a descriptor of others', () => pin(1, '/x'), `pin: fd 1 ${notOurs}`],
    ['a long path', () => pin(program, 'x'.repeat(4096)), 'pin: path has 4096 bytes, 4095 are the limit'],
    [
      'a long path in other letters',
      () => openPinned('é'.repeat(2048)),
      'openPinned: path has 4096 bytes, 4095 are the limit',
    ],

    ['a descriptor of others', () => new BpfMap(0), `mapInfo: fd 0 ${notOurs}`],
    ['id 0', () => BpfMap.fromId(0), 'mapFdById: id must be an integer from 1 to 4294967295, is 0'],
    ['no path', () => BpfMap.openPinned(wrong(undefined)), 'openPinned: path must be a text, is undefined'],
    ['a closed map', () => closedMap.fd, 'mapInfo: map is closed'],
    ['a closed map', () => closedMap.update(u32(1), u64(1), 1), 'mapUpdate: map is closed'],
    ['a closed map', () => closedMap.delete(u32(1), 1), 'mapDelete: map is closed'],
    ['a closed map', () => closedMap.lookup(u32(1)), 'mapLookup: map is closed'],
    ['a closed map', () => closedMap.readAll(), 'mapRead: map is closed'],
    ['a closed map', () => closedMap.mmap(true), 'mapMmap: map is closed'],
    ['a closed map', () => closedMap.pin('/x'), 'pin: map is closed'],
    ['too few keys', () => table.update(u32(1), u64(1, 2), 2), 'mapUpdate: keys has 4 bytes, must have 8'],
    ['too few values', () => table.update(u32(1, 2), u64(1), 2), 'mapUpdate: values has 8 bytes, must have 16'],
    ['too many values', () => table.update(u32(1), u64(1, 2), 1), 'mapUpdate: values has 16 bytes, must have 8'],
    [
      'a value for one CPU',
      () => perCpu.update(u32(1), u32(1), 1),
      `mapUpdate: values has 4 bytes, must have ${perCpu.info.valueStride}`,
    ],
    [
      'a count of -1',
      () => table.update(u32(), u64(), -1),
      'mapUpdate: count must be an integer from 0 to 2147483647, is -1',
    ],
    [
      '32-bit words as keys',
      () => table.update(wrong(new Uint32Array(1)), u64(1), 1),
      'mapUpdate: keys must be a Uint8Array, is a Uint32Array',
    ],
    [
      'an unknown mode',
      () => table.update(u32(1), u64(1), 1, wrong('never')),
      'mapUpdate: mode must be one of any, create, replace, is "never"',
    ],
    [
      'an inherited mode',
      () => table.update(u32(1), u64(1), 1, wrong('toString')),
      'mapUpdate: mode must be one of any, create, replace, is "toString"',
    ],
    ['too few keys', () => table.delete(u32(1), 2), 'mapDelete: keys has 4 bytes, must have 8'],
    ['a long key', () => table.lookup(u64(1)), 'mapLookup: key has 8 bytes, must have 4'],
    ['null as flag', () => memory.mmap(wrong(null)), 'mapMmap: writable must be true or false, is null'],
    [
      'memory of others',
      () => unmapMemory(new ArrayBuffer(8)),
      'munmap: memory was not mapped, or is unmapped already',
    ],
    ['memory unmapped before', () => unmapMemory(unmapped), 'munmap: memory was not mapped, or is unmapped already'],
    ['memory moved elsewhere', () => unmapMemory(moved), 'munmap: memory was not mapped, or is unmapped already'],

    ['a descriptor of others', () => programInfo(0), `programInfo: fd 0 ${notOurs}`],
    ['a descriptor of others', () => mapIdsOf(0), `programMapIds: programFd 0 ${notOurs}`],
    ['id 0', () => openProgram(0), 'programFdById: id must be an integer from 1 to 4294967295, is 0'],
    ['a descriptor of others', () => programRun(0, u32(1)), `programRun: programFd 0 ${notOurs}`],
    ['no context', () => programRun(program, new Uint8Array(0)), 'programRun: context has 0 bytes, must have some'],
    [
      'a large context',
      () => programRun(program, new Uint8Array(65536)),
      'programRun: length of the context must be an integer from 1 to 65535, is 65536',
    ],
    ['a descriptor of others', () => attachCgroup(0, '/x', 'connect4'), `attachCgroup: programFd 0 ${notOurs}`],
    ['no cgroup', () => attachCgroup(program, '', 'connect4'), 'attachCgroup: cgroupPath must be a text, is ""'],
    [
      'an unknown hook',
      () => attachCgroup(program, '/x', wrong('connect5')),
      'attachCgroup: attachType must be one of sockops, connect4, connect6, sendmsg4, sendmsg6, recvmsg4, recvmsg6, getpeername4, getpeername6, getsockname4, getsockname6, sock_release, is "connect5"',
    ],
    [
      'a number as hook',
      () => cgroupPrograms('/x', wrong(10)),
      'cgroupPrograms: attachType must be one of sockops, connect4, connect6, sendmsg4, sendmsg6, recvmsg4, recvmsg6, getpeername4, getpeername6, getsockname4, getsockname6, sock_release, is 10',
    ],
    [
      'a function as path',
      () =>
        cgroupPrograms(
          wrong(() => {}),
          'connect4',
        ),
      'cgroupPrograms: cgroupPath must be a text, is a function',
    ],
    ['a descriptor of others', () => updateLink(0, program), `linkUpdate: linkFd 0 ${notOurs}`],
    ['a descriptor of others', () => detachLink(0), `linkDetach: linkFd 0 ${notOurs}`],
    ['a descriptor of others', () => cgroupIdOfLink(0), `linkCgroupId: linkFd 0 ${notOurs}`],
    ['a descriptor of others', () => programIdOfLink(0), `linkProgramId: linkFd 0 ${notOurs}`],
    ['a descriptor of others', () => attachWalk(0), `attachWalk: programFd 0 ${notOurs}`],
    ['a closed map', () => attachWalk(program, closedMap), 'mapInfo: map is closed'],
    ['a descriptor of others', () => probeEndSockets(table, 0), `probeEndSockets: walk 0 ${notOurs}`],
    ['a closed map', () => probeEndSockets(closedMap), 'mapInfo: map is closed'],
    ['an object as path', () => mountBpffs(wrong({})), 'mountBpffs: path must be a text, is a Object'],
    ['a NUL in a path', () => isBpffs('/sys\0/fs'), 'isBpffs: path contains a NUL'],
  ])('%s (row %$)', (_, call, message) => {
    const error = thrownBy(call);
    expect(error.message).toBe(message);
    expect(error).toMatchObject({ code: 'SHUNT_E_SHIM_ARGUMENT', status: 70 });
  });

  it('a descriptor of the right family is not taken twice', () => {
    const stats = enableStats();
    closeFd(stats);
    expect(thrownBy(() => closeFd(stats)).message).toContain(notOurs);
  });
});
