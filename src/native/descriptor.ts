import { argumentsOf, INT32_MAX } from './arguments.ts';
import { type Call, call } from './shim.ts';

/**
 * File descriptors that the shim gave out and that are not closed yet. Only these are taken back: a number that belongs
 * to somebody else, or that was closed, would otherwise be used or closed under its new owner.
 */
const open = new Set<number>();

/** Notes a descriptor that a call returned. */
export const adopt = (fd: number): number => {
  open.add(fd);
  return fd;
};

/** A descriptor as argument: one of ours, not closed. */
export const checkDescriptor = (name: Call, argument: string, fd: number): number => {
  const check = argumentsOf(name);
  check.integer(argument, fd, 0, INT32_MAX);
  return open.has(fd) ? fd : check.refuse(argument, `${fd} is no open descriptor of the shim`);
};

/** Ends a descriptor that a function of this folder returned as a number. */
export const closeFd = (fd: number): void => {
  checkDescriptor('close', 'fd', fd);
  open.delete(fd);
  call('close', fd);
};

/** Gives a map, program or link a name in a bpffs, which keeps it alive. */
export const pin = (fd: number, path: string): void => {
  call('pin', checkDescriptor('pin', 'fd', fd), argumentsOf('pin').text('path', path));
};

/** Opens a pinned program or link; for maps there is `BpfMap.openPinned`. To be closed with `closeFd`. */
export const openPinned = (path: string): number =>
  adopt(call('openPinned', argumentsOf('openPinned').text('path', path)));
