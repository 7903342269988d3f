import { beforeEach, expect, test, vi } from 'vitest';
import {
  BACKEND,
  BACKEND_STATS,
  COUNTERS,
  REDIRECTED_KEY,
  SERVICE,
  SERVICE_STATS,
} from '../../../src/abi/layout.gen.ts';
import { counterAt, recordMemory, storeWord } from '../../../src/abi/memory.ts';
import { account, QUIET_LOOKS } from '../../../src/dataplane/kernel/same-node/account.ts';

/** What programs redirected, from their table to the counters of Services and backends. */

vi.mock('../../../src/native/program.ts', () => ({ programRun: vi.fn() }));

/** As a hash map of the kernel. */
class Table {
  readonly entries = new Map<string, Uint8Array>();

  readAll() {
    const keys = Buffer.concat([...this.entries.keys()].map((key) => Buffer.from(key, 'hex')));
    const values = Buffer.concat([...this.entries.values()]);
    return { keys: new Uint8Array(keys), values: new Uint8Array(values), count: this.entries.size };
  }

  update(keys: Uint8Array, values: Uint8Array, count: number): void {
    const each = values.length / count;
    for (const [index, key] of names(keys).entries())
      this.entries.set(key, values.slice(index * each, (index + 1) * each));
  }

  delete(keys: Uint8Array): void {
    for (const key of names(keys)) this.entries.delete(key);
  }
}

const names = (keys: Uint8Array): readonly string[] =>
  Array.from({ length: keys.length / REDIRECTED_KEY.size }, (_, index) =>
    Buffer.from(keys.slice(index * REDIRECTED_KEY.size, (index + 1) * REDIRECTED_KEY.size)).toString('hex'),
  );

const GENERATION = 7;

const records = (size: number) => recordMemory(new ArrayBuffer(size), size, 1);

const create = () => {
  const memory = { services: records(SERVICE.size), backends: records(BACKEND.size) };
  storeWord(memory.services, 0, SERVICE.generation, GENERATION);
  storeWord(memory.backends, 0, BACKEND.generation, GENERATION);
  const stats = { service_stats: records(SERVICE_STATS.size), backend_stats: records(BACKEND_STATS.size) };
  return { memory, stats, redirected: new Table(), accounted: new Table(), quiet: new Map<string, number>() };
};

let state: ReturnType<typeof create>;

beforeEach(() => {
  state = create();
});

const keyOf = (cgroup: number): Uint8Array => {
  const key = new Uint8Array(REDIRECTED_KEY.size);
  const words = new Uint32Array(key.buffer);
  words[REDIRECTED_KEY.cgroup / 4] = cgroup;
  words[REDIRECTED_KEY.serviceGeneration / 4] = GENERATION;
  words[REDIRECTED_KEY.backendGeneration / 4] = GENERATION;
  return key;
};

/** So many in all, each way, as a program counts them. */
const redirect = (cgroup: number, bytes: number): void =>
  state.redirected.update(keyOf(cgroup), new Uint8Array(BigUint64Array.of(BigInt(bytes), BigInt(bytes)).buffer), 1);

const look = (times = 1): void => {
  const { memory, stats, redirected, accounted, quiet } = state;
  const lent = Object.fromEntries(Object.entries(stats).map(([name, record]) => [name, { look: () => record }]));
  for (let at = 0; at < times; at++) {
    type Given = Parameters<typeof account>;
    account(
      { maps: { redirected, accounted }, callers: 0 } as unknown as Given[0],
      { memory, lent } as unknown as Given[1],
      quiet,
    );
  }
};

const counted = (): number => counterAt(state.stats.service_stats, 0, SERVICE_STATS.total + COUNTERS.bytesSent);

const sizes = (): readonly number[] => [state.redirected.entries.size, state.accounted.entries.size, state.quiet.size];

test('each byte counts once, however often is looked', () => {
  redirect(1, 100);
  redirect(2, 30);
  look(3);
  expect(counted()).toBe(130);
  redirect(1, 150);
  look(3);
  expect(counted()).toBe(180);
  expect(counterAt(state.stats.backend_stats, 0, BACKEND_STATS.total + COUNTERS.bytesReceived)).toBe(180);
});

test('who has been quiet for long keeps no place, and counts when it comes again', () => {
  for (let cgroup = 1; cgroup <= 100; cgroup++) redirect(cgroup, 10);
  look(QUIET_LOOKS);
  expect(sizes()).toEqual([100, 100, 100]);
  redirect(7, 20);
  look(2);
  expect(sizes()).toEqual([1, 1, 1]);
  expect(counted()).toBe(1010);
  redirect(8, 5);
  look(2);
  expect(counted()).toBe(1015);
  look(QUIET_LOOKS + 1);
  expect(sizes()).toEqual([0, 0, 0]);
});

test('what was noted of an entry that was taken out by an agent that ended then takes nothing away', () => {
  redirect(1, 100);
  look();
  state.redirected.delete(keyOf(1));
  redirect(1, 5);
  look(2);
  expect(counted()).toBe(105);
});

test('who asks no Service that is there any more goes at once', () => {
  redirect(1, 100);
  look();
  storeWord(state.memory.services, 0, SERVICE.generation, GENERATION + 2);
  storeWord(state.memory.backends, 0, BACKEND.generation, GENERATION + 2);
  look(2);
  expect(sizes()).toEqual([0, 0, 0]);
});
