import { describe, expect, test } from 'vitest';
import { type Chart, type Mark, renderChart } from '../../../bench/chart.ts';

const AXIS = { label: '', min: 0, max: 100, ticks: [] } as const;
const chart = (fields: Partial<Chart>): Chart => ({ title: 'title', x: AXIS, y: AXIS, marks: [], ...fields });
const points = (name: string, type: 'line' | 'points' | 'limit' = 'points'): Mark => ({
  type,
  name,
  points: [[50, 50]],
});

/** Where the only mark, or the only tick, lies. */
const pathOf = (svg: string, kind: string): string | undefined =>
  svg.split('\n').find((line) => line.startsWith(`<path class="${kind}`) && !line.includes(' 48h'));

/** Alone or one of several. */
const rule = (name: string): RegExp => new RegExp(`${name.replaceAll('.', '\\.')}[, ]`);

describe('a chart', () => {
  test('puts values between the ends of its axes', () => {
    expect(pathOf(renderChart(chart({ marks: [points('a')] })), 'points')).toContain('M406 197h0');
  });

  test('puts powers of ten at even distances on a logarithmic axis', () => {
    const y = { ...AXIS, min: 1, max: 100, scale: 'log' } as const;
    const mark: Mark = { type: 'points', name: 'a', points: [[50, 10]] };
    expect(pathOf(renderChart(chart({ y, marks: [mark] })), 'points')).toContain('M406 197h0');
  });

  test('keeps what lies outside of its axes at their ends', () => {
    const mark: Mark = { type: 'points', name: 'a', points: [[-1, 1000]] };
    expect(pathOf(renderChart(chart({ marks: [mark] })), 'points')).toContain('M72 70h0');
  });

  test('names each series once, whatever it is made of, and gives it one colour', () => {
    const svg = renderChart(
      chart({ marks: [points('a'), points('a', 'line'), points('b'), points('bound', 'limit')] }),
    );
    expect(svg.match(/>(a|b|bound)</g)).toEqual(['>a<', '>b<', '>bound<']);
    expect(pathOf(svg, 'line')).toContain('"line c0"');
    expect(pathOf(svg, 'limit')).toBeDefined();
  });

  test('has colours of its own for dark pages, and every class that is drawn has a rule', () => {
    const svg = renderChart(chart({ marks: [points('a'), points('b', 'line')] }));
    const [light = '', dark = ''] = svg.slice(0, svg.indexOf('</style>')).split('@media (prefers-color-scheme: dark)');
    for (const name of ['.page', '.points.c0', '.line.c1', '.bar.c0', '.grid', '.tick', '.limit']) {
      expect(light).toMatch(rule(name));
      expect(dark).toMatch(rule(name));
    }
  });

  test('writes texts as they are', () => {
    const svg = renderChart(chart({ title: 'a < b & c', y: { ...AXIS, label: '<y>' } }));
    expect(svg).toContain('<title>a &lt; b &amp; c</title>');
    expect(svg).toContain('&lt;y&gt;');
  });
});
