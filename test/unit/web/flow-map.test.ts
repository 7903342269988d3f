import { describe, expect, test } from 'vitest';
import { type Flow, fitting, flowMap, levelOf, REST } from '../../../src/web/flow-map.ts';

const flow = (from: string, to: string, rate: number, failedRate = 0): Flow => ({ from, to, rate, failedRate });

describe('the map', () => {
  test('has workloads on the left and Services on the right, by name, with a band for each pair', () => {
    const map = flowMap([flow('b', 'y', 1), flow('a', 'y', 1), flow('a', 'x', 1)], 600);
    expect(map.sources.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(map.targets.map(({ name }) => name)).toEqual(['x', 'y']);
    expect(map.bands.map(({ from, to }) => `${from} ${to}`)).toEqual(['a x', 'a y', 'b y']);
    expect(map.bands.every(({ path }) => path.startsWith(`M${map.left} `) && path.includes(` ${map.right} `))).toBe(
      true,
    );
  });

  test('says how much fails where that can be read: of bands that lie close together, of the one that fails most', () => {
    const failing = Array.from({ length: 60 }, (_, at) => flow(`w${at % 12}`, `s${at % 10}`, 100, at === 37 ? 90 : 10));
    const { bands } = flowMap([...failing, flow('w0', 's9', 100)], 600);
    const said = bands.filter(({ isLabelled }) => isLabelled);
    expect(said.some(({ from, to }) => from === 'w1' && to === 's7')).toBe(true);
    expect(said.every(({ level }) => level !== 'well')).toBe(true);
    const heights = said.map(({ middle }) => middle.y).toSorted((a, b) => a - b);
    expect(heights.length).toBeGreaterThan(5);
    for (const [at, y] of heights.slice(1).entries()) expect(y - (heights[at] ?? 0)).toBeGreaterThanOrEqual(14);
    // Where nothing is in the way everything is said.
    const apart = flowMap([flow('a', 'x', 1, 1), flow('b', 'y', 1, 0.01)], 600).bands;
    expect(apart.map(({ isLabelled }) => isLabelled)).toEqual([true, true]);
  });

  test('is as high as its longer side, and nothing lies outside or over another', () => {
    const flows = Array.from({ length: 6 }, (_, at) => flow(`w${at}`, 'only', 10 * at + 1));
    const map = flowMap(flows, 400);
    for (const nodes of [map.sources, map.targets]) {
      for (const [index, { y, height }] of nodes.entries()) {
        expect(y).toBeGreaterThanOrEqual(0);
        expect(y + height).toBeLessThanOrEqual(map.height);
        expect(y).toBeGreaterThanOrEqual((nodes[index - 1]?.y ?? -1) + (nodes[index - 1]?.height ?? 0));
      }
    }
    const [only] = map.targets;
    expect((only?.y ?? 0) + (only?.height ?? 0) / 2).toBeCloseTo(map.height / 2);
  });

  test('has bands as wide as the root of their rates, and none that cannot be seen', () => {
    const widths = flowMap([flow('a', 'x', 400), flow('a', 'y', 100), flow('a', 'z', 0.0001)], 600).bands.map(
      ({ width }) => width,
    );
    expect(widths).toEqual([16, 8, 1.5]);
  });

  test.each([
    { rate: 10, failedRate: 0, level: 'well' },
    { rate: 100, failedRate: 4, level: 'some' },
    { rate: 100, failedRate: 5, level: 'many' },
    { rate: 0, failedRate: 0, level: 'well' },
  ])('of $rate with $failedRate that fail it says $level', ({ level, ...rates }) => expect(levelOf(rates)).toBe(level));

  test('puts together those with least to do, and loses none of it', () => {
    const flows = Array.from({ length: 40 }, (_, at) =>
      flow(`w${String(at).padStart(2, '0')}`, `s${at % 20}`, at + 1, 0.5),
    );
    const map = flowMap(flows, 600);
    expect(map.sources).toHaveLength(12);
    expect(map.targets).toHaveLength(12);
    expect(map.sources.at(-1)?.name).toBe(REST);
    expect(map.sources[0]?.name).toBe('w29');
    const sum = (read: (each: Flow) => number) => map.bands.reduce((total, band) => total + read(band), 0);
    expect([sum(({ rate }) => rate), sum(({ failedRate }) => failedRate)]).toEqual([820, 20]);
  });

  test('of nothing is empty', () => {
    expect(flowMap([], 600)).toMatchObject({ height: 0, sources: [], targets: [], bands: [] });
  });

  test('leaves room for its bands where it is narrow', () => {
    const { left, right } = flowMap([flow('a', 'x', 1)], 300);
    expect(right - left).toBeGreaterThan(80);
  });

  test.each([
    ['checkout', 100, 'checkout'],
    ['checkout-with-a-name', 80, 'checkout-…'],
    ['checkout', 4, '…'],
  ])('%s in a room of %i is %s', (text, room, shown) => expect(fitting(text, room, 8)).toBe(shown));
});
