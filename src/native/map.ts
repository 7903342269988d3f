import { argumentsOf, INT32_MAX, UINT32_MAX } from './arguments.ts';
import { adopt, checkDescriptor, closeFd, openPinned, pin } from './descriptor.ts';
import { errnoOf } from './kernel-error.ts';
import { mapMemory } from './memory.ts';
import { type Call, call } from './shim.ts';

export interface MapInfo {
  /** `enum bpf_map_type`. */
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly id: number;
  /** Bytes of one value in the calls below: in per-CPU maps one value for each possible CPU, rounded up to 8. */
  readonly valueStride: number;
}

/** Entries one behind the other, without gaps; `count` of each. */
export interface MapEntries {
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
  readonly count: number;
}

/** BPF_NOEXIST and BPF_EXIST. */
export type UpdateMode = 'any' | 'create' | 'replace';

const UPDATE_FLAGS = { any: 0, create: 1, replace: 2 } as const;

/** A kernel map, through a descriptor of its own. */
export class BpfMap implements Disposable {
  readonly info: MapInfo;
  #fd: number | undefined;
  /** Of the last reading: the next one makes room for as many. */
  #lastCount = 0;

  /** Takes over the descriptor of a map that the shim gave out. */
  constructor(fd: number) {
    this.#fd = checkDescriptor('mapInfo', 'fd', fd);
    try {
      this.info = readInfo(fd);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  static openPinned(path: string): BpfMap {
    return new BpfMap(openPinned(path));
  }

  static fromId(id: number): BpfMap {
    return new BpfMap(adopt(call('mapFdById', argumentsOf('mapFdById').integer('id', id, 1, UINT32_MAX))));
  }

  get fd(): number {
    return this.#open('mapInfo');
  }

  /**
   * Writes entries and returns how many of `count` were written, from the first on without a gap. Fewer: the next one
   * was refused (`lastErrorText` says why, and so does the error of an update that begins with it). Throws when the
   * first one was refused: E2BIG in a full table.
   */
  update(keys: Uint8Array, values: Uint8Array, count: number, mode: UpdateMode = 'any'): number {
    const check = argumentsOf('mapUpdate');
    const fd = this.#open('mapUpdate');
    check.integer('count', count, 0, INT32_MAX);
    check.bytes('keys', keys, count * this.info.keySize);
    check.bytes('values', values, count * this.info.valueStride);
    return count && call('mapUpdate', fd, keys, values, count, check.choice('mode', mode, UPDATE_FLAGS));
  }

  /** As `update`. An absent key is refused: ENOENT. */
  delete(keys: Uint8Array, count: number): number {
    const check = argumentsOf('mapDelete');
    const fd = this.#open('mapDelete');
    check.integer('count', count, 0, INT32_MAX);
    check.bytes('keys', keys, count * this.info.keySize);
    return count && call('mapDelete', fd, keys, count);
  }

  lookup(key: Uint8Array): Uint8Array | undefined {
    const fd = this.#open('mapLookup');
    argumentsOf('mapLookup').bytes('key', key, this.info.keySize);
    const value = new Uint8Array(this.info.valueStride);
    try {
      call('mapLookup', fd, key, value);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
    return value;
  }

  /** All entries. Those that come or go meanwhile may be missed. */
  readAll(): MapEntries {
    const fd = this.#open('mapRead');
    const reading = new Reading(this.info, this.#lastCount);
    while (reading.step(fd)) {}
    const entries = reading.entries();
    this.#lastCount = entries.count;
    return entries;
  }

  /**
   * The memory of a BPF_F_MMAPABLE array itself: stores are seen by programs, theirs here. Value i begins at i times
   * the value size rounded up to 8. It stays mapped after `close`, until `unmapMemory`. A store into memory that was
   * not mapped writable kills the process.
   */
  mmap(writable: boolean): ArrayBuffer {
    const fd = this.#open('mapMmap');
    return mapMemory(fd, Math.ceil(this.info.valueSize / 8) * 8 * this.info.maxEntries, writable);
  }

  /** Gives the map a name in a bpffs, which keeps it alive. */
  pin(path: string): void {
    pin(this.#open('pin'), path);
  }

  close(): void {
    if (this.#fd === undefined) return;
    closeFd(this.#fd);
    this.#fd = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #open(name: Call): number {
    return this.#fd ?? argumentsOf(name).refuse('map', 'is closed');
  }
}

const readInfo = (fd: number): MapInfo => {
  const out = new Uint32Array(8);
  call('mapInfo', fd, out);
  const [type = 0, keySize = 0, valueSize = 0, maxEntries = 0, flags = 0, id = 0, valueStride = 0] = out;
  return Object.freeze({ type, keySize, valueSize, maxEntries, flags, id, valueStride });
};

/** The kernel locks a bucket at a time and checks for other work between them; larger steps gain nothing. */
const STEP_ENTRIES = 4096;

/**
 * A walk through a map, with room for as many entries as there may be, or were the last time, and that grows as they come:
 * how many there are is known only at the end.
 */
class Reading {
  readonly #info: MapInfo;
  readonly #cursor: Uint8Array;
  #step: number;
  #keys: Uint8Array<ArrayBuffer>;
  #values: Uint8Array<ArrayBuffer>;
  #count = 0;

  constructor(info: MapInfo, expected: number) {
    this.#info = info;
    const room = expected === 0 ? 0 : Math.min(expected + STEP_ENTRIES, 2 * expected + 1);
    this.#keys = new Uint8Array(room * info.keySize);
    this.#values = new Uint8Array(room * info.valueStride);
    this.#cursor = new Uint8Array(8 + Math.max(4, info.keySize));
    this.#step = Math.max(1, Math.min(STEP_ENTRIES, info.maxEntries));
  }

  /** Reads the next entries; false at the end. */
  step(fd: number): boolean {
    const { keySize, valueStride } = this.#info;
    this.#keys = withRoom(this.#keys, this.#count * keySize, this.#step * keySize);
    this.#values = withRoom(this.#values, this.#count * valueStride, this.#step * valueStride);
    const keys = this.#keys.subarray(this.#count * keySize);
    const values = this.#values.subarray(this.#count * valueStride);
    try {
      const count = call('mapRead', fd, this.#cursor, keys, values, this.#step);
      this.#count += count;
      return count > 0;
    } catch (error) {
      // One bucket alone holds more than a step.
      if (errnoOf(error) !== 'ENOSPC') throw error;
      this.#step *= 2;
      return true;
    }
  }

  entries(): MapEntries {
    const { keySize, valueStride } = this.#info;
    const keys = this.#keys.slice(0, this.#count * keySize);
    const values = this.#values.slice(0, this.#count * valueStride);
    return { keys, values, count: this.#count };
  }
}

const withRoom = (bytes: Uint8Array<ArrayBuffer>, used: number, room: number): Uint8Array<ArrayBuffer> => {
  if (bytes.length - used >= room) return bytes;
  const larger = new Uint8Array(Math.max(used + room, 2 * bytes.length));
  larger.set(bytes.subarray(0, used));
  return larger;
};
