import { describe, expect, test } from 'vitest';
import { RateWindow } from '../../../src/web/rate-window.ts';

const windowOf = (...samples: readonly (readonly [atMs: number, counts: Readonly<Record<string, number>>])[]) => {
  const window = new RateWindow<number>(5000);
  for (const [atMs, counts] of samples) window.note({ atMs, counts: new Map(Object.entries(counts)) });
  return window;
};

const same = (value: number): number => value;

describe('a rate', () => {
  test('is what a counter grew by in the window, a second', () => {
    const window = windowOf([0, { a: 0 }], [1000, { a: 10 }], [3000, { a: 50 }]);
    expect(window.rate('a', 5000, same)).toBeCloseTo(50 / 3);
    expect(window.rate('a', 2000, same)).toBe(20);
  });

  test('of a longer time than was asked for counts no more than the window and one sample', () => {
    const window = windowOf(
      ...Array.from({ length: 20 }, (_, s) => [s * 1000, { a: s < 10 ? 0 : (s - 9) * 7 }] as const),
    );
    expect(window.rate('a', 5000, same)).toBe(7);
  });

  test('is not known from one sample, nor of what the last sample has not', () => {
    expect(windowOf([0, { a: 1 }]).rate('a', 5000, same)).toBeUndefined();
    expect(windowOf([0, { a: 1 }], [1000, { a: 2 }], [2000, {}]).rate('a', 5000, same)).toBeUndefined();
    expect(windowOf([0, {}], [1000, { a: 2 }]).rate('a', 5000, same)).toBeUndefined();
  });

  test('goes on from where a counter was reset', () => {
    const window = windowOf([0, { a: 900 }], [1000, { a: 1000 }], [2000, { a: 3 }], [3000, { a: 8 }]);
    expect(window.rate('a', 5000, same)).toBe(5);
    expect(windowOf([0, { a: 900 }], [1000, { a: 3 }]).rate('a', 5000, same)).toBeUndefined();
  });

  test('is of what was seen since a gap, in which nobody looked', () => {
    const before = [
      [0, { a: 0 }],
      [1000, { a: 0 }],
    ] as const;
    const back = windowOf(...before, [600_000, { a: 600 }]);
    expect([back.rate('a', 5000, same), back.isKnown]).toEqual([undefined, false]);
    const later = windowOf(...before, [600_000, { a: 600 }], [601_000, { a: 700 }]);
    expect([later.rate('a', 5000, same), later.isKnown]).toEqual([100, true]);
    // Short for what is kept, long for what is asked.
    expect(windowOf(...before, [9000, { a: 90 }], [10_000, { a: 190 }]).rate('a', 2000, same)).toBe(100);
  });

  test('begins anew when the clock is that of another agent, and a reading that comes twice counts once', () => {
    expect(windowOf([90_000, { a: 900 }], [500, { a: 900 }], [1500, { a: 910 }]).rate('a', 5000, same)).toBe(10);
    expect(windowOf([0, { a: 0 }], [1000, { a: 10 }], [1000, { a: 10 }]).rate('a', 1000, same)).toBe(10);
    expect([windowOf([0, {}], [0, {}]).isKnown, windowOf([0, {}], [1, {}]).isKnown]).toEqual([false, true]);
  });
});
