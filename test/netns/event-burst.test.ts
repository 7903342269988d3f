import { afterAll, beforeAll, expect, test } from 'vitest';
import { allEnded } from '../helpers/counted.ts';
import { EventLog } from '../helpers/event-log.ts';
import { service } from '../helpers/objects.ts';
import { retryUntil } from '../helpers/retry.ts';
import { openStage, PORTS, type Stage, serviceWith } from '../helpers/stage.ts';

/** However many events come at once, each is told or counted as left out. */

const EMPTY = '10.96.0.1';
const RESETS = '10.96.0.2';

let stage: Stage<'client' | 'v1'>;

beforeAll(async () => {
  stage = await openStage({
    name: 'event-burst',
    clients: ['client'],
    servers: ['v1'],
    objects: ({ v1 }) => [
      service({ name: 'empty', clusterIPs: [EMPTY], ports: PORTS }),
      ...serviceWith('resets', [RESETS], [v1], { port: 7002 }),
    ],
  });
  await stage.actors.v1.shell.serve('tcp', '*', 7002, 'resets', 'reset');
});

afterAll(() => stage?.[Symbol.asyncDispose]());

/** Waits until everything was said, and returns by outcome what was told, and what was said last. */
const settled = async (log: EventLog, offered: number) => {
  const accounted = (): number => {
    const { sampledOut = 0, dropped = 0, skipped = 0 } = log.sampling ?? {};
    return log.events.length + sampledOut + dropped + skipped;
  };
  await retryUntil(() => log.sampling?.offered === offered && accounted() === offered, { timeoutMs: 10_000 }).catch(
    () => undefined,
  );
  const outcomes = Object.groupBy(log.events, ({ outcome }) => outcome);
  return { accounted: accounted(), counts: log.sampling, told: log.events.length, outcomes: Object.keys(outcomes) };
};

test('of 100,000 refusals in a burst none is lost in silence', async () => {
  await using log = new EventLog(stage.agent.agent);
  const { errors } = await stage.actors.client.shell.hammer('tcp', EMPTY, 80, { count: 100_000, threads: 2 });
  expect(errors).toEqual({ ECONNREFUSED: 100_000 });
  const { accounted, counts, told, outcomes } = await settled(log, 100_000);
  expect(counts).toMatchObject({ offered: 100_000, skipped: 0 });
  expect(accounted).toBe(100_000);
  expect(outcomes).toEqual(['rejected_no_endpoint']);
  // Neither everything nor next to nothing: it was sampled.
  expect(counts?.sampledOut).toBeGreaterThan(10_000);
  expect(told).toBeGreaterThan(500);
});

test('what comes while the agent is held up finds no room, and is counted', async () => {
  await using log = new EventLog(stage.agent.agent);
  const hammer = stage.actors.client.shell.startHammer('tcp', EMPTY, 80, { count: 30_000, threads: 2 });
  // Nothing else happens in this process meanwhile.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  await hammer.result;
  const { accounted, counts } = await settled(log, 30_000);
  expect(counts).toMatchObject({ offered: 30_000, skipped: 0 });
  expect(counts?.dropped).toBeGreaterThan(10_000);
  expect(accounted).toBe(30_000);
});

test('of 10,000 connections in a burst both beginnings and ends are told or counted', async () => {
  await using log = new EventLog(stage.agent.agent);
  await stage.actors.client.shell.hammer('tcp', RESETS, 80, { count: 10_000, threads: 4 });
  await retryUntil(() => allEnded(stage.agent));
  const { accounted, counts } = await settled(log, 20_000);
  expect(counts?.offered).toBe(20_000);
  expect(accounted).toBe(20_000);
});

test('when it is calm again, everything is told again', async () => {
  await using log = new EventLog(stage.agent.agent);
  await stage.actors.client.shell.hammer('tcp', EMPTY, 80, { count: 20_000, threads: 2 });
  await retryUntil(() => (log.sampling?.sampling ?? 1) > 1);
  await retryUntil(() => log.sampling?.sampling === 1, { timeoutMs: 30_000 });
  log.take();
  await stage.actors.client.shell.hammer('tcp', EMPTY, 80, { count: 10 });
  await retryUntil(() => log.events.length === 10);
});
