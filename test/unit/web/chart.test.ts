import { describe, expect, test } from 'vitest';
import { chartLayout, FOOT, HEAD, niceMax, seriesText, shownSteps } from '../../../src/web/chart.ts';
import { figure } from '../../../src/web/figures.ts';

const layout = (series: readonly (readonly (number | null)[])[], width = 300) =>
  chartLayout({ series, stepMs: 5000, width, height: 118, text: figure });

const BOTTOM = 118 - FOOT;

describe('a chart', () => {
  test('has its highest value below a round one at the top, and the newest at the right edge', () => {
    const { max, lines, area, ticks } = layout([[0, 25, 50]]);
    expect(max).toBe(50);
    expect(lines).toEqual([`M0 ${BOTTOM}L150 ${(BOTTOM + HEAD) / 2}L300 ${HEAD}`]);
    expect(area).toBe(`${lines[0]}L300 ${BOTTOM}L0 ${BOTTOM}Z`);
    expect(ticks).toEqual([
      { at: BOTTOM, label: '0' },
      { at: (BOTTOM + HEAD) / 2, label: '25' },
      { at: HEAD, label: '50' },
    ]);
  });

  test('has a gap where nothing is known, and a dot where one step is', () => {
    expect(layout([[10, 10, null, 10, null]]).lines).toEqual([`M0 ${HEAD}L75 ${HEAD}M225 ${HEAD}h0.01`]);
    expect(layout([[null, null]])).toMatchObject({ max: 1, lines: [''], area: '' });
  });

  test('measures all of its series by the same', () => {
    expect(
      layout([
        [1, 1],
        [180, 200],
      ]).max,
    ).toBe(200);
  });

  test.each([
    [0, 1],
    [0.03, 0.05],
    [1, 1],
    [1.01, 2],
    [4.2, 5],
    [51, 100],
    [1000, 1000],
  ])('that goes up to %s goes up to %s', (value, max) => expect(niceMax(value)).toBeCloseTo(max, 12));

  test('says the time every minute or every five, and where it is narrow only at its ends', () => {
    const labels = (steps: number, width: number) =>
      layout([Array.from({ length: steps }, () => 1)], width).times.map(({ label }) => label);
    expect(labels(37, 300)).toEqual(['−3 min', '−2 min', '−1 min', 'now']);
    expect(labels(180, 300)).toEqual(['−15 min', '−10 min', '−5 min', 'now']);
    expect(labels(180, 200)).toEqual(['−15 min', 'now']);
    expect(layout([Array.from({ length: 180 }, () => 1)]).times[0]?.at).toBe(0);
  });

  test.each([
    { known: 0, shown: 37 },
    { known: 30, shown: 37 },
    { known: 40, shown: 61 },
    { known: 61, shown: 121 },
    { known: 180, shown: 180 },
  ])('of $known known steps shows $shown', ({ known, shown }) => {
    const values = Array.from({ length: 180 }, (_, step) => (step >= 180 - known ? 1 : null));
    expect(shownSteps([values, values.map(() => null)], 5000).map(({ length }) => length)).toEqual([shown, shown]);
  });

  test('is told in words', () => {
    expect(seriesText([null, 3, 1, 2], figure)).toBe('now 2, lowest 1, highest 3');
    expect(seriesText([3, null], figure)).toBe('now –, lowest 3, highest 3');
    expect(seriesText([null], figure)).toBe('nothing known yet');
  });
});
