import { type ArgumentChecks, argumentsOf } from './arguments.ts';
import { call, viewMemory } from './shim.ts';

interface Place {
  readonly address: bigint;
  readonly bytes: number;
}

const places = new WeakMap<ArrayBuffer, Place>();

/** Maps the memory of an array into the process. */
export const mapMemory = (fd: number, bytes: number, writable: boolean): ArrayBuffer => {
  const check = argumentsOf('mapMmap');
  check.integer('bytes', bytes, 1, Number.MAX_SAFE_INTEGER);
  const address = new BigUint64Array(1);
  call('mapMmap', fd, bytes, check.flag('writable', writable), address);
  const place = { address: address[0] ?? 0n, bytes };
  const memory = viewMemory(place.address, bytes);
  places.set(memory, place);
  return memory;
};

/**
 * Gives mapped memory back. The buffer is detached first: typed arrays over it have length 0 from then on, where they
 * would otherwise read and write whatever comes to lie at the address. Without this call the memory stays mapped for
 * as long as the process lives, also when nothing refers to it any more.
 */
export const unmapMemory = (memory: ArrayBuffer): void => {
  const check: ArgumentChecks = argumentsOf('munmap');
  const place = places.get(memory);
  if (place === undefined || memory.detached) check.refuse('memory', 'was not mapped, or is unmapped already');
  places.delete(memory);
  memory.transfer(0);
  call('munmap', place.address, place.bytes);
};
