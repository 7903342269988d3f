import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ELECTION_TIMING } from '../../src/sources/kubernetes/status/election.ts';
import { createRandom } from '../helpers/random.ts';
import { retryUntil } from '../helpers/retry.ts';
import { openStatusScene, type StatusScene, wanted } from './status-scene.ts';

const CANDIDATES = 20;
const names = Array.from({ length: CANDIDATES }, (_, index) => `node-${index}`);

test(`of ${CANDIDATES} that start together one leads, and stays`, async () => {
  await using scene = await openStatusScene();
  for (const name of names) scene.agent(name).statuses.want([wanted('web')]);
  await retryUntil(() => scene.leaders.length === 1);
  const [leader] = scene.leaders;
  await sleep(2500);
  expect(scene.leaders).toEqual([leader]);
  expect(scene.holder).toBe(leader);
  expect(scene.lease?.spec).toMatchObject({ leaseDurationSeconds: 1, leaseTransitions: 0 });
  expect(scene.violations).toEqual([]);
});

test('a leader that stops gives the lease back, and another one goes on', async () => {
  await using scene = await openStatusScene();
  const [first, second] = ['node-0', 'node-1'].map((name) => scene.agent(name));
  first!.statuses.want([wanted('web')]);
  await retryUntil(() => scene.leaders.includes('node-0'));
  second!.statuses.want([wanted('web')]);
  await sleep(200);
  await first!.statuses.stop();
  expect(scene.holder).toBe('');
  await retryUntil(() => scene.holder === 'node-1');
  expect(scene.lease?.spec).toMatchObject({ leaseTransitions: 1 });
});

test('a leader that dies is followed by another one once its lease has ended, and no earlier', async () => {
  await using scene = await openStatusScene();
  const [first, ...others] = names.map((name) => scene.agent(name));
  first!.statuses.want([wanted('web')]);
  await retryUntil(() => scene.leaders.includes('node-0'));
  for (const { statuses } of others) statuses.want([wanted('web')]);
  // Nothing of it reaches the server any more.
  scene.trouble = ({ userAgent }) => (userAgent === 'node-0' ? 'silence' : undefined);
  const { renewTime } = scene.lease!.spec as { readonly renewTime: string };
  await retryUntil(() => scene.holder !== 'node-0', { timeoutMs: 10_000, intervalMs: 5 });
  expect(Date.now() - Date.parse(renewTime)).toBeGreaterThanOrEqual(1000);
  // It knew before anybody else could take its place.
  expect(scene.leaders).not.toContain('node-0');
  await retryUntil(() => scene.leaders.length === 1);
  expect(scene.leaders).toEqual([scene.holder]);
  expect(scene.violations).toEqual([]);
});

test('who has lost the lease to somebody else stops at once', async () => {
  await using scene = await openStatusScene();
  const { statuses } = scene.agent('node-0', { spreadMs: 60_000 });
  statuses.want([wanted('web')]);
  await retryUntil(() => statuses.status().isLeader);
  const { metadata, spec } = scene.lease!;
  scene.server.store.put('leases', { metadata, spec: { ...(spec as object), holderIdentity: 'thief' } });
  await retryUntil(() => !statuses.status().isLeader, { timeoutMs: 400, intervalMs: 5 });
  const writes = scene.written.length;
  scene.put('web', {});
  await sleep(300);
  expect(scene.written).toHaveLength(writes);
  expect(scene.holder).toBe('thief');
});

test('nobody believes the time that others wrote: a lease that says it ended long ago is good while it is renewed', async () => {
  await using scene = await openStatusScene();
  const metadata = { name: 'shunt-status', namespace: 'kube-system' };
  const renew = (count: number): void => {
    const renewTime = `2001-01-01T00:00:00.${String(count).padStart(6, '0')}Z`;
    const spec = {
      holderIdentity: 'slow-clock_1',
      leaseDurationSeconds: 1,
      renewTime,
      acquireTime: renewTime,
      leaseTransitions: 7,
    };
    scene.server.store.put('leases', { metadata, spec });
  };
  let renewals = 0;
  renew(renewals);
  const timer = setInterval(() => renew(++renewals), 100);
  try {
    for (const name of names.slice(0, 5)) scene.agent(name).statuses.want([wanted('web')]);
    await sleep(2500);
    expect(scene.leaders).toEqual([]);
  } finally {
    clearInterval(timer);
  }
  await retryUntil(() => scene.leaders.length === 1);
  expect(scene.lease?.spec).toMatchObject({ leaseTransitions: 8 });
});

test('nobody asks for the lease while there is nothing to write', async () => {
  await using scene = await openStatusScene();
  const { statuses } = scene.agent('node-0');
  statuses.want([]);
  await sleep(300);
  expect(scene.server.objectRequests).toEqual([]);
  statuses.want([wanted('web')]);
  await retryUntil(() => statuses.status().isLeader);
  statuses.want([]);
  await retryUntil(() => scene.holder === '');
  // What it had written it has taken back before.
  expect(scene.parents('web')).toEqual([]);
  const asked = scene.server.objectRequests.length;
  await sleep(500);
  expect(scene.server.objectRequests).toHaveLength(asked);
});

test.each([
  {
    what: 'a lease that is deleted is made anew by who held it',
    act: (scene: StatusScene) => scene.server.store.delete('leases', 'kube-system/shunt-status'),
  },
  {
    what: 'a renewal whose answer is lost is not the end',
    act: (scene: StatusScene) => {
      let lost = 0;
      scene.trouble = ({ resource, method }) =>
        resource === 'leases' && method === 'PUT' && lost++ === 0 ? 'lost' : undefined;
    },
  },
])('$what', async ({ act }) => {
  await using scene = await openStatusScene();
  const { statuses } = scene.agent('node-0', { spreadMs: 100 });
  statuses.want([wanted('web')]);
  await retryUntil(() => statuses.status().isLeader);
  act(scene);
  await sleep(400);
  await retryUntil(() => statuses.status().isLeader && scene.holder === 'node-0');
});

test('who may not have the lease says so once, and asks now and then', async () => {
  await using scene = await openStatusScene();
  scene.server.behaviour.forbidden = [{ resource: 'leases', verb: 'get' }];
  const agent = scene.agent('node-0');
  agent.statuses.want([wanted('web')]);
  await retryUntil(() => agent.statuses.complaints().length > 0);
  expect(agent.statuses.complaints()).toMatchObject([
    { severity: 'warning', object: 'Lease kube-system/shunt-status' },
  ]);
  await sleep(1500);
  expect(agent.complaints()).toBe(1);
  expect(scene.server.objectRequests.length).toBeLessThanOrEqual(3);
  scene.server.behaviour.forbidden = [];
  await retryUntil(() => agent.statuses.complaints().length === 0 && agent.statuses.status().isLeader);
});

test('through failures of every kind nobody writes who does not hold the lease', async () => {
  const random = createRandom();
  await using scene = await openStatusScene(['web', 'cart']);
  const agents = names.slice(0, 6).map((name) => scene.agent(name));
  let round = 0;
  const edit = setInterval(() => {
    round++;
    for (const { statuses } of agents) statuses.want([wanted('web', `${round}`), wanted('cart', `${round}`)]);
  }, 20);
  let cutOff = '';
  let windows = 0;
  // Every other time it is for longer than the lease lasts, and nothing of the holder takes effect.
  const cut = setInterval(() => {
    windows++;
    cutOff = windows % 2 === 1 || random.chance(0.5) ? scene.holder : '';
  }, 1400);
  scene.trouble = ({ userAgent }) => {
    if (userAgent === cutOff) return windows % 2 === 1 ? 503 : random.pick(['silence', 'lost', 503] as const);
    return random.chance(0.05) ? random.pick(['lost', 500, 409, 429] as const) : undefined;
  };
  try {
    await sleep(12_000);
  } finally {
    clearInterval(edit);
    clearInterval(cut);
    scene.trouble = undefined;
  }
  expect(scene.violations).toEqual([]);
  expect(new Set(scene.written.map(({ userAgent }) => userAgent)).size).toBeGreaterThan(1);
});

test('ten thousand candidates ask a few hundred times a second at most', () => {
  const { durationMs, spreadMs, deadlineMs, renewMs } = ELECTION_TIMING;
  expect(10_000 / ((durationMs + spreadMs / 2) / 1000)).toBeLessThan(200);
  // A leader knows that it is none well before anybody else can be one, and may fail to renew once before that.
  expect(deadlineMs).toBeLessThanOrEqual(durationMs - 10_000);
  expect(deadlineMs).toBeGreaterThanOrEqual(2 * renewMs);
});
