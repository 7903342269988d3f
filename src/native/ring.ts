import { argumentsOf, INT32_MAX } from './arguments.ts';
import { checkDescriptor } from './descriptor.ts';
import type { BpfMap } from './map.ts';
import { type Call, call } from './shim.ts';

/** Takes records of one size out of a BPF ring buffer. It has the buffer mapped, also when the map is closed. */
export class RingReader implements Disposable {
  readonly #recordBytes: number;
  #handle: number | undefined;

  constructor(map: BpfMap, recordBytes: number) {
    argumentsOf('ringRead').integer('recordBytes', recordBytes, 1, INT32_MAX);
    this.#recordBytes = recordBytes;
    this.#handle = call('ringOpen', checkDescriptor('ringOpen', 'map', map.fd));
  }

  /** As many as there are and have room, one behind the other; returns how many. Never waits. */
  read(into: Uint8Array): number {
    const check = argumentsOf('ringRead');
    const handle = this.#open('ringRead');
    check.bytes('into', into);
    const room = Math.floor(into.length / this.#recordBytes);
    check.integer('room', room, 1, INT32_MAX);
    return call('ringRead', handle, into, this.#recordBytes, room);
  }

  close(): void {
    if (this.#handle === undefined) return;
    call('ringClose', this.#handle);
    this.#handle = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #open(name: Call): number {
    return this.#handle ?? argumentsOf(name).refuse('ring', 'is closed');
  }
}
