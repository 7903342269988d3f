import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeFrontends,
  encodeEndings,
  encodeFrontends,
  readService,
  retireService,
  writeService,
} from '../../../src/abi/codec.ts';
import { ENDING, FRONTEND, FRONTEND_KEY, SERVICE } from '../../../src/abi/layout.gen.ts';
import { recordMemory } from '../../../src/abi/memory.ts';
import { fromBytes } from '../../../src/core/model/address.ts';
import type { FrontendWrite, ServiceWrite } from '../../../src/core/plan/transaction.ts';

/** What is written and what is read back are equal values: what is absent stays absent. */

const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const optional = <Name extends string, Value>(name: Name, values: fc.Arbitrary<Value>) =>
  fc.option(values, { nil: undefined }).map((value) => (value === undefined ? {} : { [name]: value }));

const address = fc
  .tuple(fc.boolean(), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  .map(([mapped, bytes]) => fromBytes(mapped ? bytes.fill(0, 0, 10).fill(0xff, 10, 12) : bytes, 0));

const frontend: fc.Arbitrary<FrontendWrite> = fc
  .tuple(
    fc.record({
      address,
      protocol: fc.constantFrom('TCP' as const, 'UDP' as const, 'ANY' as const),
      port: fc.integer({ min: 0, max: 65535 }),
      service: word,
      slotBase: word,
      slotCount: word,
      scope: fc.constantFrom('cluster' as const, 'external' as const),
    }),
    optional('client', fc.bigInt({ min: 1n, max: 2n ** 64n - 1n })),
    optional('variant', fc.integer({ min: 1, max: 2 ** 15 - 1 })),
    optional('arms', fc.constant(true as const)),
    optional('clientLevels', fc.integer({ min: 1, max: 2 ** 16 - 1 })),
  )
  .map((parts) => Object.assign({}, ...parts));

test('a frontend is read as it was written', () => {
  fc.assert(
    fc.property(fc.array(frontend, { maxLength: 8 }), (writes) => {
      const { keys, values } = encodeFrontends(writes);
      expect([...decodeFrontends(keys, values, writes.length)]).toEqual(writes);
    }),
  );
});

test('whichever bit of a frontend or of its key changes, it leads to no Service any more', () => {
  fc.assert(
    fc.property(frontend, fc.nat({ max: (FRONTEND_KEY.size + FRONTEND.size) * 8 - 1 }), (write, bit) => {
      const { keys, values } = encodeFrontends([write]);
      const key = bit < FRONTEND_KEY.size * 8;
      // The byte that nothing is kept in.
      if (bit >>> 3 === FRONTEND_KEY.zero) return;
      const [bytes, at] = key ? [keys, bit] : [values, bit - FRONTEND_KEY.size * 8];
      bytes[at >>> 3] = (bytes[at >>> 3] as number) ^ (1 << (at & 7));
      expect([...decodeFrontends(keys, values, 1)][0]?.service).toBe(2 ** 32 - 1);
    }),
    { numRuns: 1000 },
  );
});

const service: fc.Arbitrary<ServiceWrite> = fc
  .tuple(
    fc.record({
      index: fc.nat({ max: 3 }),
      identity: fc.tuple(word, word),
      generation: word,
      affinityTimeoutS: fc.nat({ max: 86400 }),
    }),
    optional(
      'choice',
      fc
        .record({
          algorithm: fc.constantFrom(
            'WeightedRandom' as const,
            'RoundRobin' as const,
            'LeastConnections' as const,
            'PeakEwma' as const,
            'Maglev' as const,
          ),
          hashOn: fc.constantFrom('Pod' as const, 'SourceAddress' as const),
        })
        .filter(({ algorithm, hashOn }) => algorithm !== 'WeightedRandom' || hashOn !== 'Pod'),
    ),
    optional('measured', fc.constant(true as const)),
  )
  .map((parts) => Object.assign({}, ...parts));

test('a Service is read as it was written, whatever its record held before', () => {
  const memory = recordMemory(new ArrayBuffer(4 * SERVICE.size), SERVICE.size, 4);
  fc.assert(
    fc.property(service, (write) => {
      writeService(memory, write);
      expect(readService(memory, write.index)).toEqual(write);
    }),
  );
});

test('random choice by pod is what a Service has that says nothing of its choice', () => {
  const memory = recordMemory(new ArrayBuffer(SERVICE.size), SERVICE.size, 1);
  const write: ServiceWrite = { index: 0, identity: [1, 2], generation: 1, affinityTimeoutS: 0 };
  writeService(memory, { ...write, choice: { algorithm: 'WeightedRandom', hashOn: 'Pod' } });
  expect(readService(memory, 0)).toEqual(write);
});

test('an algorithm that nobody knows is read as random choice, as programs take it', () => {
  const memory = recordMemory(new ArrayBuffer(SERVICE.size), SERVICE.size, 1);
  memory.words[SERVICE.algorithm >>> 2] = 77;
  expect(readService(memory, 0).choice).toEqual({ algorithm: 'WeightedRandom', hashOn: 'Pod' });
});

test('a Service that is retired keeps what it says', () => {
  const memory = recordMemory(new ArrayBuffer(SERVICE.size), SERVICE.size, 1);
  const write: ServiceWrite = {
    index: 0,
    identity: [1, 2],
    generation: 7,
    affinityTimeoutS: 0,
    choice: { algorithm: 'Maglev', hashOn: 'SourceAddress' },
  };
  writeService(memory, write);
  retireService(memory, 0);
  expect(readService(memory, 0)).toEqual({ ...write, generation: 8 });
});

test('what a socket is connected to is its address as IPv6, its port in network order, and nothing else', () => {
  const bytes = encodeEndings([{ address: '10.1.2.3', port: 0x1234 }]);
  expect(bytes).toHaveLength(ENDING.size);
  expect([...bytes]).toEqual([...Array(10).fill(0), 0xff, 0xff, 10, 1, 2, 3, 0x12, 0x34, 0, 0]);
});
