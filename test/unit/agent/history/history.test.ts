import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { History } from '../../../../src/agent/history/history.ts';
import { STEP_MS, STEPS } from '../../../../src/agent/history/ring.ts';
import type { ServiceUsage } from '../../../../src/agent/view.ts';
import type { ServiceStats } from '../../../../src/dataplane/dataplane.ts';
import { ManualClock } from '../../../helpers/manual-clock.ts';
import { latency } from '../../cli/top/readings.ts';
import { IDLE, serviceUsage } from '../../http/fake-view.ts';

let clock: ManualClock;
let history: History;
let failures: unknown[];
/** By id; undefined: never used. */
let ports: Map<string, Partial<ServiceStats> | undefined>;
let isOpen: boolean;
/** Called for each Service port that is looked at. */
let onUsage: () => void;

beforeEach(() => {
  clock = new ManualClock();
  failures = [];
  ports = new Map();
  isOpen = true;
  onUsage = () => {};
});

afterEach(() => history.stop());

const begin = async (ringsMax = 500): Promise<void> => {
  const onFailure = (error: unknown): void => void failures.push(error);
  history = new History({ view: () => (isOpen ? { usage } : undefined), clock, onFailure, ringsMax });
  history.start();
  await clock.advance(0);
};

function* usage(): Generator<ServiceUsage> {
  for (const [id, stats] of ports) {
    onUsage();
    yield serviceUsage({ id, stats: stats && { ...IDLE, ...stats } });
  }
}

const step = async (changes: Readonly<Record<string, Partial<ServiceStats> | undefined>> = {}): Promise<void> => {
  for (const [id, stats] of Object.entries(changes)) ports.set(id, stats);
  await clock.advance(STEP_MS);
};

/** What is known, from the oldest to the newest. */
const known = (id: string | undefined, name: Parameters<History['last']>[1] = 'connections') =>
  history.series(id)?.[name].filter((value) => value !== null);

describe('the history of a Service port', () => {
  test('is what its counters grew by in each step, a second', async () => {
    ports.set('a', { attempts: 1000, bytesSent: 5000 });
    await begin();
    await step({ a: { attempts: 1050, bytesSent: 6000, refused: 5, timedOut: 5, unreachable: 5, abandoned: 5 } });
    await step({ a: { attempts: 1050, bytesSent: 6000, refused: 5, timedOut: 5, unreachable: 5, abandoned: 5 } });
    expect(known('a')).toEqual([10, 0]);
    expect(known('a', 'sent')).toEqual([200, 0]);
    expect(known('a', 'failed')).toEqual([4, 0]);
    expect(history.last('a', 'failed')).toBe(0);
    expect(history.series('a')?.connections).toHaveLength(STEPS);
    expect(history.series('a')?.connections.at(-2)).toBe(10);
  });

  test('has the latencies of the connects of each step, where there were any', async () => {
    ports.set('a', { attempts: 100, connectLatency: latency({ 5: 100, 10: 0 }) });
    await begin();
    await step({ a: { attempts: 110, connectLatency: latency({ 5: 100, 10: 10 }) } });
    expect(known('a', 'connectP50Us')).toEqual([768]);
    await step();
    expect(history.series('a')?.connectP50Us.slice(-2)).toEqual([768, null]);
    expect(history.last('a', 'connectP50Us')).toBeUndefined();
  });

  test('begins with its first use, all of which is of that step', async () => {
    ports.set('a', undefined);
    await begin();
    await step({ a: { attempts: 10 } });
    expect(known('a')).toEqual([2]);
    expect(known(undefined)).toEqual([2]);
  });

  test('does not begin before tables are known: what they have counted by then is older', async () => {
    await begin();
    await step();
    await step({ a: { attempts: 1_000_000 } });
    expect([known('a'), known(undefined)]).toEqual([[], []]);
    await step({ a: { attempts: 1_000_010 } });
    expect([known('a'), known(undefined)]).toEqual([[2], [2]]);
  });

  test('has no new step before all have been looked at', async () => {
    for (let at = 0; at < 1000; at++) ports.set(`p${at}`, { attempts: 0, datagrams: 1 });
    await begin();
    await step({ p0: { attempts: 50, datagrams: 1 } });
    const seen: unknown[] = [];
    onUsage = () =>
      seen.push([history.step, history.last('p0', 'connections'), history.last(undefined, 'connections')]);
    await step({ p0: { attempts: 150, datagrams: 1 } });
    expect(seen).toEqual(Array.from({ length: 1000 }, () => [2, 10, 10]));
    expect([history.step, history.last('p0', 'connections')]).toEqual([3, 20]);
  });

  test('is whole while the next look is under way', async () => {
    ports.set('a', { attempts: 0, datagrams: 1 }).set('b', { attempts: 0 });
    await begin();
    for (let at = 1; at <= STEPS + 1; at++) await step({ a: { attempts: 5 * at, datagrams: 1 } });
    const before = [history.series('a'), history.series(undefined)];
    const seen: unknown[] = [];
    onUsage = () => seen.push([history.series('a'), history.series(undefined)]);
    await step({ a: { attempts: 1_000_000, datagrams: 1 } });
    expect(seen).toEqual([before, before]);
  });

  test('goes on from nothing when counters were reset', async () => {
    ports.set('a', { attempts: 1000 });
    await begin();
    await step({ a: { attempts: 5 } });
    expect(known('a')).toEqual([1]);
  });

  test('is of 15 minutes, and of all Services together it is the sum', async () => {
    ports.set('a', { attempts: 0, datagrams: 1 }).set('b', { rejected: 10 });
    await begin();
    for (let at = 1; at <= STEPS + 20; at++)
      await step({ a: { attempts: 5 * at * at, datagrams: 1 }, b: { rejected: 10 + 10 * at } });
    const all = known('a') ?? [];
    expect(all).toHaveLength(STEPS);
    expect(all[0]).toBe(2 * 21 - 1);
    expect(known(undefined, 'rejected')).toEqual(Array.from({ length: STEPS }, () => 2));
    expect(known(undefined)).toEqual(all);
  });

  test('goes with it, and one that comes again begins anew', async () => {
    ports.set('a', { attempts: 100 }).set('b', { attempts: 100 });
    await begin();
    ports.delete('a');
    await step();
    expect(history.series('a')).toBeUndefined();
    expect(history.found()).toEqual({ all: ['b'], used: ['b'] });
    expect(known(undefined)).toEqual([0]);
    await step({ a: { attempts: 5 } });
    expect(known('a')).toEqual([1]);
  });

  test('is measured by the time that a step took', async () => {
    ports.set('a', { attempts: 0, datagrams: 1 });
    await begin();
    isOpen = false;
    await step();
    isOpen = true;
    await step({ a: { attempts: 100, datagrams: 1 } });
    expect(known('a')).toEqual([10]);
    expect(failures).toEqual([]);
  });
});

test('a look that fails is a gap, after which nothing is counted twice', async () => {
  ports.set('first', { attempts: 0, datagrams: 1 }).set('a', { attempts: 0, datagrams: 1 });
  await begin();
  const grown = (at: number) => ({ a: { attempts: 5 * at, datagrams: 1 } });
  for (let at = 1; at <= STEPS; at++) await step(grown(at));
  let left = 1;
  onUsage = () => {
    if (left-- === 0) throw new Error('broken');
  };
  await step(grown(STEPS + 1));
  expect(failures).toHaveLength(1);
  onUsage = () => {};
  await step(grown(STEPS + 2));
  await step(grown(STEPS + 3));
  for (const id of ['a', undefined])
    expect(history.series(id)?.connections.slice(-4), id ?? 'all').toEqual([1, null, null, 1]);
});

describe('Services in use', () => {
  test('stand before those that were only used once, and these before those that never were', async () => {
    ports
      .set('never', undefined)
      .set('once', { attempts: 5000 })
      .set('little', { attempts: 1 })
      .set('much', { attempts: 1 });
    await begin();
    expect(history.found().used).toEqual(['once', 'little', 'much']);
    await step({ little: { attempts: 6 }, much: { rejected: 200, attempts: 1 } });
    expect(history.found()).toEqual({ all: ['never', 'once', 'little', 'much'], used: ['much', 'little', 'once'] });
  });

  test('stand by name when they differ by little, so that nothing jumps', async () => {
    ports.set('b', { attempts: 1 }).set('a', { attempts: 1 });
    await begin();
    await step({ b: { attempts: 501 }, a: { attempts: 451 } });
    expect(history.found().used).toEqual(['a', 'b']);
  });

  test('get the room of those that have not been used for a minute', async () => {
    ports.set('old', { attempts: 1 }).set('new', { attempts: 1 });
    await begin(1);
    expect([history.series('old'), history.series('new')].map((series) => series !== undefined)).toEqual([true, false]);
    await step({ old: { attempts: 2 }, new: { attempts: 2 } });
    expect(history.series('new')).toBeUndefined();
    for (let at = 0; at < 12; at++) await step();
    await step({ new: { attempts: 12 } });
    expect(history.series('old')).toBeUndefined();
    expect(known('new')).toEqual([2]);
    expect(history.found().used).toEqual(['new', 'old']);
  });
});

test('a Service that goes leaves its room to another', async () => {
  ports.set('old', { attempts: 1 }).set('new', { attempts: 1 });
  await begin(1);
  ports.delete('old');
  await step();
  await step({ new: { attempts: 11 } });
  expect(known('new')).toEqual([2]);
  expect(failures).toEqual([]);
});

test('what cannot be read is tried again, and said', async () => {
  history = new History({
    view: () => ({
      usage: () => {
        throw new Error('broken');
      },
    }),
    clock,
    onFailure: (error) => void failures.push(error),
  });
  history.start();
  await clock.advance(STEP_MS);
  expect(failures.length).toBeGreaterThan(1);
});

test('a Service that gets room has the latencies of what it did since', async () => {
  ports.set('old', { attempts: 1 }).set('new', { attempts: 100, connectLatency: latency({ 5: 100, 10: 0 }) });
  await begin(1);
  for (let at = 0; at < 14; at++) await step();
  await step({ new: { attempts: 110, connectLatency: latency({ 5: 110, 10: 0 }) } });
  expect(known('new')).toEqual([2]);
  expect(known('new', 'connectP99Us')).toEqual([]);
  await step({ new: { attempts: 120, connectLatency: latency({ 5: 110, 10: 10 }) } });
  expect(known('new', 'connectP50Us')).toEqual([768]);
});
