import { MAPS } from '../../abi/layout.gen.ts';
import { type RecordMemory, recordMemory } from '../../abi/memory.ts';
import type { BpfMap } from '../../native/map.ts';
import { unmapMemory } from '../../native/memory.ts';

/**
 * A table that is looked at now and then. The kernel puts all pages of a table into the memory of a process that maps
 * it, so it is mapped when somebody looks, and given back when the event loop has its next turn.
 */
export class LentMemory {
  readonly #map: BpfMap;
  readonly #valueSize: number;
  #memory: RecordMemory | undefined;
  #giveBack: NodeJS.Immediate | undefined;

  constructor(map: BpfMap, table: keyof typeof MAPS) {
    this.#map = map;
    this.#valueSize = MAPS[table].valueSize;
  }

  /** Good for this turn of the event loop only: it has no records any more afterwards. */
  look(): RecordMemory {
    this.#giveBack ??= setImmediate(() => this.close());
    this.#memory ??= recordMemory(this.#map.mmap(true), this.#valueSize, this.#map.info.maxEntries);
    return this.#memory;
  }

  /** Gives it back now. */
  close(): void {
    clearImmediate(this.#giveBack);
    this.#giveBack = undefined;
    if (this.#memory !== undefined) unmapMemory(this.#memory.bytes.buffer as ArrayBuffer);
    this.#memory = undefined;
  }
}
