import { beforeEach, describe, expect, test } from 'vitest';
import { EventFeed, samplingFor } from '../../../src/agent/event-feed.ts';
import { EventQueue } from '../../../src/agent/event-queue.ts';
import {
  type EventFilter,
  type EventLine,
  type EventView,
  eventView,
  isWanted,
  type SamplingView,
} from '../../../src/agent/event-view.ts';
import type { TakenEvent } from '../../../src/dataplane/dataplane.ts';
import { FakeEvents } from '../../../src/dataplane/fake/events.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const event = (changes: Partial<TakenEvent> = {}): TakenEvent => ({
  agoMs: 4,
  cgroup: 4711n,
  outcome: 'closed',
  protocol: 'TCP',
  service: 3,
  serviceGeneration: 1,
  address: '10.96.0.5',
  port: 80,
  endpoint: { address: '10.244.0.3', port: 8080 },
  connectNs: 42_100,
  lastedNs: 1_500_000_000,
  bytesSent: 5,
  bytesReceived: 11,
  ...changes,
});

const NAMES = {
  serviceId: (index: number, generation: number) =>
    index === 3 && generation === 1 ? 'shop/cart/http/TCP' : index === 4 ? 'shop-old/cart/http/TCP' : undefined,
  podOf: (cgroup: bigint) => (cgroup === 4711n ? 'shop/web-1' : undefined),
};

const ALL: EventFilter = { outcomes: new Set() };

describe('an event as it is shown', () => {
  test('has names, times and bytes', () => {
    expect(eventView(event(), 1000, NAMES)).toEqual({
      atMs: 996,
      outcome: 'closed',
      protocol: 'TCP',
      from: { cgroup: '4711', namespace: 'shop', pod: 'web-1' },
      service: 'shop/cart',
      id: 'shop/cart/http/TCP',
      address: '10.96.0.5',
      port: 80,
      endpoint: { address: '10.244.0.3', port: 8080 },
      connectMs: 0.0421,
      durationMs: 1500,
      bytesSent: 5,
      bytesReceived: 11,
    });
  });

  test('leaves out what is not known', () => {
    const bare = {
      cgroup: 0n,
      outcome: 'rejected_no_port',
      serviceGeneration: 3,
      endpoint: undefined,
      connectNs: 0,
      lastedNs: 0,
    } as const;
    expect(eventView(event(bare), 1000, NAMES)).toEqual({
      atMs: 996,
      outcome: 'rejected_no_port',
      protocol: 'TCP',
      from: {},
      address: '10.96.0.5',
      port: 80,
    });
  });

  test.each<{ filter: Partial<EventFilter>; wanted: boolean; of?: Partial<TakenEvent> }>([
    { filter: {}, wanted: true },
    { filter: { only: 'shop' }, wanted: true },
    { filter: { only: 'sho' }, wanted: false },
    { filter: { only: 'shop' }, wanted: false, of: { service: 4 } },
    { filter: { only: 'shop/cart' }, wanted: true },
    { filter: { only: 'shop/car' }, wanted: false },
    { filter: { only: 'shop/cart' }, wanted: false, of: { service: 9 } },
    { filter: { outcomes: new Set(['reset', 'closed']) }, wanted: true },
    { filter: { outcomes: new Set(['reset']) }, wanted: false },
    { filter: { from: 'shop/web-1' }, wanted: true },
    { filter: { from: 'shop/web' }, wanted: false },
    { filter: { from: 'shop' }, wanted: true },
    { filter: { from: 'sho' }, wanted: false },
    { filter: { from: 'shop' }, wanted: false, of: { cgroup: 5n } },
  ])('passes $filter: $wanted', ({ filter, wanted, of }) => {
    expect(isWanted(eventView(event(of), 0, NAMES), { ...ALL, ...filter })).toBe(wanted);
  });
});

describe('a queue of a reader that does not come after', () => {
  const shown = eventView(event(), 0, NAMES);
  const says = (skipped: number): SamplingView => ({ sampling: 1, offered: 0, sampledOut: 0, dropped: 0, skipped });

  test('holds so much, counts what it does not take, and says the last of what was said', async () => {
    const queue = new EventQueue(() => {}, 3);
    for (let n = 0; n < 5; n++) queue.push(shown);
    queue.say(says(1));
    queue.say(says(2));
    queue.close();
    queue.push(shown);
    const lines: EventLine[] = [];
    for await (const batch of queue) lines.push(...batch);
    expect(queue.skipped).toBe(2);
    expect(lines).toEqual([shown, shown, shown, says(2)]);
  });

  test('ends a reader that waits, and tells of it once', async () => {
    let closed = 0;
    const queue = new EventQueue(() => closed++);
    const reading = queue[Symbol.asyncIterator]().next();
    queue.close();
    queue.close();
    expect(await reading).toEqual({ done: true, value: undefined });
    expect(closed).toBe(1);
  });

  test('is closed when its reader leaves', async () => {
    let closed = 0;
    const queue = new EventQueue(() => closed++);
    queue.push(shown);
    for await (const _ of queue) break;
    expect(closed).toBe(1);
  });
});

describe('the feed', () => {
  let clock: ManualClock;
  let events: FakeEvents;
  let feed: EventFeed;

  beforeEach(() => {
    clock = new ManualClock();
    events = new FakeEvents(4000);
    feed = new EventFeed({ events, clock, names: NAMES });
  });

  /** What comes, as it comes. */
  const read = (queue: EventQueue) => {
    const shown: EventView[] = [];
    const said: SamplingView[] = [];
    const ended = (async () => {
      for await (const lines of queue)
        for (const line of lines) {
          if ('sampling' in line) said.push(line);
          else shown.push(line);
        }
    })();
    return { shown, said, ended };
  };

  test('has the kernel tell while somebody watches, and no longer', async () => {
    expect(events.wish).toBeUndefined();
    const one = feed.watch(ALL);
    const other = feed.watch(ALL);
    expect(events.wish).toEqual({ every: 1, established: true });
    one.close();
    expect(events.wish).toEqual({ every: 1, established: true });
    other.close();
    expect(events.wish).toBeUndefined();
    expect(clock.waiting).toBe(0);
  });

  test('has the kernel tell of handshakes only while somebody wants them', () => {
    feed.watch({ outcomes: new Set(['refused']) });
    expect(events.wish?.established).toBe(false);
    const other = feed.watch({ outcomes: new Set(['established', 'closed']) });
    expect(events.wish?.established).toBe(true);
    other.close();
    expect(events.wish?.established).toBe(false);
  });

  test('shows each watcher what it wants, in time', async () => {
    const all = read(feed.watch(ALL));
    const resets = read(feed.watch({ outcomes: new Set(['reset']) }));
    events.happen(event());
    events.happen(event({ outcome: 'reset' }));
    await clock.advance(50);
    expect(all.shown.map(({ outcome }) => outcome)).toEqual(['closed', 'reset']);
    expect(resets.shown.map(({ outcome }) => outcome)).toEqual(['reset']);
  });

  test('samples when there is too much, says so, and shows everything again when it is calm', async () => {
    const { shown, said } = read(feed.watch(ALL));
    for (let n = 0; n < 10_000; n++) events.happen(event());
    await clock.advance(30);
    expect(events.wish?.every).toBe(32);
    for (let n = 0; n < 10_000; n++) events.happen(event());
    await clock.advance(1500);
    expect(said.at(-1)).toMatchObject({ offered: 20_000, skipped: 0 });
    const { sampledOut = 0, dropped = 0 } = said.at(-1) ?? {};
    expect(dropped).toBeGreaterThan(0);
    expect(sampledOut).toBeGreaterThan(0);
    expect(shown.length + sampledOut + dropped).toBe(20_000);
    await clock.advance(6000);
    expect(events.wish?.every).toBe(1);
    expect(said.at(-1)?.sampling).toBe(1);
  });

  test('samples sooner when nobody wants that many', async () => {
    const few = feed.watch(ALL, 25);
    for (let n = 0; n < 200; n++) events.happen(event());
    await clock.advance(30);
    expect(events.wish?.every).toBe(8);
    feed.watch(ALL);
    for (let n = 0; n < 200; n++) events.happen(event());
    await clock.advance(6000);
    expect(events.wish?.every).toBe(1);
    few.close();
  });

  test('counts for each watcher from when it came', async () => {
    const first = read(feed.watch(ALL));
    events.happen(event());
    events.happen(event());
    const second = read(feed.watch(ALL));
    events.happen(event());
    await clock.advance(1100);
    expect(first.said.at(-1)?.offered).toBe(3);
    expect(second.said.at(-1)?.offered).toBe(1);
    expect(second.shown).toHaveLength(1);
  });

  test('says something now and then, so that a dead reader is found', async () => {
    const { said } = read(feed.watch(ALL));
    await clock.advance(31_000);
    expect(said).toHaveLength(3);
  });

  test('counts what a slow reader lost, and says it to that one alone', async () => {
    const slow = feed.watch(ALL);
    const quick = read(feed.watch(ALL));
    for (let n = 0; n < 30; n++) {
      for (let each = 0; each < 100; each++) events.happen(event());
      await clock.advance(25);
    }
    await clock.advance(1000);
    const late = read(slow);
    await clock.advance(0);
    expect(quick.shown).toHaveLength(3000);
    expect(quick.said.at(-1)?.skipped).toBe(0);
    const { skipped = 0 } = late.said.at(-1) ?? {};
    expect(skipped).toBeGreaterThan(900);
    expect(late.shown.length + skipped).toBe(3000);
  });

  test('tells all that is there before it ends', async () => {
    const { shown, said, ended } = read(feed.watch(ALL));
    for (let n = 0; n < 1500; n++) events.happen(event());
    feed.stop();
    await ended;
    expect(shown).toHaveLength(1500);
    expect(said.at(-1)).toEqual({ sampling: 1, offered: 1500, sampledOut: 0, dropped: 0, skipped: 0 });
    expect(events.wish).toBeUndefined();
  });
});

test.each([
  { offered: 0, every: 1 },
  { offered: 500, every: 1 },
  { offered: 501, every: 2 },
  { offered: 25_000, every: 64 },
  { offered: 1e12, every: 2 ** 20 },
  { offered: 25, perLook: 25, every: 1 },
  { offered: 500, perLook: 25, every: 32 },
])('of $offered events in a look one in $every is shown', ({ offered, perLook, every }) => {
  expect(samplingFor(offered, perLook)).toBe(every);
});
