import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Access, Client } from '../../src/sources/kubernetes/client.ts';
import { createReflector } from '../../src/sources/kubernetes/reflector.ts';
import { type ReflectorClock, TIMING } from '../../src/sources/kubernetes/timing.ts';
import { createKubernetesSource } from '../../src/sources/kubernetes.ts';
import { createRandom } from '../helpers/random.ts';

const AGENTS = 10_000;

/** 0 <= x < 1, repeated by SEED. */
const randomNumbers = (): (() => number) => {
  const random = createRandom();
  return () => random.integer(2 ** 30) / 2 ** 30;
};

test(`${AGENTS} agents that start at once send their first requests evenly spread`, async () => {
  const random = randomNumbers();
  const delays: number[] = [];
  const clock: ReflectorClock = {
    wallMs: () => 0,
    monotonicMs: () => 0,
    after: (delayMs) => {
      delays.push(delayMs);
      return () => {};
    },
  };
  const sink = { onChange: () => {}, onSynced: () => {}, onTrouble: () => {} };
  for (let agent = 0; agent < AGENTS; agent++) {
    await createKubernetesSource({ access: NOWHERE, nodeName: 'node-a', clock, random }).start(sink);
  }
  expect(delays).toHaveLength(AGENTS);
  const rangeMs = Math.max(...delays);
  expect(rangeMs).toBeGreaterThanOrEqual(400);
  for (const count of histogram(delays, rangeMs / 10)) {
    expect(count).toBeGreaterThan(AGENTS * 0.08);
    expect(count).toBeLessThan(AGENTS * 0.12);
  }
});

describe(`${AGENTS} agents whose server is away for two minutes`, () => {
  const BACK_MS = 120_000;
  let during: readonly number[] = [];
  let after: readonly number[] = [];

  beforeAll(async () => {
    const random = randomNumbers();
    const time = new VirtualTime();
    const askedAtMs: number[] = [];
    const server = { server: 'https://nowhere', close: () => {} };
    const get = () => exchange(time, askedAtMs, BACK_MS);
    const client: Client = { ...server, get, send: get };
    const reflectors = Array.from({ length: AGENTS }, () =>
      createReflector({
        client,
        resource: { name: 'services', apiVersion: 'v1', kind: 'Service', path: '/api/v1/services', isNamespaced: true },
        handler: { onEvents: () => {}, onSynced: () => {}, onTrouble: () => {} },
        project: (raw) => raw,
        clock: time,
        random,
        // Whoever has come through waits for its answer until the end.
        timing: { headersMs: 1e9, listHeadersMs: 1e9 },
      }),
    );
    for (const reflector of reflectors) reflector.start();
    await time.pass(BACK_MS + TIMING.backoffMaxMs);
    during = askedAtMs.filter((atMs) => atMs < BACK_MS);
    after = askedAtMs.filter((atMs) => atMs >= BACK_MS).map((atMs) => atMs - BACK_MS);
    await Promise.all(reflectors.map((reflector) => reflector.stop()));
  }, 60_000);

  test('are no crowd once the first minute has passed', () => {
    // Full jitter of up to 30 s: on average each asks once in 15 s.
    const perSecond = histogram(
      during.filter((atMs) => atMs >= 60_000).map((atMs) => atMs - 60_000),
      1000,
    );
    expect(perSecond).toHaveLength(60);
    expect(Math.max(...perSecond)).toBeLessThan((AGENTS / 15) * 1.25);
    expect(Math.min(...perSecond)).toBeGreaterThan((AGENTS / 15) * 0.75);
  });

  test('come back over half a minute, not in one moment', () => {
    expect(after).toHaveLength(AGENTS);
    const perSecond = histogram(after, 1000);
    expect(Math.max(...perSecond)).toBeLessThan(AGENTS * 0.1);
    expect(perSecond.length).toBeGreaterThan(25);
  });
});

const NOWHERE: Access = {
  server: 'https://127.0.0.1:1',
  credentials: () => {
    throw new Error('nobody asks');
  },
};

const exchange = (time: VirtualTime, askedAtMs: number[], backMs: number): ReturnType<Client['get']> => {
  askedAtMs.push(time.monotonicMs());
  const answer = Promise.withResolvers<never>();
  answer.promise.catch(() => {});
  if (time.monotonicMs() < backMs) answer.reject(new Error('connect ECONNREFUSED'));
  return { answer: answer.promise, abort: (reason) => answer.reject(reason) };
};

/** How many there are in each interval of this width, from 0 to the largest. */
const histogram = (values: readonly number[], width: number): readonly number[] => {
  const last = values.reduce((max, value) => Math.max(max, value), 0);
  const counts = new Array<number>(Math.max(1, Math.ceil(last / width))).fill(0);
  for (const value of values) counts[Math.min(Math.floor(value / width), counts.length - 1)]! += 1;
  return counts;
};

/** Time that passes as fast as there is nothing to do, in milliseconds, for many timers. */
class VirtualTime implements ReflectorClock {
  #nowMs = 0;
  readonly #due = new Map<number, Set<() => void>>();

  wallMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, call: () => void): () => void {
    const atMs = this.#nowMs + Math.max(1, Math.ceil(delayMs));
    const calls = this.#due.get(atMs) ?? new Set();
    this.#due.set(atMs, calls.add(call));
    return () => calls.delete(call);
  }

  async pass(ms: number): Promise<void> {
    await nextTurn();
    for (const endMs = this.#nowMs + ms; this.#nowMs < endMs; ) {
      this.#nowMs += 1;
      const calls = this.#due.get(this.#nowMs);
      if (calls === undefined) continue;
      this.#due.delete(this.#nowMs);
      for (const call of calls) call();
      await nextTurn();
    }
  }
}
