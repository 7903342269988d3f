import { describe, expect, test } from 'vitest';
import {
  EMPTY,
  HISTORY,
  type Model,
  noteReading,
  noteTrouble,
  redirectedShare,
} from '../../../../src/cli/top/model.ts';
import { port, reading } from './readings.ts';

const noteAll = (readings: readonly ReturnType<typeof reading>[]): Model => readings.reduce(noteReading, EMPTY);

describe('the history of a Service port', () => {
  test('has the connections a second of the last readings, the newest last', () => {
    const model = noteAll(
      [0, 4, 10].map((attempts, index) => reading(index * 2000, [port('shop/cart', { attempts })])),
    );
    expect(model.history.get('shop/cart//TCP')).toEqual([undefined, 2, 3]);
  });

  test('is no longer than 30', () => {
    const attempts = Array.from({ length: 50 }, (_, index) => index * index);
    const model = noteAll(
      attempts.map((each, index) => reading(index * 1000, [port('shop/cart', { attempts: each })])),
    );
    const history = model.history.get('shop/cart//TCP');
    expect(history?.length).toBe(HISTORY);
    expect(history?.at(-1)).toBe(49 ** 2 - 48 ** 2);
  });

  test('goes with the Service', () => {
    const cart = [port('shop/cart', { attempts: 1 })];
    expect([...noteAll([reading(0, cart), reading(1000, [])]).history]).toEqual([]);
    const again = noteAll([reading(0, cart), reading(1000, []), reading(2000, cart)]);
    expect([...again.history]).toEqual([['shop/cart//TCP', [undefined]]]);
  });
});

test('trouble leaves what was read in sight, and ends with the next reading, whose rates are of all the time between', () => {
  const before = noteAll([0, 4].map((attempts, index) => reading(index * 2000, [port('shop/cart', { attempts })])));
  const away = noteTrouble(before, 'no agent answers');
  expect(away).toEqual({ ...before, trouble: 'no agent answers' });
  const back = noteReading(away, reading(12_000, [port('shop/cart', { attempts: 24 })]));
  expect(back).toMatchObject({ trouble: '', rates: { intervalMs: 10_000, totals: { attemptsPerS: 2 } } });
});

describe('the share of bytes that go socket to socket', () => {
  /** Every two seconds so many bytes of a Service, and of them those that were redirected. */
  const after = (readings: number, sent: number, redirected: number): number | undefined =>
    redirectedShare(
      noteAll(
        Array.from({ length: readings + 1 }, (_, index) =>
          reading(index * 2000, [port('shop/cart', { bytesSent: index * sent })], { bytes: index * redirected }),
        ),
      ),
    );

  test.each([
    { what: 'is not known before 15 s', readings: 7, sent: 100, redirected: 50, is: undefined },
    { what: 'is that of the readings', readings: 8, sent: 100, redirected: 50, is: 0.5 },
    { what: 'is not known of nothing', readings: 8, sent: 0, redirected: 0, is: undefined },
    { what: 'is never more than all', readings: 8, sent: 100, redirected: 150, is: 1 },
  ])('$what', ({ readings, sent, redirected, is }) => {
    expect(after(readings, sent, redirected)).toBe(is);
  });
});
