import { describe, expect, test } from 'vitest';
import { ratesBetween } from '../../../../src/cli/top/rates.ts';
import type { ServiceStats } from '../../../../src/dataplane/dataplane.ts';
import { latency, port, reading } from './readings.ts';

const CART = 'shop/cart';

/** Of one Service port with these counters before and, two seconds later, those. */
const rates = (before: Partial<ServiceStats>, after: Partial<ServiceStats>) =>
  ratesBetween(reading(1000, [port(CART, before)]), reading(3000, [port(CART, after)])).ports[0];

describe('what happened between two readings', () => {
  test.each([
    { counter: 'attempts', rate: 'attemptsPerS' },
    { counter: 'refused', rate: 'failedPerS' },
    { counter: 'timedOut', rate: 'failedPerS' },
    { counter: 'unreachable', rate: 'failedPerS' },
    { counter: 'abandoned', rate: 'failedPerS' },
    { counter: 'rejected', rate: 'rejectedPerS' },
    { counter: 'datagrams', rate: 'datagramsPerS' },
    { counter: 'bytesSent', rate: 'bytesSentPerS' },
    { counter: 'bytesReceived', rate: 'bytesReceivedPerS' },
  ] as const)('$counter are counted in $rate, a second', ({ counter, rate }) => {
    const found = rates({ [counter]: 10 }, { [counter]: 15 });
    const { attemptsPerS, failedPerS, rejectedPerS, datagramsPerS, bytesSentPerS, bytesReceivedPerS } = found ?? {};
    const none = { attemptsPerS: 0, failedPerS: 0, rejectedPerS: 0, datagramsPerS: 0, bytesSentPerS: 0 };
    expect({ attemptsPerS, failedPerS, rejectedPerS, datagramsPerS, bytesSentPerS, bytesReceivedPerS }).toEqual({
      ...{ ...none, bytesReceivedPerS: 0 },
      [rate]: 2.5,
    });
  });

  test('failures of all reasons are one sum', () => {
    expect(rates({}, { refused: 1, timedOut: 2, unreachable: 3, abandoned: 4 })).toMatchObject({ failedPerS: 5 });
  });

  test('open connections are those of the second reading', () => {
    expect(rates({ active: 9, pending: 8 }, { active: 3, pending: 1 })).toMatchObject({ active: 3, pending: 1 });
  });

  test('connects of earlier are not in the percentiles', () => {
    const found = rates({ connectLatency: latency({ 20: 1000 }) }, { connectLatency: latency({ 7: 4, 20: 1000 }) });
    expect(found).toMatchObject({ connectP50Us: 96, connectP99Us: 64 + 64 * 0.99 });
    expect(rates({ connectLatency: latency({ 7: 4 }) }, { connectLatency: latency({ 7: 4 }) })).toMatchObject({
      connectP50Us: undefined,
    });
  });

  test('first responses of earlier are not in the percentiles, and where none is measured there are none', () => {
    const of = (counts: Readonly<Record<number, number>>) => ({ firstResponses: { ns: 0, buckets: latency(counts) } });
    expect(rates(of({ 20: 1000 }), of({ 14: 4, 20: 1000 }))).toMatchObject({
      responseP50Us: 8192 * 1.5,
      responseP99Us: 8192 * 1.99,
    });
    expect(rates({}, of({ 14: 4 }))).toMatchObject({ responseP50Us: 8192 * 1.5 });
    expect(rates({}, {})).toMatchObject({ responseP50Us: undefined, responseP99Us: undefined });
  });

  test('after one reading there are no rates, but what is open', () => {
    const first = ratesBetween(undefined, reading(0, [port(CART, { attempts: 9, active: 2 })]));
    expect(first.intervalMs).toBeUndefined();
    expect(first.totals).toMatchObject({ attemptsPerS: undefined, active: 2 });
    expect(first.ports[0]).toMatchObject({ attemptsPerS: undefined, connectP50Us: undefined, active: 2 });
  });
});

describe('counters that went back', () => {
  test.each([
    { what: 'count from 0', before: { attempts: 1000 }, after: { attempts: 6 }, is: { attemptsPerS: 3 } },
    {
      what: 'say so for those that did not',
      before: { attempts: 1000, rejected: 2 },
      after: { attempts: 6, rejected: 4 },
      is: { attemptsPerS: 3, rejectedPerS: 2 },
    },
    {
      what: 'say so by the histogram alone',
      before: { attempts: 4, connectLatency: latency({ 7: 4 }) },
      after: { attempts: 6, connectLatency: latency({ 8: 6 }) },
      is: { attemptsPerS: 3, connectP50Us: 192 },
    },
    {
      what: 'say so by the histogram of first responses alone',
      before: { attempts: 4, firstResponses: { ns: 9, buckets: latency({ 7: 4 }) } },
      after: { attempts: 6, firstResponses: { ns: 9, buckets: latency({ 8: 6 }) } },
      is: { attemptsPerS: 3, responseP50Us: 192 },
    },
  ])('$what', ({ before, after, is }) => {
    expect(rates(before, after)).toMatchObject(is);
  });
});

describe('Services that come and go', () => {
  const before = reading(0, [port('shop/gone', { attempts: 5 }), port('shop/stays', { attempts: 10 })]);
  const after = reading(1000, [port('shop/stays', { attempts: 14 }), port('shop/new', { attempts: 900 })]);

  test('a new one has no rates before its second reading, and adds nothing to the sums', () => {
    const found = ratesBetween(before, after);
    expect(found.ports.map(({ service, attemptsPerS }) => ({ service, attemptsPerS }))).toEqual([
      { service: 'stays', attemptsPerS: 4 },
      { service: 'new', attemptsPerS: undefined },
    ]);
    expect(found.totals.attemptsPerS).toBe(4);
    const later = reading(2000, [port('shop/new', { attempts: 907 })]);
    expect(ratesBetween(after, later).totals.attemptsPerS).toBe(7);
  });

  test('without any the sums are 0', () => {
    expect(ratesBetween(before, reading(1000, [])).totals).toMatchObject({ attemptsPerS: 0, active: 0 });
  });
});

describe('what goes socket to socket', () => {
  const sameNode = (messages: number, unread: number, room: number) => ({
    ...{ messages, bytes: messages * 100 },
    fallbacks: { unread, room },
  });

  test.each([
    {
      what: 'is counted a second, with its share of the messages of joined sockets',
      before: sameNode(10, 1, 1),
      after: sameNode(100, 7, 5),
      is: { messagesPerS: 45, bytesPerS: 4500, messageShare: 0.9 },
    },
    {
      what: 'has no share of nothing',
      before: sameNode(10, 1, 1),
      after: sameNode(10, 1, 1),
      is: { messagesPerS: 0, messageShare: undefined },
    },
    {
      what: 'counts from 0 when its counters went back',
      before: sameNode(1000, 10, 1),
      after: sameNode(30, 10, 0),
      is: { messagesPerS: 15, bytesPerS: 1500, messageShare: 0.75 },
    },
  ])('$what', ({ before, after, is }) => {
    expect(ratesBetween(reading(0, [], before), reading(2000, [], after)).sameNode).toMatchObject({ joined: 4, ...is });
  });

  test('is not known where the agent has no such programs', () => {
    const without = { ...reading(2000, []), sameNode: undefined };
    expect(ratesBetween(reading(0, []), without).sameNode).toBeUndefined();
    expect(ratesBetween({ ...without, atMs: 0 }, reading(2000, [])).sameNode).toMatchObject({
      messagesPerS: undefined,
    });
  });
});
