import { expect, test } from 'vitest';
import { Statuses } from '../../../../../src/sources/kubernetes/status/statuses.ts';
import { ManualClock } from '../../../../helpers/manual-clock.ts';
import { ours, StatusServer, wanted } from '../../../../helpers/status-server.ts';

test('a fight that is over is no longer complained about, though nothing more happens', async () => {
  const { statuses, clock, server, told } = open();
  server.put('tcproutes', 'web');
  statuses.want([wanted('TCPRoute', 'web')]);
  await clock.advance(100);
  for (let round = 0; round < 4; round++) {
    statuses.seen('TCPRoute shop/web', server.put('tcproutes', 'web'));
    await clock.advance(20_000);
  }
  expect(statuses.complaints()).toMatchObject([{ object: 'TCPRoute shop/web' }]);
  const before = told.count;
  await clock.advance(700_000);
  expect(statuses.complaints()).toEqual([]);
  expect(told.count).toBe(before + 1);
});

test('what an earlier leader said of a route that is no longer ours is taken back', async () => {
  const { statuses, clock, server } = open();
  server.put('httproutes', 'web', { parents: [ours('of an earlier leader', 1), { controllerName: 'another' }] });
  statuses.leftBehind([LEFT]);
  await clock.advance(60_000);
  // Not before it is known what is wanted.
  expect(server.writes).toEqual([]);
  statuses.want([]);
  await clock.advance(60_000);
  expect(server.parents('httproutes', 'web')).toEqual([{ controllerName: 'another' }]);
  statuses.leftBehind([{ ...LEFT, status: undefined }]);
  await clock.advance(60_000);
  expect(statuses.status().isLeader).toBe(false);
});

test('what is wanted of a route that was left behind counts as soon as it is', async () => {
  const { statuses, clock, server } = open();
  server.put('httproutes', 'web', { parents: [ours('of an earlier leader', 1)] });
  statuses.leftBehind([LEFT]);
  statuses.want([wanted('HTTPRoute', 'web')]);
  await clock.advance(60_000);
  expect(server.messages('httproutes', 'web')).toEqual(['as it is']);
});

test('whoever cannot take a complaint ends neither the election nor the writing', async () => {
  const { statuses, clock, server } = open(() => {
    throw new Error('not now');
  });
  server.put('httproutes', 'web');
  server.put('tcproutes', 'web');
  server.refusal = (resource) => (resource === 'httproutes' ? 403 : undefined);
  statuses.want([wanted('HTTPRoute', 'web'), wanted('TCPRoute', 'web')]);
  await clock.advance(1_000);
  expect(server.messages('tcproutes', 'web')).toEqual(['as it is']);
  server.refusal = () => undefined;
  await clock.advance(60_000);
  expect(server.messages('httproutes', 'web')).toEqual(['as it is']);
  expect(statuses.complaints()).toEqual([]);
});

const LEFT = { name: 'HTTPRoute shop/web', status: { ...wanted('HTTPRoute', 'web'), entries: [] } };

const open = (onComplaints = (): void => {}) => {
  const clock = new ManualClock();
  const server = new StatusServer();
  const told = { count: 0 };
  const statuses = new Statuses({
    client: server.client,
    clock,
    random: () => 0,
    namespace: 'kube-system',
    nodeName: 'node-a',
    resourceOf: (kind) => `${kind.toLowerCase()}s`,
    onComplaints: () => {
      told.count++;
      onComplaints();
    },
  });
  return { statuses, clock, server, told };
};
