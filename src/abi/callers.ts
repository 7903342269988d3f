import { CALLER_KEY, CALLER_STATS } from './layout.gen.ts';
import { numberIn } from './memory.ts';

/** struct caller_key of bpf/abi.h. */
export interface CallerKey {
  /** Id of the cgroup of a container, or whatever else makes sockets: the number of its inode. */
  readonly cgroup: bigint;
  /** Record of the Service port that was asked. */
  readonly service: number;
  readonly serviceGeneration: number;
}

/** struct caller_stats of bpf/abi.h. */
export interface CallerCounts {
  readonly attempts: number;
  readonly established: number;
  /** For whatever reason, before it was established. */
  readonly failed: number;
  readonly closed: number;
  /** Of those that closed: reset, or broken by another error. */
  readonly broken: number;
  readonly rejected: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

export interface CallerEntry extends CallerKey, CallerCounts {}

export const encodeCallerKeys = (keys: readonly CallerKey[]): Uint8Array => {
  const bytes = new Uint8Array(keys.length * CALLER_KEY.size);
  const view = new DataView(bytes.buffer);
  keys.forEach(({ cgroup, service, serviceGeneration }, position) => {
    const base = position * CALLER_KEY.size;
    view.setBigUint64(base + CALLER_KEY.cgroup, cgroup, true);
    view.setUint32(base + CALLER_KEY.service, service, true);
    view.setUint32(base + CALLER_KEY.serviceGeneration, serviceGeneration, true);
  });
  return bytes;
};

/**
 * Entries as the kernel gives them, without an object for each: 16,384 of those, made at each look, would be most of what
 * a look costs.
 */
export interface CallerTable {
  readonly count: number;
  /** Its cgroup, as a number: exact below 2^53, of which no machine has seen as many. */
  cgroupNumber(position: number): number;
  service(position: number): number;
  generation(position: number): number;
  key(position: number): CallerKey;
  /** `times` -1 takes them away. */
  addCounts(position: number, sum: CallerSums, times: 1 | -1): void;
  /** Whether another table has the same entries, in the same order. */
  hasKeysOf(other: CallerTable): boolean;
  /** Whether these entries of such a table have the same counts. Much less work than to look at them. */
  hasCountsOf(other: CallerTable, from: number, to: number): boolean;
  entries(): readonly CallerEntry[];
}

export type CallerSums = { -readonly [Name in keyof CallerCounts]: number };

/** Of keys and values as they lie in the kernel's table, one behind the other. */
export const callerTable = (keys: Uint8Array, values: Uint8Array, count: number): CallerTable =>
  new CallerWords(wordsOf(keys), wordsOf(values), count);

class CallerWords implements CallerTable {
  readonly #keys: Uint32Array;
  readonly #counts: Uint32Array;
  readonly count: number;

  constructor(keys: Uint32Array, counts: Uint32Array, count: number) {
    this.#keys = keys;
    this.#counts = counts;
    this.count = count;
  }

  cgroupNumber(position: number): number {
    return numberIn(this.#keys, position * KEY_WORDS + CALLER_KEY.cgroup / WORD);
  }

  service(position: number): number {
    return this.#keys[position * KEY_WORDS + CALLER_KEY.service / WORD] as number;
  }

  generation(position: number): number {
    return this.#keys[position * KEY_WORDS + CALLER_KEY.serviceGeneration / WORD] as number;
  }

  key(position: number): CallerKey {
    const at = position * KEY_WORDS + CALLER_KEY.cgroup / WORD;
    return {
      cgroup: (BigInt(this.#keys[at + 1] as number) << 32n) | BigInt(this.#keys[at] as number),
      service: this.service(position),
      serviceGeneration: this.generation(position),
    };
  }

  addCounts(position: number, sum: CallerSums, times: 1 | -1): void {
    const counts = this.#counts;
    const base = position * COUNT_WORDS;
    sum.attempts += times * numberIn(counts, base + CALLER_STATS.attempts / WORD);
    sum.established += times * numberIn(counts, base + CALLER_STATS.established / WORD);
    sum.failed += times * numberIn(counts, base + CALLER_STATS.failed / WORD);
    sum.closed += times * numberIn(counts, base + CALLER_STATS.closed / WORD);
    sum.broken += times * numberIn(counts, base + CALLER_STATS.broken / WORD);
    sum.rejected += times * numberIn(counts, base + CALLER_STATS.rejected / WORD);
    sum.bytesSent += times * numberIn(counts, base + CALLER_STATS.bytesSent / WORD);
    sum.bytesReceived += times * numberIn(counts, base + CALLER_STATS.bytesReceived / WORD);
  }

  hasKeysOf(other: CallerTable): boolean {
    if (!(other instanceof CallerWords) || other.count !== this.count) return false;
    return isEqual(this.#keys, other.#keys, 0, this.count * KEY_WORDS);
  }

  hasCountsOf(other: CallerTable, from: number, to: number): boolean {
    return other instanceof CallerWords && isEqual(this.#counts, other.#counts, from * COUNT_WORDS, to * COUNT_WORDS);
  }

  entries(): readonly CallerEntry[] {
    return Array.from({ length: this.count }, (_, position) => {
      const counts = noCounts();
      this.addCounts(position, counts, 1);
      return { ...this.key(position), ...counts };
    });
  }
}

/** To be added to. */
export const noCounts = (): CallerSums => ({
  attempts: 0,
  established: 0,
  failed: 0,
  closed: 0,
  broken: 0,
  rejected: 0,
  bytesSent: 0,
  bytesReceived: 0,
});

const WORD = 4;
const KEY_WORDS = CALLER_KEY.size / WORD;
const COUNT_WORDS = CALLER_STATS.size / WORD;

const isEqual = (one: Uint32Array, other: Uint32Array, from: number, to: number): boolean =>
  Buffer.compare(bytesOf(one.subarray(from, to)), bytesOf(other.subarray(from, to))) === 0;

const bytesOf = ({ buffer, byteOffset, byteLength }: Uint32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

const wordsOf = (bytes: Uint8Array): Uint32Array =>
  bytes.byteOffset % WORD === 0
    ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / WORD)
    : wordsOf(bytes.slice());
