import { read } from 'node:fs';
import { promisify } from 'node:util';
import { adopt, checkDescriptor, closeFd } from './descriptor.ts';
import type { BpfMap } from './map.ts';
import { call, callAsync } from './shim.ts';

/** A link of a `SEC("iter/...")` program, to be closed with `closeFd`. `map` is what it walks over, if that is a map. */
export const attachWalk = (programFd: number, map?: BpfMap): number => {
  checkDescriptor('attachWalk', 'programFd', programFd);
  return adopt(call('attachWalk', programFd, map === undefined ? -1 : checkDescriptor('attachWalk', 'map', map.fd)));
};

/** Walks once and returns all that the program wrote. It happens on another thread. */
export const readWalk = async (linkFd: number): Promise<Buffer> => {
  const fd = adopt(call('openWalk', checkDescriptor('openWalk', 'linkFd', linkFd)));
  try {
    return await readToEnd(fd);
  } finally {
    closeFd(fd);
  }
};

/**
 * Walks once, on another thread; nobody wants what the program writes. After every `step` bytes of it the kernel lets go of
 * what it holds on to. Returns how many bytes there were.
 */
export const finishWalk = async (linkFd: number, step: number): Promise<number> => {
  const fd = adopt(call('openWalk', checkDescriptor('openWalk', 'linkFd', linkFd)));
  try {
    return await callAsync('finishWalk', fd, step);
  } finally {
    closeFd(fd);
  }
};

/** As much as the kernel hands out at a time, seq_file's buffer for walks (kernel/bpf/bpf_iter.c). */
const STEP_BYTES = 32_768;

const readAsync = promisify(read);

const readToEnd = async (fd: number): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for (;;) {
    const part = Buffer.allocUnsafe(STEP_BYTES);
    const { bytesRead } = await readStep(fd, part);
    if (bytesRead === 0) return Buffer.concat(parts);
    parts.push(part.subarray(0, bytesRead));
  }
};

/** EAGAIN: the kernel pauses after a million things that the program had nothing to say about. */
const readStep = async (fd: number, part: Buffer): Promise<{ readonly bytesRead: number }> => {
  for (;;) {
    try {
      return await readAsync(fd, part, 0, part.length, null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
};
