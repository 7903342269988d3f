import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BACKEND_STATS, COUNTERS, MAPS, SLOT } from '../../src/abi/layout.gen.ts';
import { type RecordMemory, recordMemory } from '../../src/abi/memory.ts';
import { closeFd } from '../../src/native/descriptor.ts';
import type { BpfMap } from '../../src/native/map.ts';
import { unmapMemory } from '../../src/native/memory.ts';
import { type BpfObject, openObject } from '../../src/native/object.ts';
import { programRun } from '../../src/native/program.ts';
import { type RangeOf, rangeWords } from './ranges.ts';

/** bpf/test/picks.bpf.c in the kernel, and its tables, which tests fill by hand. */

const OBJECT = join(import.meta.dirname, '../../build/bpf/test/picks.bpf.o');
const TABLES = ['slots', 'backends', 'services', 'backend_stats', 'service_stats'] as const;
const WORD_BYTES = 4;

export type Pick = 'in_turn' | 'least_of_all' | 'least_of_two' | 'cheaper_of_two' | 'by_hash';

export interface Picks {
  readonly object: BpfObject;
  readonly memory: Readonly<Record<(typeof TABLES)[number], RecordMemory>>;
  run(program: string, context: Uint8Array | Uint32Array): number;
  close(): void;
}

/** `clientSalt` is what the agent sets when it loads the programs. */
export const openPicks = (clientSalt = 0): Picks => {
  const object = openObject(new Uint8Array(readFileSync(OBJECT)), 'picks');
  object.setConstant('client_salt', new Uint8Array(Uint32Array.of(clientSalt).buffer));
  object.load();
  const programs = new Map<string, number>();
  const memory = Object.fromEntries(TABLES.map((name) => [name, memoryOf(object, name)])) as Picks['memory'];
  const program = (name: string): number => {
    const fd = programs.get(name) ?? object.program(name);
    programs.set(name, fd);
    return fd;
  };
  return {
    object,
    memory,
    run: (name, { buffer }) => programRun(program(name), new Uint8Array(buffer)),
    close: () => {
      for (const { bytes } of Object.values(memory)) unmapMemory(bytes.buffer as ArrayBuffer);
      for (const fd of programs.values()) closeFd(fd);
      object.close();
    },
  };
};

const memoryOf = (object: BpfObject, name: (typeof TABLES)[number]): RecordMemory => {
  using map: BpfMap = object.map(name);
  return recordMemory(map.mmap(true), MAPS[name].valueSize, map.info.maxEntries);
};

/** Writes a range as bpf/abi.h describes it. */
export const writeRange = ({ memory }: Picks, base: number, range: RangeOf): void =>
  memory.slots.words.set(rangeWords(range), (base * SLOT.size) / WORD_BYTES);

/** struct pick_context: the range, a turn, two random numbers, the time, a hash, and room for the answer. */
export const pickWith = (
  picks: Picks,
  pick: Pick,
  range: { readonly base: number; readonly count: number },
  by: {
    readonly turn?: bigint;
    readonly random?: number;
    readonly otherRandom?: number;
    readonly now?: number;
    readonly hash?: number;
  },
): number | undefined => {
  const { turn = 0n, random = 0, otherRandom = 0, now = 0, hash = 0 } = by;
  const [low, high] = [Number(turn & 0xffff_ffffn), Number(turn >> 32n)];
  const context = new Uint32Array([range.base, range.count, low, high, random, otherRandom, now, hash, 0, 0]);
  return picks.run(pick, context) === 1 ? context[8] : undefined;
};

/** Live connections of a backend, as the counters say them: some of its attempts have ended, in one way or another. */
export const setLoad = ({ memory }: Picks, backend: number, load: number): void => {
  const ends = [COUNTERS.refused, COUNTERS.timedOut, COUNTERS.unreachable, COUNTERS.abandoned, COUNTERS.closed];
  const counters = new BigInt64Array(memory.backend_stats.bytes.buffer);
  const at = (offset: number): number => (backend * BACKEND_STATS.size + offset) / 8;
  counters[at(COUNTERS.attempts)] = BigInt(load + ends.length * 7);
  for (const end of ends) counters[at(end)] = 7n;
};

/** What a backend is known to need, in microseconds, and when that was so. */
export const setEwma = ({ memory }: Picks, backend: number, us: number, at: number): void => {
  const base = backend * BACKEND_STATS.size;
  memory.backend_stats.words[(base + BACKEND_STATS.ewma) / WORD_BYTES] = us * 64;
  memory.backend_stats.words[(base + BACKEND_STATS.ewmaAt) / WORD_BYTES] = at;
};
