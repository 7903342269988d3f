import { argumentsOf, UINT32_MAX } from './arguments.ts';
import { adopt, checkDescriptor } from './descriptor.ts';
import { BpfMap } from './map.ts';
import { type Call, call, callAsync } from './shim.ts';

/** Reads a compiled BPF object. Nothing is in the kernel before `load`. */
export const openObject = (bytes: Uint8Array, name: string): BpfObject => {
  const check = argumentsOf('objectOpen');
  check.bytes('bytes', bytes);
  return new BpfObject(call('objectOpen', bytes, bytes.length, check.text('name', name)));
};

/** A BPF object on its way into the kernel: first set, then loaded once, then asked for its maps and programs. */
export class BpfObject implements Disposable {
  #handle: number | undefined;

  /** Use `openObject`. */
  constructor(handle: number) {
    this.#handle = handle;
  }

  /** A `const volatile` global; the verifier then knows its value. Its size must be that of the bytes. */
  setConstant(name: string, bytes: Uint8Array): void {
    const check = argumentsOf('objectSetConstant');
    const handle = this.#open('objectSetConstant');
    check.bytes('bytes', bytes);
    call('objectSetConstant', handle, check.text('name', name), bytes, bytes.length);
  }

  setMapSize(name: string, maxEntries: number): void {
    const check = argumentsOf('objectSetMapSize');
    const handle = this.#open('objectSetMapSize');
    check.integer('maxEntries', maxEntries, 1, UINT32_MAX);
    call('objectSetMapSize', handle, check.text('name', name), maxEntries);
  }

  /** Programs with `SEC("?...")` are loaded only when asked for, all others unless turned off. */
  setAutoload(program: string, on: boolean): void {
    const check = argumentsOf('objectSetAutoload');
    const handle = this.#open('objectSetAutoload');
    call('objectSetAutoload', handle, check.text('program', program), check.flag('on', on));
  }

  /** Takes an existing map instead of a new one. Type, key and value size and flags must be the same; its size is kept. */
  reuseMap(name: string, map: BpfMap): void {
    const check = argumentsOf('objectReuseMap');
    const handle = this.#open('objectReuseMap');
    if (!(map instanceof BpfMap)) check.refuse('map', 'must be a BpfMap');
    call('objectReuseMap', handle, check.text('name', name), checkDescriptor('objectReuseMap', 'map', map.fd));
  }

  /** Makes the maps and has the programs verified. Only once, also when it fails: then open the object anew. */
  load(): void {
    call('objectLoad', this.#open('objectLoad'));
  }

  /** The same on another thread. Calls of any object wait meanwhile. An error has its name, but not the verifier's words. */
  async loadAside(): Promise<void> {
    await callAsync('objectLoad', this.#open('objectLoad'));
  }

  map(name: string): BpfMap {
    const handle = this.#open('objectMapFd');
    return new BpfMap(adopt(call('objectMapFd', handle, argumentsOf('objectMapFd').text('name', name))));
  }

  /** A descriptor of the program, to be closed with `closeFd`. */
  program(name: string): number {
    const handle = this.#open('objectProgramFd');
    return adopt(call('objectProgramFd', handle, argumentsOf('objectProgramFd').text('name', name)));
  }

  /** What was taken from the object, or attached, or pinned, stays. */
  close(): void {
    if (this.#handle === undefined) return;
    call('objectClose', this.#handle);
    this.#handle = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #open(name: Call): number {
    return this.#handle ?? argumentsOf(name).refuse('object', 'is closed');
  }
}
