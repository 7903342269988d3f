import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeBackend, writeService } from '../../src/abi/codec.ts';
import { BACKEND_STATS, COUNTERS, SERVICE_STATS } from '../../src/abi/layout.gen.ts';
import { pick as pickOf, SLOT_WORDS, shares } from '../../src/core/plan/alias.ts';
import { strideFor } from '../../src/core/plan/range.ts';
import { openPicks, type Pick, type Picks, pickWith, setEwma, setLoad, writeRange } from '../helpers/picks.ts';
import { createRandom } from '../helpers/random.ts';
import type { RangeOf } from '../helpers/ranges.ts';
import { chiSquaredP } from '../helpers/statistics.ts';

/** The ways of choosing in bpf/pick/, made by the kernel, beside what they are meant to be, written out here. */

const RECORDS = 1024;
const RANDOMS = 2 ** 32;
const random32 = fc.integer({ min: 0, max: RANDOMS - 1 });
const weightsOf = (max: number, maxLength: number) =>
  fc.array(fc.integer({ min: 1, max }), { minLength: 1, maxLength });

let picks: Picks;

beforeAll(() => {
  picks = openPicks();
});

afterAll(() => picks?.close());

/** All different, in no order. */
const entriesOf = (count: number): number[] => Array.from({ length: count }, (_, entry) => (entry * 7 + 3) % 1021);

const given = (base: number, weights: readonly number[], more: Partial<RangeOf> = {}) => {
  const entries = entriesOf(weights.length);
  writeRange(picks, base, { entries, weights, ...more });
  for (const [column, weight] of weights.entries()) weigh(entries[column] as number, weight);
  const range = { base, count: weights.length };
  return { entries, pick: (way: Pick, by: Parameters<typeof pickWith>[3]) => pickWith(picks, way, range, by) };
};

const weigh = (index: number, weight: number): void =>
  writeBackend(picks.memory.backends, {
    index,
    address: '10.1.0.1',
    port: 80,
    protocol: 'TCP',
    generation: 1,
    weight,
    service: 0,
  });

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

describe('round robin', () => {
  test('gives each backend exactly its weight in turns, in every window of as many turns as there is weight', () => {
    fc.assert(
      fc.property(weightsOf(40, 40), fc.bigInt({ min: 0n, max: 2n ** 63n }), (weights, first) => {
        const total = sum(weights);
        const { entries, pick } = given(5, weights, { stride: strideFor(total) });
        const turns = Array.from({ length: 2 * total }, (_, turn) => pick('in_turn', { turn: first + BigInt(turn) }));
        for (const start of [0, 1, total >> 1, total]) {
          const counts = new Map<number | undefined, number>();
          for (const entry of turns.slice(start, start + total)) counts.set(entry, (counts.get(entry) ?? 0) + 1);
          expect(counts).toEqual(new Map(weights.map((weight, column) => [entries[column], weight])));
        }
      }),
      { numRuns: 40 },
    );
  });

  test('spreads the turns of a backend: among any few turns none has many more than its share', () => {
    const weights = [50, 30, 15, 5];
    const { entries, pick } = given(0, weights, { stride: strideFor(100) });
    const turns = Array.from({ length: 200 }, (_, turn) => pick('in_turn', { turn: BigInt(turn) }));
    for (const [column, weight] of weights.entries()) {
      for (let length = 1; length <= 100; length++) {
        for (let start = 0; start + length <= turns.length; start++) {
          const had = turns.slice(start, start + length).filter((entry) => entry === entries[column]).length;
          expect(Math.abs(had - (length * weight) / 100)).toBeLessThan(3);
        }
      }
    }
  });

  test.each([
    { what: 'the largest weights', weights: Array(40).fill(100_000) },
    { what: 'one backend', weights: [1] },
    { what: 'as many backends as a table holds', weights: Array(RECORDS - 1).fill(3) },
  ])('finds each place of a round with $what', ({ weights }) => {
    const total = sum(weights);
    const { entries, pick } = given(0, weights);
    const until = weights.map((_, column) => sum(weights.slice(0, column + 1)));
    const random = createRandom();
    for (let many = 0; many < 300; many++) {
      const place = many === 0 ? 0 : many === 1 ? total - 1 : random.integer(total);
      expect(pick('in_turn', { turn: BigInt(place) })).toBe(entries[until.findIndex((sum) => sum > place)]);
    }
  });

  test('takes turns one after the other, each once, and those of IPv6 apart', () => {
    const turns = Array.from({ length: 8 }, (_, many) => {
      const context = new Uint32Array([9, many % 4 === 3 ? 1 : 0, 0, 0]);
      expect(picks.run('next_turn', context)).toBe(1);
      return context[2];
    });
    expect(turns).toEqual([0, 1, 2, 0, 3, 4, 5, 1]);
    const { words } = picks.memory.service_stats;
    expect(words[(9 * SERVICE_STATS.size + SERVICE_STATS.turn) / 4]).toBe(6);
    expect(words[(9 * SERVICE_STATS.size + SERVICE_STATS.turnIpv6) / 4]).toBe(2);
  });

  test.each([
    { where: 'its header', base: RECORDS, count: 1 },
    { where: 'its columns', base: RECORDS - 1, count: 1 },
    { where: 'some of its columns', base: RECORDS - 3, count: 8 },
  ])('leads nowhere with $where outside of the table', ({ base, count }) => {
    if (base < RECORDS) picks.memory.slots.words.set([8, 1, 0, 0], base * SLOT_WORDS);
    if (base + 2 < RECORDS) picks.memory.slots.words.set([0, 1, 1, 1, 0, 2, 2, 2], (base + 1) * SLOT_WORDS);
    expect(pickWith(picks, 'in_turn', { base, count }, { turn: 7n })).toBeUndefined();
  });

  test('leads nowhere in a range without weight', () => {
    picks.memory.slots.words.set([0, 1, 0, 0, 0, 1, 1, 0], 0);
    expect(pickWith(picks, 'in_turn', { base: 0, count: 1 }, { turn: 7n })).toBeUndefined();
  });
});

describe('least connections', () => {
  /** Columns that none is better than, by W/L as a fraction. */
  const best = (weights: readonly number[], loads: readonly number[]): number[] => {
    const idle = weights.filter((_, column) => loads[column] === 0);
    const isBest = (column: number): boolean => {
      const [weight, load] = [weights[column] as number, loads[column] as number];
      if (idle.length > 0) return load === 0 && weight === Math.max(...idle);
      return weights.every(
        (other, index) => BigInt(weight) * BigInt(loads[index] as number) >= BigInt(other) * BigInt(load),
      );
    };
    return weights.flatMap((_, column) => (isBest(column) ? [column] : []));
  };

  const loaded = (weights: readonly number[], loads: readonly number[]) => {
    const range = given(3, weights);
    for (const [column, load] of loads.entries()) setLoad(picks, range.entries[column] as number, load);
    return range;
  };

  test('of weights 1 and 2 with loads 1 and 3 names the first, where random choice gives the second two thirds', () => {
    const { entries, pick } = loaded([1, 2], [1, 3]);
    for (const random of [0, 1, 2 ** 31, RANDOMS - 1]) expect(pick('least_of_all', { random })).toBe(entries[0]);
    const words = picks.memory.slots.words.subarray(4 * SLOT_WORDS, 6 * SLOT_WORDS);
    expect(shares(words, 0, 2).get(entries[1] as number)).toBeCloseTo(2 / 3, 6);
  });

  test('names one that none is better than, whatever weights and loads there are', () => {
    const backend = fc.tuple(
      fc.integer({ min: 1, max: 100_000 }),
      fc.oneof(fc.constant(0), fc.nat({ max: 5_000_000 })),
    );
    const small = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.nat({ max: 3 }));
    const backends = fc.oneof(backend, small);
    fc.assert(
      fc.property(fc.array(backends, { minLength: 1, maxLength: 32 }), random32, (list, random) => {
        const weights = list.map(([weight]) => weight);
        const loads = list.map(([, load]) => load);
        const { entries, pick } = loaded(weights, loads);
        expect(best(weights, loads).map((column) => entries[column])).toContain(pick('least_of_all', { random }));
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    { what: 'idle ones of one weight', weights: [4, 4, 1, 4, 4], loads: [0, 0, 0, 0, 7], wins: [4, 4, 0, 4, 0] },
    { what: 'busy ones', weights: [1, 2, 3, 9], loads: [2, 4, 6, 100], wins: [1, 2, 3, 0] },
    { what: 'all of 32', weights: Array(32).fill(5), loads: Array(32).fill(0), wins: Array(32).fill(5) },
  ])('draws equals by weight: $what', ({ weights, loads, wins }) => {
    const { entries, pick } = loaded(weights, loads);
    const random = createRandom();
    const draws = 32_000;
    const counts = new Map<number | undefined, number>();
    for (let many = 0; many < draws; many++) {
      const entry = pick('least_of_all', { random: random.integer(RANDOMS) });
      counts.set(entry, (counts.get(entry) ?? 0) + 1);
    }
    const expected = wins.flatMap((win: number) => (win > 0 ? [(win / sum(wins)) * draws] : []));
    const observed = wins.flatMap((win: number, column: number) => (win > 0 ? [counts.get(entries[column]) ?? 0] : []));
    expect(sum(observed)).toBe(draws);
    expect(chiSquaredP(observed, expected)).toBeGreaterThan(0.001);
  });

  test('takes less than no load for none, as there is while tables grow', () => {
    const { entries, pick } = loaded([1, 1], [0, 1]);
    const counters = new BigInt64Array(picks.memory.backend_stats.bytes.buffer);
    counters[((entries[0] as number) * BACKEND_STATS.size + COUNTERS.closed) / 8] = 1000n;
    expect(pick('least_of_all', {})).toBe(entries[0]);
    expect(pick('least_of_two', { random: 0, otherRandom: RANDOMS - 1 })).toBe(entries[0]);
  });

  test('looks at the first 32 only, and leads nowhere where one of them lies outside of its table', () => {
    const { entries, pick } = loaded(Array(33).fill(1), [...Array(31).fill(9), 8, 1]);
    expect(pick('least_of_all', {})).toBe(entries[31]);
    picks.memory.slots.words[4 * SLOT_WORDS + 1] = RECORDS;
    expect(pick('least_of_all', {})).toBeUndefined();
    expect(pickWith(picks, 'least_of_all', { base: RECORDS - 1, count: 2 }, {})).toBeUndefined();
  });

  test('of two that are drawn names the better one, and the first of equals', () => {
    const backend = fc.tuple(fc.integer({ min: 1, max: 100_000 }), fc.nat({ max: 3 }));
    fc.assert(
      fc.property(
        fc.array(backend, { minLength: 1, maxLength: 100 }),
        random32,
        random32,
        (list, random, otherRandom) => {
          const weights = list.map(([weight]) => weight);
          const loads = list.map(([, load]) => load);
          const { entries, pick } = loaded(weights, loads);
          const drawn = [random, otherRandom].map((number) =>
            entries.indexOf(pickOf(picks.memory.slots.words, 4, list.length, number)),
          );
          const ofDrawn = (values: readonly number[]) => drawn.map((column) => values[column] as number);
          const [winner] = best(ofDrawn(weights), ofDrawn(loads));
          expect(pick('least_of_two', { random, otherRandom })).toBe(entries[drawn[winner as number] as number]);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('what a backend is taken to need', () => {
  const BACKEND = 77;
  const HALF_LIFE = 4096;

  const context = (us: number, now: number, raiseOnly: boolean): Uint32Array =>
    new Uint32Array([us, 0, BACKEND, now, raiseOnly ? 1 : 0, 0]);
  const sample = (us: number, now: number, raiseOnly = false): void => {
    picks.run('sample', context(us, now, raiseOnly));
  };
  const needed = (now: number): number => {
    const words = context(0, now, false);
    picks.run('taken_to_need', words);
    return words[0] as number;
  };

  test('halves in each half-life, until nothing is left', () => {
    setEwma(picks, BACKEND, 1_000_000, 5000);
    for (const halves of [0, 1, 2, 3, 10, 19])
      expect(needed(5000 + halves * HALF_LIFE)).toBe(Math.floor(1_000_000 / 2 ** halves));
    expect(needed(5000 + 32 * HALF_LIFE)).toBe(0);
    expect(needed(5000 + 1000 * HALF_LIFE)).toBe(0);
  });

  test('is within 1 % of exponential decay all the way, and never rises with time', () => {
    setEwma(picks, BACKEND, 12_345, 0);
    let last = 12_345;
    for (let now = 0; now < 2 * HALF_LIFE; now += 7) {
      const value = needed(now);
      expect(value).toBeLessThanOrEqual(last);
      expect(value).toBeGreaterThanOrEqual(12_345 * 2 ** (-now / HALF_LIFE) * 0.99 - 1);
      expect(value).toBeLessThanOrEqual(12_345 * 2 ** (-now / HALF_LIFE));
      last = value;
    }
  });

  test.each([
    { when: 'a moment in the future, seen from another processor', at: 1003, now: 1000, us: 500 },
    { when: 'just before the clock began anew', at: 2 ** 32 - 2048, now: 2048, us: 250 },
  ])('is right if it was measured $when', ({ at, now, us }) => {
    setEwma(picks, BACKEND, 500, at);
    expect(needed(now)).toBe(us);
  });

  test('rises at once to what took longer', () => {
    setEwma(picks, BACKEND, 100, 1000);
    sample(90_000, 1001);
    expect(needed(1001)).toBe(90_000);
  });

  test('falls towards shorter answers by half of the difference in a half-life, however often they come', () => {
    for (const step of [1, 3, 10, 100, 1000]) {
      setEwma(picks, BACKEND, 10_000, 0);
      for (let now = step; now <= HALF_LIFE; now += step) sample(200, now);
      expect(needed(HALF_LIFE)).toBeGreaterThan(200 + 4900 * 0.97);
      expect(needed(HALF_LIFE)).toBeLessThan(200 + 4900 * 1.03);
      for (let now = HALF_LIFE + step; now <= 40 * HALF_LIFE; now += step) sample(200, now);
      // The last sample may be as old as a step.
      expect(needed(40 * HALF_LIFE)).toBeGreaterThanOrEqual(165);
      expect(needed(40 * HALF_LIFE)).toBeLessThanOrEqual(205);
    }
  });

  test('stays what it is while every answer takes as long', () => {
    for (const us of [1, 3, 64, 65, 200, 999, 1_000_000]) {
      setEwma(picks, BACKEND, us, 0);
      for (let now = 1; now < 100_000; now += 1 + (now % 50)) {
        sample(us, now);
        expect(needed(now)).toBe(us);
      }
    }
  });

  test('stays near answers that vary a little', () => {
    const random = createRandom();
    setEwma(picks, BACKEND, 0, 0);
    for (let now = 1; now < 100_000; now += 1 + random.integer(20)) {
      if (now > 200) {
        expect(needed(now)).toBeGreaterThan(170);
        expect(needed(now)).toBeLessThanOrEqual(220);
      }
      sample(180 + random.integer(40), now);
    }
  });

  test('of a handshake only rises: one that was quick says nothing of a slow backend', () => {
    setEwma(picks, BACKEND, 10_000, 0);
    sample(50, HALF_LIFE, true);
    expect(needed(HALF_LIFE)).toBe(5000);
    sample(5001, HALF_LIFE, true);
    expect(needed(HALF_LIFE)).toBe(5001);
  });

  test('is a minute at most, and never wraps', () => {
    setEwma(picks, BACKEND, 0, 0);
    picks.run('sample', new Uint32Array([0, 1, BACKEND, 10, 0, 0]));
    expect(needed(10)).toBe(2 ** 26 - 1);
  });

  test('of a record that is cleared is nothing', () => {
    setEwma(picks, BACKEND, 0, 0);
    for (const now of [0, 1, 2 ** 31, 2 ** 32 - 1]) expect(needed(now)).toBe(0);
  });
});

describe('peak EWMA', () => {
  const AT = 1000;

  test('of two that are drawn names the one with the smaller time * (load + 1) / weight, and the first of equals', () => {
    const backend = fc.record({
      weight: fc.integer({ min: 1, max: 100_000 }),
      load: fc.oneof(fc.nat({ max: 4 }), fc.nat({ max: 1_000_000 })),
      us: fc.oneof(fc.constant(0), fc.nat({ max: 2 ** 26 - 1 })),
    });
    fc.assert(
      fc.property(
        fc.array(backend, { minLength: 1, maxLength: 40 }),
        random32,
        random32,
        (list, random, otherRandom) => {
          const { entries, pick } = given(
            3,
            list.map(({ weight }) => weight),
          );
          for (const [column, { load, us }] of list.entries()) {
            setLoad(picks, entries[column] as number, load);
            setEwma(picks, entries[column] as number, us, AT);
          }
          const [one, other] = [random, otherRandom].map((number) =>
            pickOf(picks.memory.slots.words, 4, list.length, number),
          );
          const costOf = (entry: number | undefined, weightOfOther: number): bigint => {
            const { us, load } = list[entries.indexOf(entry as number)]!;
            return BigInt(us === 0 ? 1 : us) * BigInt(load + 1) * BigInt(weightOfOther);
          };
          const weightOf = (entry: number | undefined): number => list[entries.indexOf(entry as number)]!.weight;
          const isOther = costOf(other, weightOf(one)) < costOf(one, weightOf(other));
          expect(pick('cheaper_of_two', { random, otherRandom, now: AT })).toBe(isOther ? other : one);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('forgives with time: what was slow is tried again', () => {
    const { entries, pick } = given(3, [1, 1]);
    for (const entry of entries) setLoad(picks, entry, 0);
    setEwma(picks, entries[0] as number, 10_000, AT);
    setEwma(picks, entries[1] as number, 100, AT + 20 * 4096);
    const both = { random: RANDOMS - 1, otherRandom: 0 };
    expect(pick('cheaper_of_two', { ...both, now: AT + 4096 })).toBe(entries[1]);
    expect(pick('cheaper_of_two', { ...both, now: AT + 20 * 4096 })).toBe(entries[0]);
  });
});

describe('consistent hashing', () => {
  test('sends a client where its place in the table says, whatever the length of range and table', () => {
    fc.assert(
      fc.property(
        weightsOf(9, 30),
        fc.array(fc.nat({ max: 1020 }), { minLength: 1, maxLength: 400 }),
        random32,
        (weights, lookup, hash) => {
          const { pick } = given(2, weights, { lookup });
          expect(pick('by_hash', { hash })).toBe(lookup[hash % lookup.length]);
        },
      ),
    );
  });

  test('names nobody without a table, or with one that lies outside', () => {
    expect(given(2, [1, 2]).pick('by_hash', { hash: 5 })).toBeUndefined();
    given(2, [1, 2], { lookup: [8, 9] });
    picks.memory.slots.words[2 * SLOT_WORDS + 2] = 2 ** 31;
    expect(pickWith(picks, 'by_hash', { base: 2, count: 2 }, { hash: 2 ** 30 })).toBeUndefined();
    expect(pickWith(picks, 'by_hash', { base: RECORDS, count: 2 }, {})).toBeUndefined();
  });
});

describe('an arm', () => {
  const ROUTE = { send: 1, arm: 3, broken: 5 };
  const through = (base: number, count: number) => {
    const context = new Uint32Array([base, count, 0, 0]);
    const route = picks.run('through_arm', context);
    return { route, base: context[0], count: context[1], service: context[2], algorithm: context[3] };
  };

  test('is drawn by its weight, and brings its own range, record and algorithm', () => {
    const arms = [
      { service: 20, base: 100, count: 3 },
      { service: 21, base: 200, count: 5 },
    ];
    writeRange(picks, 9, { entries: [0, 1], weights: [95, 5], arms });
    for (const [number, algorithm] of ['RoundRobin' as const, 'Maglev' as const].entries())
      writeService(picks.memory.services, {
        index: 20 + number,
        identity: [1, 2],
        generation: 1,
        affinityTimeoutS: 0,
        choice: { algorithm, hashOn: 'Pod' },
      });
    const counts = [0, 0];
    for (let many = 0; many < 20_000; many++) {
      const { route, service, ...rest } = through(9, 2);
      const number = (service as number) - 20;
      expect({ route, ...rest }).toEqual({
        route: ROUTE.send,
        base: 100 + number * 100,
        count: 3 + number * 2,
        algorithm: [1, 4][number],
      });
      counts[number]!++;
    }
    expect(chiSquaredP(counts, [19_000, 1000])).toBeGreaterThan(0.001);
  });

  test('without an endpoint is refused and counts it', () => {
    writeRange(picks, 9, { entries: [0], weights: [1], arms: [{ service: 30, base: 0, count: 0 }] });
    expect(through(9, 1)).toMatchObject({ route: ROUTE.arm, service: 30 });
    const { words } = picks.memory.service_stats;
    expect(words[(30 * SERVICE_STATS.size + COUNTERS.rejected) / 4]).toBe(1);
  });

  test.each([
    { what: 'that does not exist', entries: [1], service: 1 },
    { what: 'whose record lies outside of the table', entries: [0], service: RECORDS },
  ])('$what is no way', ({ entries, service }) => {
    writeRange(picks, 9, { entries, weights: [1], arms: [{ service, base: 1, count: 1 }] });
    expect(through(9, 1).route).toBe(ROUTE.broken);
  });
});

describe('the hash of a client', () => {
  /** struct hash_context: a cookie, an address, two answers. */
  const hashesOf = (from: Picks, cookie: bigint, address: Uint8Array = new Uint8Array(16)) => {
    const context = new Uint8Array(32);
    new DataView(context.buffer).setBigUint64(0, cookie, true);
    context.set(address, 8);
    from.run('hashes', context);
    const words = new Uint32Array(context.buffer);
    return { pod: words[6] as number, address: words[7] as number };
  };

  test('spreads pods evenly, whose network namespaces are counted one after the other', () => {
    const places = 101;
    const counts: number[] = Array(places).fill(0);
    for (let cookie = 1; cookie <= 10_000; cookie++) counts[hashesOf(picks, BigInt(cookie)).pod % places]!++;
    expect(chiSquaredP(counts, Array(places).fill(10_000 / places))).toBeGreaterThan(0.001);
  });

  test('spreads addresses evenly that differ in their last bytes', () => {
    const places = 101;
    const counts: number[] = Array(places).fill(0);
    for (let host = 0; host < 10_000; host++) {
      const address = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, host >> 8, host & 0xff);
      counts[hashesOf(picks, 1n, address).address % places]!++;
    }
    expect(chiSquaredP(counts, Array(places).fill(10_000 / places))).toBeGreaterThan(0.001);
  });

  test('of a pod differs from node to node, that of an address does not', () => {
    const other = openPicks(12_345);
    const address = Uint8Array.from({ length: 16 }, (_, index) => index);
    const pairs = Array.from({ length: 100 }, (_, cookie) => [
      hashesOf(picks, BigInt(cookie), address),
      hashesOf(other, BigInt(cookie), address),
    ]);
    other.close();
    for (const [one, two] of pairs) expect(one?.address).toBe(two?.address);
    expect(pairs.filter(([one, two]) => one?.pod === two?.pod).length).toBeLessThan(2);
  });
});
