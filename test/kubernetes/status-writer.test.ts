import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { retryUntil } from '../helpers/retry.ts';
import { type Agent, foreignParent, openStatusScene, type StatusScene, wanted } from './status-scene.ts';

test('what is wanted is written, beside what others say, and once', async () => {
  await using scene = await openStatusScene([]);
  scene.put('web', { parents: [foreignParent('web')] });
  const { statuses } = await openLeader(scene, 'web');
  await retryUntil(() => scene.parents('web').length === 2);
  expect(scene.parents('web')[0]).toEqual(foreignParent('web'));
  expect(scene.parents('web')[1]).toMatchObject({
    controllerName: 'shunt.dev/agent',
    parentRef: { group: '', kind: 'Service', namespace: 'shop', name: 'web' },
    conditions: [{ type: 'Accepted', status: 'True', observedGeneration: 1 }],
  });
  statuses.want([wanted('web')]);
  await sleep(300);
  expect(scene.written).toHaveLength(1);
  await retryUntil(() => statuses.status().pending === 0);
});

test('an agent that starts anew writes nothing where that is said already', async () => {
  await using scene = await openStatusScene();
  const first = await openLeader(scene, 'web');
  await retryUntil(() => scene.parents('web').length === 1);
  await first.statuses.stop();
  const second = scene.agent('node-1');
  second.statuses.want([wanted('web')]);
  await retryUntil(() => second.statuses.status().writes.unchanged === 1);
  expect(scene.written).toHaveLength(1);
});

test('a condition that stays as it is keeps its time, and one that changes gets another', async () => {
  await using scene = await openStatusScene();
  const { statuses } = await openLeader(scene, 'web');
  const condition = () => scene.parents('web')[0]?.conditions[0];
  await retryUntil(() => condition() !== undefined);
  const since = condition()?.lastTransitionTime;
  await sleep(1100);
  scene.edit('web', 2);
  statuses.want([wanted('web', 'other words', 2)]);
  await retryUntil(() => condition()?.message === 'other words');
  expect(condition()).toMatchObject({ lastTransitionTime: since, observedGeneration: 2 });
  scene.edit('web', 3);
  const status = wanted('web', 'refused', 3);
  const [entry] = status.entries;
  statuses.want([
    {
      ...status,
      entries: [{ ...entry!, conditions: [{ ...entry!.conditions[0]!, status: 'False', reason: 'Conflicted' }] }],
    },
  ]);
  await retryUntil(() => condition()?.status === 'False');
  expect(condition()?.lastTransitionTime).not.toBe(since);
});

test('what is no longer wanted is taken back, and what others say stays', async () => {
  await using scene = await openStatusScene(['web', 'cart']);
  const { statuses } = await openLeader(scene, 'web', 'cart');
  await retryUntil(() => statuses.status().writes.written === 2);
  scene.put('cart', { parents: [foreignParent('a'), ...scene.parents('cart'), foreignParent('b')] });
  statuses.want([wanted('web')]);
  await retryUntil(() => scene.parents('cart').length === 2);
  expect(scene.parents('cart')).toEqual([foreignParent('a'), foreignParent('b')]);
  expect(scene.parents('web')).toHaveLength(1);
});

test('who is overtaken by another writer reads anew and adds to what that one wrote', async () => {
  await using scene = await openStatusScene();
  let overtaken = 0;
  scene.trouble = ({ method, isStatus }) => {
    if (method === 'PUT' && isStatus && overtaken++ < 3) {
      scene.put('web', { parents: Array.from({ length: overtaken }, (_, index) => foreignParent(`f-${index}`)) });
    }
    return undefined;
  };
  const { statuses } = await openLeader(scene, 'web');
  await retryUntil(() => scene.parents('web').length === 4);
  expect(statuses.status().writes).toMatchObject({ written: 1, conflict: 3, failed: 0 });
});

test.each([
  { what: 'a server that is out of breath', trouble: 503, failed: 1 },
  // The request is sent again by the connection's own rule, and meets what it has done itself.
  { what: 'an answer that is lost', trouble: 'lost', failed: 0 },
] as const)('after $what it is tried again', async ({ trouble, failed }) => {
  await using scene = await openStatusScene();
  let times = 0;
  scene.trouble = ({ method, isStatus }) => (method === 'PUT' && isStatus && times++ === 0 ? trouble : undefined);
  const { statuses } = await openLeader(scene, 'web');
  await retryUntil(() => statuses.status().pending === 0 && scene.parents('web').length === 1);
  expect(statuses.status().writes.failed).toBe(failed);
});

test('an object that is gone, or whose type is no longer served, is left alone until it is there again', async () => {
  await using scene = await openStatusScene(['web']);
  const { statuses } = await openLeader(scene, 'web', 'never');
  await retryUntil(() => statuses.status().writes.gone === 1 && statuses.status().pending === 0);
  scene.server.behaviour.served = { tcproutes: [] };
  statuses.want([wanted('web', 'changed')]);
  await retryUntil(() => (statuses.status().writes.gone ?? 0) >= 2 && statuses.status().pending === 0);
  const asked = scene.server.objectRequests.filter(({ resource }) => resource === 'tcproutes').length;
  await sleep(300);
  expect(scene.server.objectRequests.filter(({ resource }) => resource === 'tcproutes')).toHaveLength(asked);
  scene.server.behaviour.served = { tcproutes: ['v1'] };
  scene.put('web');
  await retryUntil(() => scene.parents('web')[0]?.conditions[0]?.message === 'changed');
});

test('what somebody else removes is written again, ever later while that goes on, and said once', async () => {
  await using scene = await openStatusScene(['web', 'calm']);
  const rival = scene.server.store.subscribe('tcproutes', ({ object }) => {
    if (object.metadata.name === 'web' && scene.parents('web').some(({ controllerName }) => controllerName === OURS)) {
      setImmediate(() => scene.put('web', { parents: [foreignParent('rival')] }));
    }
  });
  const agent = await openLeader(scene, 'web', 'calm');
  await sleep(9000);
  // After 1, 3 and 7 s, or up to a quarter earlier.
  const times = scene.written.filter(({ key }) => key === 'shop/web').map(({ atMs }) => atMs);
  const pauses = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0));
  expect(pauses.length).toBeGreaterThanOrEqual(3);
  expect(pauses.length).toBeLessThanOrEqual(4);
  for (const [index, pauseMs] of pauses.entries()) expect(pauseMs).toBeGreaterThanOrEqual(750 * 2 ** index);
  expect(agent.statuses.complaints()).toMatchObject([
    { severity: 'warning', object: 'TCPRoute shop/web', path: 'status' },
  ]);
  expect(agent.complaints()).toBe(1);
  // It holds nobody else up, and what is new is said at once.
  expect(scene.parents('calm')).toHaveLength(1);
  agent.statuses.want([wanted('web', 'new'), wanted('calm', 'new')]);
  await retryUntil(
    () => scene.written.filter(({ body }) => JSON.stringify(body?.status).includes('"new"')).length === 2,
  );
  rival();
});

test('what is written once and then removed once is written again within two seconds', async () => {
  await using scene = await openStatusScene();
  const agent = await openLeader(scene, 'web');
  await retryUntil(() => scene.parents('web').length === 1);
  scene.put('web', { parents: [] });
  await retryUntil(() => scene.parents('web').length === 1, { timeoutMs: 2000 });
  // The server shows it before the agent has its answer.
  await retryUntil(() => agent.statuses.status().pending === 0);
  expect(agent.statuses.status().writes).toMatchObject({ written: 2, undone: 1 });
  expect(agent.complaints()).toBe(0);
});

test('a crowd of objects is written at ten a second after the first fifty', async () => {
  const names = Array.from({ length: 80 }, (_, index) => `r-${index}`);
  await using scene = await openStatusScene(names);
  await openLeader(scene, ...names);
  await retryUntil(() => scene.written.length === 80, { timeoutMs: 10_000 });
  const times = scene.written.map(({ atMs }) => atMs - (scene.written[0]?.atMs ?? 0));
  expect(times[49]).toBeLessThan(2500);
  // Thirty more, of which none was saved up before.
  expect(times[79]).toBeGreaterThan(2900);
});

test('a status that may not be written is said once, and holds up no other', async () => {
  await using scene = await openStatusScene(['web']);
  scene.server.behaviour.forbidden = [{ resource: 'tcproutes', verb: 'update' }];
  const agent = await openLeader(scene, 'web');
  await retryUntil(() => agent.statuses.complaints().length === 1);
  expect(agent.statuses.complaints()[0]).toMatchObject({ object: 'TCPRoute shop/web', severity: 'warning' });
  await retryUntil(() => (agent.statuses.status().writes.failed ?? 0) >= 2);
  expect(agent.complaints()).toBe(1);
  scene.server.behaviour.forbidden = [];
  await retryUntil(() => agent.statuses.complaints().length === 0 && scene.parents('web').length === 1);
});

test('of two agents that want different things one writes, and the next goes on where that one was', async () => {
  await using scene = await openStatusScene();
  const first = await openLeader(scene, 'web');
  const second = scene.agent('node-1');
  second.statuses.want([wanted('web', 'second')]);
  await retryUntil(() => scene.parents('web').length === 1);
  for (let round = 0; round < 20; round++) {
    first.statuses.want([wanted('web', `first ${round}`)]);
    second.statuses.want([wanted('web', `second ${round}`)]);
    await sleep(10);
  }
  await retryUntil(() => scene.parents('web')[0]?.conditions[0]?.message === 'first 19');
  expect(new Set(scene.written.map(({ userAgent }) => userAgent))).toEqual(new Set(['node-0']));
  await first.statuses.stop();
  await retryUntil(() => scene.parents('web')[0]?.conditions[0]?.message === 'second 19');
  expect(scene.violations).toEqual([]);
});

test('an agent that knows only an older state of an object leaves what was said of a newer one', async () => {
  await using scene = await openStatusScene();
  const first = await openLeader(scene, 'web');
  scene.edit('web', 2);
  first.statuses.want([wanted('web', 'newer', 2)]);
  await retryUntil(() => scene.parents('web')[0]?.conditions[0]?.message === 'newer');
  await first.statuses.stop();
  const second = scene.agent('node-1');
  second.statuses.want([wanted('web', 'older', 1)]);
  await retryUntil(() => second.statuses.status().writes.unchanged === 1);
  expect(scene.parents('web')[0]?.conditions[0]?.message).toBe('newer');
});

const OURS = 'shunt.dev/agent';

const openLeader = async (scene: StatusScene, ...names: readonly string[]): Promise<Agent> => {
  const agent = scene.agent('node-0');
  agent.statuses.want(names.map((name) => wanted(name)));
  await retryUntil(() => agent.statuses.status().isLeader, { intervalMs: 2 });
  return agent;
};
