import { MAPS } from '../../abi/layout.gen.ts';
import { type RecordMemory, recordMemory } from '../../abi/memory.ts';
import type { BpfMap } from '../../native/map.ts';
import { unmapMemory } from '../../native/memory.ts';

/**
 * A table that is looked at now and then. The kernel puts all pages of a table into the memory of a process that maps
 * it, so it is mapped when somebody looks, and given back a moment later: mapping a large one takes 10 ms, and a long
 * list is read in hundreds of turns of the event loop.
 */
export class LentMemory {
  readonly #map: BpfMap;
  readonly #valueSize: number;
  #memory: RecordMemory | undefined;
  #giveBack: NodeJS.Timeout | undefined;

  constructor(map: BpfMap, table: keyof typeof MAPS) {
    this.#map = map;
    this.#valueSize = MAPS[table].valueSize;
  }

  /** Good for this turn of the event loop only: it may have no records any more afterwards. */
  look(): RecordMemory {
    this.#giveBack ??= setTimeout(() => this.close(), LENT_MS).unref();
    this.#memory ??= recordMemory(this.#map.mmap(true), this.#valueSize, this.#map.info.maxEntries);
    return this.#memory;
  }

  /** Gives it back now. */
  close(): void {
    clearTimeout(this.#giveBack);
    this.#giveBack = undefined;
    if (this.#memory !== undefined) unmapMemory(this.#memory.bytes.buffer as ArrayBuffer);
    this.#memory = undefined;
  }
}

const LENT_MS = 100;
