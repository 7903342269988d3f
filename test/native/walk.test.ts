import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { closeFd } from '../../src/native/descriptor.ts';
import { errnoOf } from '../../src/native/kernel-error.ts';
import { openObject } from '../../src/native/object.ts';
import { endSockets, probeEndSockets } from '../../src/native/socket.ts';
import { attachWalk, readWalk } from '../../src/native/walk.ts';
import { sampleBytes, u32, u64 } from './sample.ts';

const object = openObject(sampleBytes('sockets'), 'sockets');
object.load();
const numbers = object.map('numbers');
const targets = object.map('targets');
const program = object.program('list_numbers');

afterAll(() => {
  for (const open of [object, numbers, targets]) open.close();
  closeFd(program);
});

describe('a walk over a map', () => {
  it('brings all that the program wrote, also more than the kernel hands out at a time', async () => {
    const link = attachWalk(program, numbers);
    const wanted = Array.from({ length: 30_000 }, (_, index) => index + 1);
    expect(await readWalk(link)).toHaveLength(0);
    numbers.update(u32(...wanted.map((number) => number * 3)), u64(...wanted), wanted.length);
    const files = countFiles();
    const bytes = await readWalk(link);
    expect(countFiles()).toBe(files);
    const found = new BigUint64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    expect(Array.from(found, Number)).toEqual(wanted);
    closeFd(link);
  });

  it('needs its map, and a link', async () => {
    expect(() => attachWalk(program)).toThrow('attachWalk: EBADF: attach a walk: Bad file descriptor');
    await expect(readWalk(program)).rejects.toThrow('openWalk: EINVAL');
    await expect(readWalk(0)).rejects.toThrow('openWalk: linkFd 0 is no open descriptor of the shim');
  });
});

describe('ending sockets', () => {
  it('is tried on a socket of its own', () => {
    expect(probeEndSockets(targets)).toBe(true);
    expect(targets.readAll().count).toBe(0);
  });

  it('leaves what cannot be found, and the event loop its turns', async () => {
    targets.update(u64(2 ** 52), new Uint8Array(20), 1);
    const files = countFiles();
    let turns = 0;
    const turning = setInterval(() => turns++, 0);
    for (let round = 0; round < 20; round++) await endSockets('/nowhere', targets);
    clearInterval(turning);
    expect(turns).toBeGreaterThan(0);
    expect(countFiles()).toBe(files);
    expect(targets.readAll().count).toBe(1);
    targets.delete(u64(2 ** 52), 1);
  });

  it('is refused with a wrong argument, and fails where there is no directory', async () => {
    await expect(endSockets('', targets)).rejects.toThrow('endSockets: directory must be a text, is ""');
    await expect(endSockets('/x', targets, 0)).rejects.toThrow('endSockets: walk 0 is no open descriptor of the shim');
    await expect(endSockets('/x', numbers)).rejects.toThrow('endSockets: EINVAL');
    targets.update(u64(2 ** 52), new Uint8Array(20), 1);
    const failure = await endSockets('/proc/self/stat', targets).catch((error: unknown) => error);
    expect(errnoOf(failure)).toBe('ENOTDIR');
    targets.delete(u64(2 ** 52), 1);
  });
});

const countFiles = (): number => readdirSync('/proc/self/fd').length;
