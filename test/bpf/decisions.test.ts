import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeBackend } from '../../src/abi/codec.ts';
import { AFFINITY_KEY, AFFINITY_KIND, LATENCY_BUCKETS, MAPS } from '../../src/abi/layout.gen.ts';
import { type RecordMemory, recordMemory } from '../../src/abi/memory.ts';
import { toBytes } from '../../src/core/model/address.ts';
import { aliasTable, pick, SLOT_WORDS } from '../../src/core/plan/alias.ts';
import { closeFd } from '../../src/native/descriptor.ts';
import type { BpfMap } from '../../src/native/map.ts';
import { unmapMemory } from '../../src/native/memory.ts';
import { type BpfObject, openObject } from '../../src/native/object.ts';
import { programRun } from '../../src/native/program.ts';

/** The decisions of bpf/*.h, made by the kernel: bpf/test/decisions.bpf.c calls them one at a time. */

const OBJECT = join(import.meta.dirname, '../../build/bpf/test/decisions.bpf.o');
const PROGRAMS = [
  'weighted',
  'remember_for',
  'remembered',
  'given_back',
  'latency',
  'family',
  'equal',
  'from_ipv4',
] as const;
const RECORDS = 1024;
/** All backends are of this Service, and IPv4. */
const SERVICE_INDEX = 3;

let object: BpfObject;
let programs: Record<(typeof PROGRAMS)[number], number>;
let memory: Record<'slots' | 'backends', RecordMemory>;

beforeAll(() => {
  object = openObject(new Uint8Array(readFileSync(OBJECT)), 'decisions');
  object.load();
  programs = Object.fromEntries(PROGRAMS.map((name) => [name, object.program(name)])) as typeof programs;
  memory = { slots: memoryOf('slots'), backends: memoryOf('backends') };
  for (let index = 0; index < RECORDS; index++) writeBackend(memory.backends, backendAt(index, generationOf(index)));
});

afterAll(() => {
  for (const { bytes } of Object.values(memory ?? {})) unmapMemory(bytes.buffer as ArrayBuffer);
  for (const fd of Object.values(programs ?? {})) closeFd(fd);
  object?.close();
});

describe('the choice by weight', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 200 });
  const random32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });

  test('is the one of core/plan/alias for any table at any place and any random number', () => {
    fc.assert(
      fc.property(
        weights,
        fc.nat({ max: RECORDS - 201 }),
        fc.array(random32, { maxLength: 40 }),
        (given, base, some) => {
          const count = given.length;
          const words = aliasTable(permuted(count), given);
          memory.slots.words.set(words, (base + 1) * SLOT_WORDS);
          for (const random of [0, 2 ** 32 - 1, ...some, ...edgesOf(words)]) {
            const backend = pick(words, 0, count, random);
            expect(weighted(base, count, random)).toEqual({ found: true, backend, generation: generationOf(backend) });
          }
        },
      ),
    );
  });

  test('leads nowhere when slots or backends lie outside of their tables', () => {
    memory.slots.words.set([0, RECORDS, RECORDS, 0], SLOT_WORDS);
    expect(weighted(0, 1, 0).found).toBe(false);
    expect(weighted(RECORDS - 1, 1, 0).found).toBe(false);
    memory.slots.words.set([0, RECORDS - 1, RECORDS - 1, 0], (RECORDS - 1) * SLOT_WORDS);
    expect(weighted(RECORDS - 2, 1, 0)).toMatchObject({ found: true, backend: RECORDS - 1 });
    expect(weighted(RECORDS - 2, 2, 2 ** 31)).toMatchObject({ found: false });
  });

  test.each([
    { state: 'in use', generation: 27, remembered: 27 },
    { state: 'retired a moment ago', generation: 28, remembered: 27 },
    { state: 'retired when generations began anew', generation: 0, remembered: 2 ** 32 - 1 },
  ])('of a record that is $state remembers the generation in which it was in use', ({ generation, remembered }) => {
    const index = 13;
    memory.slots.words.set([0, index, index, 0], SLOT_WORDS);
    writeBackend(memory.backends, backendAt(index, generation));
    expect(weighted(0, 1, 0)).toEqual({ found: true, backend: index, generation: remembered });
    writeBackend(memory.backends, backendAt(index, generationOf(index)));
  });
});

describe('the place of a connection', () => {
  test.each([
    { whose: 'is its own', owner: 7n, given: true, after: 0n },
    { whose: 'is free by now', owner: 0n, given: false, after: 0n },
    { whose: 'is another’s by now', owner: 8n, given: false, after: 8n },
  ])('that $whose is given back once, and nobody else’s ever: $given', ({ owner, given, after }) => {
    const context = BigUint64Array.of(owner, 7n);
    expect(programRun(programs.given_back, new Uint8Array(context.buffer))).toBe(given ? 1 : 0);
    expect(context[0]).toBe(after);
  });
});

describe('a remembered backend', () => {
  const S = 1_000_000_000n;
  const START = 1000n * S;

  test.each([
    { when: 'at once', later: 0n, found: true },
    { when: 'though another processor used it a moment after the clock was read', later: -1n, found: true },
    { when: 'just before its time is over', later: 10n * S - 1n, found: true },
    { when: 'when its time is over', later: 10n * S, found: false },
  ])('with a timeout of 10 s is found $when: $found', ({ later, found }) => {
    const key = newKey();
    remember(key, { backend: 7, generation: generationOf(7), now: START });
    expect(recall(key, { now: START + later, timeout: 10n * S })).toBe(found ? 7 : undefined);
  });

  test('counts its time from its last use', () => {
    const key = newKey();
    remember(key, { backend: 7, generation: generationOf(7), now: START });
    for (const turn of [1n, 2n, 3n]) expect(recall(key, { now: START + turn * 9n * S, timeout: 10n * S })).toBe(7);
    expect(recall(key, { now: START + 37n * S, timeout: 10n * S })).toBeUndefined();
  });

  test.each([
    { what: 'good', kept: true },
    { what: 'too old', later: 10n * S, kept: false },
    { what: 'gone', changes: 2, kept: false },
  ])('that another connection chose meanwhile is taken if it is $what: $kept', ({ later = 0n, changes = 0, kept }) => {
    const key = newKey();
    const timeout = 10n * S;
    remember(key, { backend: 7, generation: generationOf(7) + changes, now: START, timeout });
    const other = { backend: 8, generation: generationOf(8), now: START + later, timeout };
    expect(remember(key, other)).toBe(kept ? 7 : 8);
    expect(recall(key, { now: START + later, timeout })).toBe(kept ? 7 : 8);
  });

  test('without a timeout is found for ever', () => {
    const key = newKey();
    remember(key, { backend: 7, generation: generationOf(7), now: START });
    expect(recall(key, { now: 2n ** 62n, timeout: 0n })).toBe(7);
  });

  test('is another client’s, Service’s or family’s no more than nobody’s', () => {
    const key = newKey();
    remember(key, { backend: 7, generation: generationOf(7), now: START });
    for (const other of [
      { ...key, client: key.client + 2n ** 32n },
      { ...key, service: key.service + 1 },
      { ...key, kind: AFFINITY_KIND.SOCKET },
      { ...key, family: 6 },
    ])
      expect(recall(other, { now: START, timeout: 0n })).toBeUndefined();
  });

  test.each([1, 2])('is gone when its record was given on (%i change of the generation)', (changes) => {
    const key = newKey();
    const index = 9;
    remember(key, { backend: index, generation: generationOf(index), now: START });
    writeBackend(memory.backends, backendAt(index, generationOf(index) + changes));
    expect(recall(key, { now: START, timeout: 0n })).toBeUndefined();
    writeBackend(memory.backends, backendAt(index, generationOf(index)));
    expect(recall(key, { now: START, timeout: 0n })).toBe(index);
  });

  test('that was retired while it was chosen is not kept to, nor is its successor', () => {
    const key = newKey();
    const index = 15;
    memory.slots.words.set([0, index, index, 0], SLOT_WORDS);
    writeBackend(memory.backends, backendAt(index, generationOf(index) + 1));
    const { generation = 0 } = weighted(0, 1, 0);
    remember(key, { backend: index, generation, now: START });
    for (const changes of [1, 2, 3]) {
      writeBackend(memory.backends, backendAt(index, generationOf(index) + changes));
      expect(recall(key, { now: START, timeout: 0n })).toBeUndefined();
    }
    writeBackend(memory.backends, backendAt(index, generationOf(index)));
  });

  // An entry may be handed on while it is read: what it names must at least fit who asks.
  test.each([
    { of: 'another Service', other: { service: SERVICE_INDEX + 1 } },
    { of: 'the other family', other: { address: 'fd00::1' } },
  ])('that is one of $of is none', ({ other }) => {
    const key = newKey();
    const index = 11;
    remember(key, { backend: index, generation: generationOf(index), now: START });
    writeBackend(memory.backends, { ...backendAt(index, generationOf(index)), ...other });
    expect(recall(key, { now: START, timeout: 0n })).toBeUndefined();
    writeBackend(memory.backends, backendAt(index, generationOf(index)));
    expect(recall(key, { now: START, timeout: 0n })).toBe(index);
  });

  test('outside of the table is none', () => {
    const key = newKey();
    remember(key, { backend: RECORDS, generation: 1, now: START });
    expect(recall(key, { now: START, timeout: 0n })).toBeUndefined();
  });

  interface Key {
    readonly client: bigint;
    readonly service: number;
    readonly kind: number;
    readonly family: number;
  }

  let keys = 0;
  const newKey = (): Key => {
    keys += 1;
    return { client: BigInt(keys), service: SERVICE_INDEX, kind: AFFINITY_KIND.POD, family: 4 };
  };

  /** struct remembered_context: the key, two times, backend and generation. */
  const contextOf = (key: Key, now: bigint, timeout: bigint, backend: number, generation: number): DataView => {
    const context = new DataView(new ArrayBuffer(AFFINITY_KEY.size + 24));
    context.setBigUint64(AFFINITY_KEY.client, key.client, true);
    context.setUint32(AFFINITY_KEY.service, key.service, true);
    context.setUint8(AFFINITY_KEY.kind, key.kind);
    context.setUint8(AFFINITY_KEY.family, key.family);
    context.setBigUint64(AFFINITY_KEY.size, now, true);
    context.setBigUint64(AFFINITY_KEY.size + 8, timeout, true);
    context.setUint32(AFFINITY_KEY.size + 16, backend, true);
    context.setUint32(AFFINITY_KEY.size + 20, generation, true);
    return context;
  };

  /** Returns what is remembered then. */
  const remember = (
    key: Key,
    used: { readonly backend: number; readonly generation: number; readonly now: bigint; readonly timeout?: bigint },
  ): number => {
    const context = contextOf(key, used.now, used.timeout ?? 0n, used.backend, used.generation);
    run('remember_for', context);
    return context.getUint32(AFFINITY_KEY.size + 16, true);
  };

  const recall = (key: Key, { now, timeout }: { readonly now: bigint; readonly timeout: bigint }) => {
    const context = contextOf(key, now, timeout, 0, 0);
    return run('remembered', context) === 1 ? context.getUint32(AFFINITY_KEY.size + 16, true) : undefined;
  };
});

describe('the bucket of a connect latency', () => {
  const edges = Array.from({ length: LATENCY_BUCKETS - 1 }, (_, power) => BigInt(2 ** power) * 1000n);

  test('is i for less than 2^i microseconds and not less than half of that, at every edge', () => {
    for (const [power, edge] of edges.entries()) {
      expect(bucketOf(edge - 1n)).toBe(power);
      expect(bucketOf(edge)).toBe(power + 1);
    }
  });

  test('agrees with its definition for any latency', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat({ max: 63 }), (bits, shift) => {
        const ns = bits >> BigInt(shift);
        const us = ns / 1000n;
        const bucket = Math.min(us === 0n ? 0 : us.toString(2).length, LATENCY_BUCKETS - 1);
        expect(bucketOf(ns)).toBe(bucket);
      }),
    );
  });

  const bucketOf = (ns: bigint): number => run('latency', new BigUint64Array([ns]));
});

describe('an address', () => {
  test.each([
    { address: '10.96.0.1', family: 4 },
    { address: '::ffff:10.96.0.1', family: 4 },
    { address: '0.0.0.0', family: 4 },
    { address: '::', family: 6 },
    { address: '::1', family: 6 },
    { address: '::10.96.0.1', family: 6 },
    { address: '::fffe:a60:1', family: 6 },
    { address: '0:0:0:1:0:ffff:a60:1', family: 6 },
    { address: '1::ffff:a60:1', family: 6 },
    { address: 'fd00:10:96::1', family: 6 },
  ])('$address asks for backends of family $family', ({ address, family }) => {
    expect(run('family', contextOf(address, '::'))).toBe(family);
  });

  test('is itself and no other, whichever bit differs', () => {
    const context = contextOf('fd00:10:96::1', 'fd00:10:96::1');
    expect(run('equal', context)).toBe(1);
    for (let bit = 0; bit < 128; bit++) {
      const other = context.slice();
      other[16 + (bit >> 3)]! ^= 1 << (bit & 7);
      expect(run('equal', other)).toBe(0);
    }
  });

  test('of IPv4 is written as IPv4-mapped IPv6, as the tables have it', () => {
    const context = contextOf('::', '::');
    context.set([10, 96, 0, 1], 32);
    run('from_ipv4', context);
    expect(context.slice(0, 16)).toEqual(contextOf('10.96.0.1', '::').slice(0, 16));
  });

  /** struct address_context: two addresses and one of IPv4. */
  const contextOf = (address: string, other: string): Uint8Array => {
    const context = new Uint8Array(36);
    toBytes(address, context, 0);
    toBytes(other, context, 16);
    return context;
  };
});

const weighted = (base: number, count: number, random: number) => {
  // struct frontend (service, range, scope, flags, check), then the random number and room for the answer.
  const context = new Uint32Array([0, base, count, 0, 0, 0, random, 0, 0]);
  const found = run('weighted', context) === 1;
  return { found, backend: context[7], generation: context[8] };
};

const run = (name: (typeof PROGRAMS)[number], { buffer }: { readonly buffer: ArrayBufferLike }): number =>
  programRun(programs[name], new Uint8Array(buffer));

const memoryOf = (name: 'slots' | 'backends'): RecordMemory => {
  using map: BpfMap = object.map(name);
  return recordMemory(map.mmap(true), MAPS[name].valueSize, RECORDS);
};

/** Odd, and another one for each record. */
const generationOf = (index: number): number => index * 2 + 1;

const backendAt = (index: number, generation: number) =>
  ({ index, address: '10.1.0.1', port: 80, protocol: 'TCP', generation, weight: 1, service: SERVICE_INDEX }) as const;

/** All different, in no order. */
const permuted = (count: number): number[] => Array.from({ length: count }, (_, entry) => (entry * 7 + 3) % 1021);

/** Random numbers at and just before each place where the answer may change: columns and thresholds. */
const edgesOf = (words: Uint32Array): number[] => {
  const count = words.length / SLOT_WORDS;
  return Array.from({ length: Math.min(count, 8) }, (_, column) => {
    const first = Math.ceil((column * 2 ** 32) / count);
    const turn = Math.ceil((column * 2 ** 32 + (words[column * SLOT_WORDS] as number)) / count);
    return [first, turn - 1, turn].map((random) => Math.min(Math.max(random, 0), 2 ** 32 - 1));
  }).flat();
};
