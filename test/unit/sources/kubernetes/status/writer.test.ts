import { expect, test } from 'vitest';
import { type AttemptEnd, StatusWriter } from '../../../../../src/sources/kubernetes/status/writer.ts';
import { ManualClock } from '../../../../helpers/manual-clock.ts';
import { ours, StatusServer, wanted } from '../../../../helpers/status-server.ts';

test('an object that was made anew is told nothing about the one before it', async () => {
  const { writer, clock, server } = open();
  server.put('tcproutes', 'web', { generation: 1 });
  writer.want([wanted('TCPRoute', 'web', 7, 'of the old one')]);
  await clock.advance(1_000);
  expect(server.writes).toEqual([]);
  writer.want([wanted('TCPRoute', 'web', 1, 'of the new one')]);
  await clock.advance(1_000);
  expect(server.messages('tcproutes', 'web')).toEqual(['of the new one']);
});

test('what was said of a generation that the object never had keeps nobody from saying what holds', async () => {
  const { writer, clock, server } = open();
  server.put('tcproutes', 'web', { generation: 2, parents: [ours('forged', 999_999)] });
  writer.want([wanted('TCPRoute', 'web', 2)]);
  await clock.advance(1_000);
  expect(server.messages('tcproutes', 'web')).toEqual(['as it is']);
});

test.each([500, 502])('a type whose status is always answered by %i holds up no other', async (status) => {
  const { writer, clock, server } = open();
  const broken = Array.from({ length: 20 }, (_, index) => `r${index}`);
  for (const name of broken) server.put('httproutes', name);
  server.put('tcproutes', 'web');
  server.refusal = (resource) => (resource === 'httproutes' ? status : undefined);
  writer.want([...broken.map((name) => wanted('HTTPRoute', name)), wanted('TCPRoute', 'web')]);
  await clock.advance(5_000);
  expect(server.messages('tcproutes', 'web')).toEqual(['as it is']);
});

test.each([429, 503, 504])(
  'after a %i nobody else asks, for half a minute at most, and then another does',
  async (status) => {
    const { writer, clock, server } = open();
    for (const name of ['r0', 'r1']) server.put('httproutes', name);
    server.put('tcproutes', 'web');
    server.refusal = (resource) => (resource === 'httproutes' ? status : undefined);
    writer.want([wanted('HTTPRoute', 'r0'), wanted('HTTPRoute', 'r1'), wanted('TCPRoute', 'web')]);
    await clock.advance(900);
    expect(server.writes).toEqual(['httproutes/r0']);
    await clock.advance(4_000);
    expect(server.writes.slice(0, 3)).toEqual(['httproutes/r0', 'httproutes/r1', 'tcproutes/web']);
    server.refusal = () => status;
    writer.want(Array.from({ length: 40 }, (_, index) => wanted('TCPRoute', `t${index}`)));
    for (let index = 0; index < 40; index++) server.put('tcproutes', `t${index}`);
    await clock.advance(600_000);
    const before = server.writes.length;
    await clock.advance(60_000);
    expect(server.writes.length).toBeGreaterThanOrEqual(before + 2);
  },
);

test('an object over which there was a fight is at peace once it is no longer ours', async () => {
  const { writer, clock, server, ends } = await openFight();
  writer.want([]);
  await clock.advance(600_000);
  expect(server.messages('tcproutes', 'web')).toEqual([]);
  expect(ends.get('TCPRoute shop/web')).toEqual({ error: undefined, isContested: false });
});

test('a fight lasts until what was written has stood for ten minutes', async () => {
  const { writer, clock } = await openFight();
  await clock.advance(500_000);
  expect(writer.isContested('TCPRoute shop/web')).toBe(true);
  await clock.advance(200_000);
  expect(writer.isContested('TCPRoute shop/web')).toBe(false);
});

const openFight = async () => {
  const opened = open();
  const { writer, clock, server, ends } = opened;
  server.put('tcproutes', 'web');
  writer.want([wanted('TCPRoute', 'web')]);
  await clock.advance(100);
  for (let round = 0; round < 4; round++) {
    writer.seen('TCPRoute shop/web', server.put('tcproutes', 'web'));
    await clock.advance(20_000);
  }
  expect(ends.get('TCPRoute shop/web')?.isContested).toBe(true);
  return opened;
};

const open = () => {
  const clock = new ManualClock();
  const server = new StatusServer();
  const ends = new Map<string, AttemptEnd>();
  const writer = new StatusWriter({
    client: server.client,
    clock,
    random: () => 0,
    mayWrite: () => true,
    resourceOf: (kind) => RESOURCES[kind],
    onEnd: (name, end) => void ends.set(name, end),
  });
  return { clock, server, writer, ends };
};

const RESOURCES: Readonly<Record<string, string>> = { HTTPRoute: 'httproutes', TCPRoute: 'tcproutes' };
