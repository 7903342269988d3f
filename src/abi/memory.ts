/**
 * A table in shared memory: fixed-size records, seen as bytes and as 32-bit words. Writing is a plain store; programs
 * on other CPUs see it at once, so only what no frontend leads to may be written piecemeal.
 */
export interface RecordMemory {
  readonly size: number;
  readonly length: number;
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
}

export const recordMemory = (buffer: ArrayBuffer, size: number, length: number): RecordMemory => ({
  size,
  length,
  bytes: new Uint8Array(buffer, 0, size * length),
  words: new Uint32Array(buffer, 0, (size * length) >>> 2),
});

/** First word of a record; a field's word is this plus its offset / 4. */
export const wordOf = (memory: RecordMemory, index: number, offset: number): number =>
  (index * memory.size + offset) >>> 2;

export const counterAt = (memory: RecordMemory, index: number, offset: number): number =>
  numberIn(memory.words, (index * memory.size + offset) >>> 2);

/** 64 bits as a number: exact up to 2^53. Twice as fast as going through BigInt; small ones cost no memory. */
export const numberIn = (words: Uint32Array, word: number): number => {
  const low = words[word] as number;
  const high = words[word + 1] as number;
  return high === 0 ? low : high * 0x1_0000_0000 + low;
};

/** Whole-word store that programs see as the old value or the new. */
export const storeWord = (memory: RecordMemory, index: number, offset: number, value: number): void => {
  Atomics.store(memory.words, wordOf(memory, index, offset), value);
};

export const loadWord = (memory: RecordMemory, index: number, offset: number): number =>
  memory.words[wordOf(memory, index, offset)] as number;
