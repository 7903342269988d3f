import { type Axis, type Chart, renderChart, type Tick } from './chart.ts';
import type {
  BenchmarkResult,
  CanaryResult,
  DisruptionResult,
  PicksResult,
  SlowBackendResult,
  SlowStartResult,
} from './results.ts';
import { sameNodeChart } from './same-node/plot.ts';
import { binomialRange } from './statistics.ts';
import { DISRUPTION_LIMIT, leastLikely, PICK_LIMITS, RAMP_LIMIT } from './traffic-bars.ts';

/** Plots of docs/benchmarks.md, by path. */
export const renderPlots = (results: readonly BenchmarkResult[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    results.flatMap((result) => {
      const chart = chartOf(result);
      return chart === undefined ? [] : [[`docs/plots/${result.bench}.svg`, renderChart(chart)]];
    }),
  );

const chartOf = (result: BenchmarkResult): Chart | undefined => {
  switch (result.bench) {
    case 'picks':
      return picksChart(result);
    case 'slow-backend':
      return slowBackendChart(result);
    case 'disruption':
      return disruptionChart(result);
    case 'canary':
      return canaryChart(result);
    case 'slow-start':
      return slowStartChart(result);
    case 'same-node':
      return sameNodeChart(result);
    default:
      return undefined;
  }
};

const picksChart = ({ measurements }: PicksResult): Chart => {
  const algorithms = measurements[0]?.algorithms.map(({ algorithm }) => algorithm) ?? [];
  const width = 0.8 / measurements.length;
  const limits = algorithms.flatMap((algorithm, at) => {
    const limit = PICK_LIMITS[algorithm];
    return limit === undefined ? [] : [[at - 0.45, limit, at + 0.45] as const];
  });
  return {
    title: 'Kernel time of connect4, as a multiple of that with WeightedRandom',
    x: categories('', algorithms),
    y: { label: 'times', min: 0, max: 2.2, ticks: ticks([0, 0.5, 1, 1.5, 2], (at) => at.toFixed(1)) },
    marks: [
      ...measurements.map(({ endpointsPerService, algorithms: figures }, index) => ({
        type: 'bars' as const,
        name: `of ${endpointsPerService} backends`,
        width: width * 0.9,
        bars: figures.map(({ againstRandom: { median, p10, p90 } }, at) => ({
          x: at + (index - (measurements.length - 1) / 2) * width,
          y: median,
          low: p10,
          high: p90,
        })),
      })),
      ...limits.map(([from, limit, until]) => ({
        type: 'limit' as const,
        name: 'bar',
        points: [
          [from, limit],
          [until, limit],
        ] as const,
      })),
    ],
  };
};

const slowBackendChart = ({ settings, algorithms }: SlowBackendResult): Chart => {
  const quantiles = Object.keys(algorithms[0]?.tookMs ?? {});
  return {
    title: `Time of a request, one of ${settings.backends} backends ${settings.slowUs / settings.serviceUs} times slower`,
    x: categories(
      'quantile',
      quantiles.map((name) => (name === 'p999' ? 'p99.9' : name)),
    ),
    y: { label: 'milliseconds', min: 1, max: 1000, scale: 'log', ticks: ticks([1, 10, 100, 1000], String) },
    marks: algorithms.map(({ algorithm, tookMs }) => ({
      type: 'line-and-points' as const,
      name: algorithm,
      points: quantiles.map((name, at) => [at, tookMs[name] ?? 0] as const),
    })),
  };
};

const disruptionChart = ({ settings, tables, connections }: DisruptionResult): Chart => {
  const percents = (shares: readonly number[]) => shares.map((share, at) => [at + 1, share * 100] as const);
  return {
    title: `Clients that move although their backend stays, one of ${settings.backends} removed`,
    x: { label: 'removal', min: 0, max: tables.length + 1, ticks: ticks(evenly(0, tables.length, 20), String) },
    y: { label: 'percent of clients', min: 0, max: 2.5, ticks: ticks([0, 0.5, 1, 1.5, 2, 2.5], (at) => at.toFixed(1)) },
    marks: [
      { type: 'points', name: 'of the table', points: percents(tables) },
      { type: 'points', name: 'of connections', points: percents(connections) },
      flatLimit('bar', DISRUPTION_LIMIT * 100, 0, tables.length + 1),
    ],
  };
};

const canaryChart = ({ settings, windows }: CanaryResult): Chart => {
  const asked = [...new Set(windows.map(({ percent }) => percent))].toSorted((a, b) => a - b);
  const bounds = asked.map((percent) => ({
    percent,
    range: binomialRange(settings.requests, percent / 100, leastLikely(windows.length)),
  }));
  const percentOf = (count: number): number => (count / settings.requests) * 100;
  const bound = (end: 0 | 1) => ({
    type: 'limit' as const,
    name: 'bound of all windows together',
    points: bounds.map(({ percent, range }) => [percent, percentOf(range[end])] as const),
  });
  return {
    title: `Share of the canary in ${windows.length.toLocaleString('en-US')} windows of ${settings.requests} requests`,
    x: { label: 'percent that the route asks for', min: 0, max: 55, ticks: ticks(evenly(0, 50, 10), String) },
    y: { label: 'percent observed', min: 0, max: 70, ticks: ticks(evenly(0, 70, 10), String) },
    marks: [
      {
        type: 'points',
        name: 'window',
        points: windows.map(({ percent, canary }) => [percent, percentOf(canary)] as const),
      },
      bound(0),
      bound(1),
    ],
  };
};

const slowStartChart = ({ settings, windows }: SlowStartResult): Chart => {
  const lastS = Math.max(...windows.map(({ atMs }) => atMs)) / 1000;
  const inPoints = (figure: 'share' | 'ramp', off = 0) =>
    windows.map((window) => [window.atMs / 1000, (window[figure] + off) * 100] as const);
  const bound = (off: number) => ({
    type: 'limit' as const,
    name: '2 points off',
    points: inPoints('ramp', off),
  });
  return {
    title: `Share of a new endpoint, one of ${settings.backends}, with a slow start of ${settings.durationMs / 1000} s`,
    x: { label: 'seconds since it is in force', min: 0, max: lastS, ticks: ticks(evenly(0, lastS, 10), String) },
    y: { label: 'percent', min: 0, max: 30, ticks: ticks(evenly(0, 30, 5), String) },
    marks: [
      { type: 'line', name: 'ramp', points: inPoints('ramp') },
      { type: 'points', name: 'observed', points: inPoints('share') },
      bound(RAMP_LIMIT),
      bound(-RAMP_LIMIT),
    ],
  };
};

const categories = (label: string, names: readonly string[]): Axis => ({
  label,
  min: -0.6,
  max: names.length - 0.4,
  ticks: names.map((text, at) => ({ at, text })),
});

const flatLimit = (name: string, limit: number, from: number, until: number) => ({
  type: 'limit' as const,
  name,
  points: [
    [from, limit],
    [until, limit],
  ] as const,
});

const ticks = (values: readonly number[], format: (at: number) => string): Tick[] =>
  values.map((at) => ({ at, text: format(at) }));

const evenly = (from: number, until: number, step: number): number[] =>
  Array.from({ length: Math.floor((until - from) / step) + 1 }, (_, index) => from + index * step);
