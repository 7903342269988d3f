import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import type { Client } from '../../../../../src/sources/kubernetes/client.ts';
import { Election } from '../../../../../src/sources/kubernetes/status/election.ts';
import type { ReflectorClock } from '../../../../../src/sources/kubernetes/timing.ts';
import { ManualClock } from '../../../../helpers/manual-clock.ts';

test('a leader renews every ten seconds, and leads for twenty after the last renewal that was answered', async () => {
  const { election, clock, server } = await openLeader();
  await clock.advance(30_000);
  expect(server.puts).toBe(3);
  server.isAway = true;
  await clock.advance(19_000);
  expect(election.isLeader).toBe(true);
  await clock.advance(1_500);
  expect(election.isLeader).toBe(false);
});

test('a leader that was held up for long knows it before any timer rings', async () => {
  const { election, clock, late } = await openLeader();
  expect(election.isLeader).toBe(true);
  late.monotonicMs = 25_000;
  expect(election.isLeader).toBe(false);
  late.monotonicMs = 0;
  // While a machine sleeps only its wall clock goes on.
  late.wallMs = 25_000;
  expect(election.isLeader).toBe(false);
  await clock.advance(60_000);
  late.wallMs = 0;
  expect(election.isLeader).toBe(true);
});

test('a renewal that is answered too late does not make a leader', async () => {
  const { election, clock, server } = await openLeader();
  server.delayMs = 9_900;
  await clock.advance(10_000);
  await clock.advance(9_800);
  expect(election.isLeader).toBe(true);
  // Counted from when it was sent: half of the time has passed by then.
  server.isAway = true;
  await clock.advance(10_300);
  expect(election.isLeader).toBe(false);
});

test('a renewal that took effect though its answer was lost does not end the lead', async () => {
  const { election, clock, server, changes } = await openLeader();
  server.losesAnswers = true;
  await clock.advance(11_000);
  server.losesAnswers = false;
  await clock.advance(120_000);
  expect(changes).toEqual([true]);
  expect(election.isLeader).toBe(true);
});

test('whoever meets the lease in the hands of another leads no more at once, and knows who does', async () => {
  const { election, clock, server, changes } = await openLeader();
  server.lease = {
    metadata: { resourceVersion: 'theirs' },
    spec: { holderIdentity: 'other', leaseDurationSeconds: 30, renewTime: '2026-01-01T00:00:00.000000Z' },
  };
  await clock.advance(10_500);
  expect(changes).toEqual([true, false]);
  expect(election.leader).toBe('other');
  // It waits for the lease to end as everybody does.
  const { puts } = server;
  await clock.advance(29_000);
  expect(server.puts).toBe(puts);
});

test('who does not lead looks again after the lease may have ended, at a random time within a minute', async () => {
  const { clock, server } = open(1);
  server.lease = { metadata: { resourceVersion: '1' }, spec: { holderIdentity: 'other', leaseDurationSeconds: 30 } };
  await clock.advance(10_000);
  expect(server.gets).toBe(1);
  await clock.advance(89_000);
  expect(server.gets).toBe(1);
  await clock.advance(2_000);
  expect([server.gets, server.puts]).toEqual([2, 1]);
});

test.each([300, 2_147_484, Number.MAX_SAFE_INTEGER])(
  'a lease for %i s holds no longer than five of ours',
  async (s) => {
    const { clock, server } = open(0);
    server.lease = { metadata: { resourceVersion: '1' }, spec: { holderIdentity: 'other', leaseDurationSeconds: s } };
    await clock.advance(149_000);
    expect([server.gets, server.puts]).toEqual([1, 0]);
    await clock.advance(2_000);
    expect([server.gets, server.puts]).toEqual([2, 1]);
  },
);

interface Lease {
  readonly metadata: { readonly resourceVersion: string };
  readonly spec: object;
}

interface Server {
  lease: Lease | undefined;
  isAway: boolean;
  /** It takes what is written, and nobody hears of it. */
  losesAnswers: boolean;
  delayMs: number;
  gets: number;
  puts: number;
}

const open = (random: number) => {
  const clock = new ManualClock();
  const late = { monotonicMs: 0, wallMs: 0 };
  const shown: ReflectorClock = {
    wallMs: () => clock.wallMs() + late.wallMs,
    monotonicMs: () => clock.monotonicMs() + late.monotonicMs,
    after: (delayMs, call) => clock.after(delayMs, call),
  };
  const server: Server = { lease: undefined, isAway: false, losesAnswers: false, delayMs: 0, gets: 0, puts: 0 };
  const changes: boolean[] = [];
  const election = new Election({
    client: clientOf(server, clock),
    clock: shown,
    random: () => random,
    namespace: 'kube-system',
    name: 'shunt-status',
    identity: 'us',
    onChange: (isLeader) => changes.push(isLeader),
    onTrouble: () => {},
  });
  election.want(true);
  return { election, clock, server, late, changes };
};

const lost = () => {
  const answer = Promise.reject(new Error('socket hang up'));
  answer.catch(() => {});
  return { answer, abort: () => {} };
};

const openLeader = async () => {
  const opened = open(0);
  await opened.clock.advance(1);
  expect(opened.election.isLeader).toBe(true);
  return opened;
};

/** Keeps one lease. */
const clientOf = (server: Server, clock: ManualClock): Client => {
  const answer = (status: number, object: object) => {
    const answered = Promise.withResolvers<never>();
    answered.promise.catch(() => {});
    const body = Readable.from([Buffer.from(JSON.stringify(object))]);
    if (!server.isAway) clock.after(server.delayMs, () => answered.resolve({ status, headers: {}, body } as never));
    return { answer: answered.promise, abort: (reason: Error) => answered.reject(reason) };
  };
  return {
    server: 'https://nowhere',
    get: () => {
      server.gets += 1;
      return server.lease === undefined ? answer(404, {}) : answer(200, server.lease);
    },
    send: (method, _, body) => {
      if (method === 'PUT') server.puts += 1;
      const sent = JSON.parse(body) as Lease;
      const version = server.lease?.metadata.resourceVersion;
      if (version !== undefined && sent.metadata.resourceVersion !== version) return answer(409, {});
      if (!server.isAway) server.lease = { ...sent, metadata: { resourceVersion: String(server.puts) } };
      return server.losesAnswers ? lost() : answer(200, server.lease ?? {});
    },
    close: () => {},
  };
};
