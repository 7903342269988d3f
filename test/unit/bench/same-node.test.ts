import { describe, expect, test } from 'vitest';
import { sameNodeBars } from '../../../bench/same-node/bars.ts';
import { compareAll, medianInterval } from '../../../bench/same-node/compare.ts';
import type { Comparison, SameNodeResult } from '../../../bench/same-node/results.ts';

const comparison = (medians: number, best = medians): Comparison => ({
  medians,
  best,
  rounds: { median: medians, p10: medians, p90: medians },
});

const NOTHING = { speed: [], costs: [], stalled: [] };
type Measured = Pick<SameNodeResult, keyof typeof NOTHING>;

const speed = (
  what: 'requests' | 'bulk',
  other: string,
  against: Comparison,
  placement: 'one' | 'two' = 'one',
): Measured => {
  const contenders = [{ name: 'redirected', median: 1, best: 1, against: { [other]: against } }];
  // Only what the row says may decide.
  const rest = Object.fromEntries(
    ['plain TCP', 'UNIX sockets', 'two sidecars']
      .filter((name) => name !== other)
      .map((name) => [name, comparison(what === 'bulk' ? 9 : 0.1)]),
  );
  const all = contenders.map((each) => ({ ...each, against: { ...rest, ...each.against } }));
  return { ...NOTHING, speed: [{ placement, what, bytes: 1, redirected: 1, contenders: all }] };
};

const cost = (ratio: number, hasBar = true): Measured => ({
  ...NOTHING,
  costs: [
    { what: 'some', unit: 'request', hasBar, medianUs: 1, comparison: comparison(ratio), interval: [ratio, ratio] },
  ],
});

const stalled = (acceptedBytes: number, memoryBytes: number): Measured => ({
  ...NOTHING,
  stalled: [
    {
      writeBytes: 1024,
      grown: false,
      contenders: [
        { name: 'plain TCP', acceptedBytes: 100, memoryBytes: 100 },
        { name: 'redirected', acceptedBytes, memoryBytes },
      ],
    },
  ],
});

describe('bars of same-node redirection', () => {
  const rows: readonly { what: string; measured: Measured; held: boolean }[] = [
    {
      what: 'requests at 0.65 times plain TCP',
      measured: speed('requests', 'plain TCP', comparison(0.65)),
      held: true,
    },
    { what: 'more by medians', measured: speed('requests', 'plain TCP', comparison(0.66, 0.6)), held: false },
    { what: 'more by best rounds', measured: speed('requests', 'plain TCP', comparison(0.6, 0.66)), held: false },
    { what: 'more than UNIX sockets', measured: speed('requests', 'UNIX sockets', comparison(1.16)), held: false },
    { what: 'more than sidecars', measured: speed('requests', 'two sidecars', comparison(0.21)), held: false },
    { what: 'more on two CPUs', measured: speed('requests', 'plain TCP', comparison(0.9), 'two'), held: true },
    { what: 'a bulk 1.5 times as fast', measured: speed('bulk', 'plain TCP', comparison(1.5)), held: true },
    { what: 'a slower bulk', measured: speed('bulk', 'plain TCP', comparison(2, 1.4)), held: false },
    { what: '1 % for others', measured: cost(1.01), held: true },
    { what: 'more for others', measured: cost(1.011), held: false },
    { what: 'more for those that take part', measured: cost(1.05, false), held: true },
    { what: 'twice the bytes and memory', measured: stalled(200, 200), held: true },
    { what: 'more bytes', measured: stalled(201, 100), held: false },
    { what: 'more memory', measured: stalled(100, 201), held: false },
  ];
  test.each(rows)('$what: held is $held', ({ measured, held }) => {
    expect(sameNodeBars(measured).every((bar) => bar.held)).toBe(held);
  });
});

describe('contenders', () => {
  const series = new Map([
    ['one', [2, 4, 3]],
    ['other', [4, 4, 12]],
  ]);

  test('are compared by medians, by best rounds, and round by round', () => {
    const [one] = compareAll(series, 'less');
    expect(one).toMatchObject({ median: 3, best: 2 });
    expect(one?.against.other).toMatchObject({ medians: 0.75, best: 0.5, rounds: { median: 0.5 } });
  });

  test('have the highest figure as their best where more is better', () => {
    expect(compareAll(series, 'more').map(({ best }) => best)).toEqual([4, 12]);
  });
});

describe('the interval of a median', () => {
  test('is that of the ranks 40 and 61 of 100, by the tables', () => {
    const figures = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(medianInterval(figures)).toEqual([40, 61]);
  });

  test('is all of a few', () => {
    expect(medianInterval([3, 1, 2])).toEqual([1, 3]);
  });
});
