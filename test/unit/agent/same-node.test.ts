import { describe, expect, test, vi } from 'vitest';
import { SameNodeFollower, type SameNodeFollowerOptions, TEND_MS } from '../../../src/agent/same-node.ts';
import { applyEvents, type ClusterEvent, createCluster } from '../../../src/core/cluster.ts';
import type { ClusterObject, ObjectRef } from '../../../src/core/model/objects.ts';
import * as wanted from '../../../src/core/same-node/wanted.ts';
import { FakeSameNode } from '../../../src/dataplane/fake/same-node.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { endpoint, OUR_NODE, pod, policy, service, slice } from '../../helpers/objects.ts';

const A = pod({ name: 'a', addresses: ['10.1.0.1'] });
const B = pod({ name: 'b', addresses: ['10.1.0.2'] });
const WEB = [service(), slice([endpoint('10.1.0.1')])] as const;
const REDIRECT = policy([], { sameNode: 'Redirect' });
const SERVED = ['10.1.0.1 local', '10.1.0.1:8080 served', '10.1.0.2 local'];

/** A follower on a dataplane in memory, in time that stands still. Without `sameNode` the dataplane cannot. */
const stage = ({
  sameNode = new FakeSameNode(),
  ...more
}: { sameNode?: FakeSameNode | 'none' } & Partial<Pick<SameNodeFollowerOptions, 'isOn'>> = {}) => {
  const clock = new ManualClock();
  const cluster = createCluster();
  const troubles: string[] = [];
  const fake = sameNode === 'none' ? new FakeSameNode() : sameNode;
  const follower = new SameNodeFollower({
    sameNode: sameNode === 'none' ? undefined : fake,
    cluster,
    node: OUR_NODE,
    clock,
    isOn: true,
    onTrouble: () => troubles.push(messages().join()),
    ...more,
  });
  const messages = (): readonly string[] => follower.complaints().map(({ message }) => message);
  const take = (events: readonly ClusterEvent[], whole = true): void => {
    follower.note(events, applyEvents(cluster, events));
    follower.follow({ whole });
  };
  return {
    clock,
    fake,
    follower,
    troubles,
    messages,
    put: (...objects: readonly ClusterObject[]) => take(objects.map((object) => ({ type: 'put', object }))),
    putUnsure: (...objects: readonly ClusterObject[]) =>
      take(
        objects.map((object) => ({ type: 'put', object })),
        false,
      ),
    remove: (...refs: readonly ObjectRef[]) => take(refs.map((ref) => ({ type: 'delete', ref }))),
    told: () =>
      fake.told.map((ends) => ends.map(({ address, port, mode }) => `${address}${port > 0 ? `:${port}` : ''} ${mode}`)),
  };
};

describe('the dataplane is told', () => {
  test('once that nobody takes part, whatever an agent before has left, and then nothing as long as nobody asks', () => {
    const { put, told } = stage();
    put(A, B, ...WEB, policy([]));
    put({ ...A, labels: { app: 'a' } }, slice([endpoint('10.1.0.1'), endpoint('10.1.0.2')]));
    expect(told()).toEqual([[]]);
  });

  test('who takes part when somebody asks, and that nobody does when nobody asks any more', () => {
    const { fake, put, remove, told } = stage();
    put(A, B, ...WEB, REDIRECT);
    expect(fake.isAttached).toBe(true);
    remove(REDIRECT);
    expect(told()).toEqual([SERVED, []]);
    expect(fake.isAttached).toBe(false);
  });

  test.each<[title: string, change: (staged: ReturnType<typeof stage>) => void, ends: readonly string[]]>([
    ['a Pod came', ({ put }) => put(pod({ name: 'c', addresses: ['10.1.0.3'] })), [...SERVED, '10.1.0.3 local']],
    ['a Pod went', ({ remove }) => remove(B), SERVED.slice(0, 2)],
    ['a Pod was labelled', ({ put }) => put({ ...B, sameNode: 'plain' }), [...SERVED.slice(0, 2), '10.1.0.2 plain']],
    [
      'an endpoint came',
      ({ put }) => put(slice([endpoint('10.1.0.1'), endpoint('10.1.0.2')])),
      [...SERVED, '10.1.0.2:8080 served'],
    ],
    ['all endpoints went', ({ remove }) => remove(WEB[1]), []],
    ['the Service went', ({ remove }) => remove(WEB[0]), []],
    ['the policy says Plain', ({ put }) => put(policy([], { sameNode: 'Plain' })), []],
    ['an older policy came', ({ put }) => put({ ...policy([]), name: 'older', createdAtMs: -1 }), []],
  ])('when %s', (_, change, ends) => {
    const staged = stage();
    staged.put(A, B, ...WEB, REDIRECT);
    change(staged);
    expect(staged.told()).toEqual([SERVED, ends]);
  });

  test('not by what changes nothing, and without a look where it cannot', () => {
    const { put, remove, told } = stage();
    put(A, B, ...WEB, REDIRECT);
    put({ ...A, labels: { app: 'a' } });
    const look = vi.spyOn(wanted, 'wantedEnds');
    put(service({ name: 'other' }), slice([endpoint('10.1.0.9')], { name: 'o', service: 'other' }));
    remove(service({ name: 'other' }));
    expect(look).not.toHaveBeenCalled();
    look.mockRestore();
    expect(told()).toEqual([SERVED]);
  });

  test('nothing before the cluster is known as a whole', () => {
    const { put, putUnsure, told } = stage();
    putUnsure(A, B, ...WEB);
    putUnsure(REDIRECT);
    expect(told()).toEqual([]);
    put();
    expect(told()).toEqual([SERVED]);
  });

  test('that nobody takes part where it is turned off, at once', () => {
    const { putUnsure, put, told, follower } = stage({ isOn: false });
    putUnsure(A);
    put(B, ...WEB, REDIRECT);
    expect(told()).toEqual([[]]);
    expect(follower.obstacle).toBe('off');
  });
});

describe('sockets are tended', () => {
  test('every 100 ms while the programs watch, and then no more', async () => {
    const { clock, fake, put, remove } = stage();
    put(A, B, ...WEB);
    expect(clock.waiting).toBe(0);
    put(REDIRECT);
    await clock.advance(10 * TEND_MS);
    expect(fake.tends).toBe(10);
    remove(REDIRECT);
    await clock.advance(10 * TEND_MS);
    expect({ tends: fake.tends, waiting: clock.waiting }).toEqual({ tends: 10, waiting: 0 });
  });

  test('from when the programs watch, which may take a self-test', async () => {
    const { clock, fake, put } = stage();
    put(A, B, ...WEB, REDIRECT);
    fake.isAttached = false;
    await clock.advance(10 * TEND_MS);
    expect(fake.tends).toBe(0);
    fake.isAttached = true;
    await clock.advance(2 * TEND_MS);
    expect(fake.tends).toBe(2);
  });

  test('not after the end', async () => {
    const { clock, fake, follower, put } = stage();
    put(A, B, ...WEB, REDIRECT);
    follower.stop();
    await clock.advance(10 * TEND_MS);
    expect({ tends: fake.tends, waiting: clock.waiting }).toEqual({ tends: 0, waiting: 0 });
  });
});

describe('what goes wrong', () => {
  test('in telling is a complaint, counted, and tried again ever more rarely', async () => {
    const { clock, fake, follower, put, messages, told } = stage();
    fake.failBecause('EPERM');
    put(A, B, ...WEB, REDIRECT);
    expect(messages()).toEqual([expect.stringContaining('EPERM')]);
    await clock.advance(7000);
    expect(follower.status()).toMatchObject({ failures: 4, attached: false });
    fake.failBecause();
    await clock.advance(8000);
    expect({ told: told(), messages: messages(), waiting: clock.waiting }).toEqual({
      told: [SERVED],
      messages: [],
      waiting: 1,
    });
  });

  test('in telling is no reason not to try the next change at once', () => {
    const { fake, put, remove, told, messages } = stage();
    fake.failBecause('EPERM');
    put(A, B, ...WEB, REDIRECT);
    fake.failBecause();
    remove(B);
    expect({ told: told(), messages: messages() }).toEqual({ told: [SERVED.slice(0, 2)], messages: [] });
  });

  test('in tending is a complaint until it goes well again, and said once', async () => {
    const { clock, fake, follower, put, messages, troubles } = stage();
    put(A, B, ...WEB, REDIRECT);
    fake.failBecause('EIO');
    await clock.advance(5000);
    expect(messages()).toEqual([expect.stringContaining('EIO')]);
    expect(troubles).toHaveLength(1);
    expect(follower.status()?.failures).toBe(5);
    fake.failBecause();
    await clock.advance(2000);
    expect(messages()).toEqual([]);
    expect(fake.tends).toBeGreaterThan(1);
  });

  test('in the self-test is said when it is known, and nothing is tended any more', async () => {
    const { clock, fake, follower, put, messages, troubles } = stage();
    put(A, B, ...WEB, REDIRECT);
    Object.assign(fake, { isAttached: false, unavailable: 'half-close: data is lost' });
    await clock.advance(10 * TEND_MS);
    expect(troubles).toEqual(['half-close: data is lost']);
    expect({ messages: messages(), waiting: clock.waiting, obstacle: follower.obstacle }).toEqual({
      messages: ['half-close: data is lost'],
      waiting: 0,
      obstacle: 'unavailable',
    });
    expect(follower.complaints()).toMatchObject([{ severity: 'warning', object: 'same-node redirection' }]);
  });

  test('is said, too, where no dataplane can do what somebody asks for', () => {
    const { follower, put, remove, messages } = stage({ sameNode: 'none' });
    put(A, B, ...WEB);
    expect({ messages: messages(), status: follower.status() }).toEqual({ messages: [], status: undefined });
    put(REDIRECT);
    expect(messages()).toEqual([expect.stringMatching(/cannot be done here/)]);
    expect(follower.obstacle).toBe('unavailable');
    remove(REDIRECT);
    expect(messages()).toEqual([]);
  });
});

test('the status does without what cannot be counted', () => {
  const { fake, follower, put } = stage();
  put(A, B, ...WEB, REDIRECT);
  const reading = vi.spyOn(fake, 'stats').mockImplementation(() => {
    throw new Error('EIO');
  });
  expect(follower.status()).toBeUndefined();
  reading.mockRestore();
  expect(follower.status()).toMatchObject({ attached: true, failures: 1 });
});

test('the status has what the dataplane counts, and how many take part', () => {
  const { fake, follower, put } = stage();
  fake.given = { ...fake.given, messages: 7, bytes: 900, fallbacks: { room: 2 } };
  put(A, B, ...WEB, REDIRECT);
  expect(follower.status()).toEqual({
    attached: true,
    unavailable: '',
    ends: 3,
    failures: 0,
    sockets: { candidate: 0, joined: 0, unfit: 0 },
    messages: 7,
    bytes: 900,
    fallbacks: { room: 2 },
    unfit: {},
  });
});
