import { describe, expect, test } from 'vitest';
import { bars } from '../../../bench/bars.ts';
import type { MachineFacts } from '../../../bench/machine.ts';
import { renderDocuments } from '../../../bench/report.ts';
import type { BenchmarkResult } from '../../../bench/results.ts';
import { readResults } from '../../../bench/store.ts';

const MACHINE: MachineFacts = {
  date: '2026-01-01',
  kernel: '6.18',
  distribution: 'Debian',
  processor: 'some',
  cpus: 2,
  memoryGiB: 4,
  node: 'v24.0.0',
};
const ratio = (median: number) => ({ median, p10: median, p90: median });

const picks = (algorithm: 'RoundRobin' | 'PeakEwma', median: number): BenchmarkResult => ({
  bench: 'picks',
  machine: MACHINE,
  settings: { seed: 1, rounds: 1, connectsPerRound: 1, services: 1, held: 1 },
  measurements: [{ endpointsPerService: 10, algorithms: [{ algorithm, runNs: 1, againstRandom: ratio(median) }] }],
});

const slowBackend = (median: number): BenchmarkResult => ({
  bench: 'slow-backend',
  machine: MACHINE,
  settings: {
    seed: 1,
    rounds: 1,
    roundMs: 1,
    backends: 10,
    workers: 1,
    serviceUs: 1,
    slowUs: 10,
    clients: 1,
  },
  algorithms: [{ algorithm: 'PeakEwma', perSecond: 1, tookMs: {}, againstRandom: ratio(median) }],
});

const disruption = (moved: number): BenchmarkResult => ({
  bench: 'disruption',
  machine: MACHINE,
  settings: { seed: 1, backends: 100, removals: 2, clients: 10 },
  tables: [0, moved],
  connections: [0, 0],
});

/** Of 500 requests in each window. */
const canary = (count: number, failed = 0): BenchmarkResult => ({
  bench: 'canary',
  machine: MACHINE,
  settings: { seed: 1, edits: 2, requests: 500, clients: 1 },
  requests: 1000,
  failed,
  windows: [
    { percent: 5, canary: 25 },
    { percent: 50, canary: count },
  ],
  inForceMs: { p50: 1, p99: 1, max: 1 },
});

const manyWindows = (count: number): BenchmarkResult => ({
  ...(canary(250) as Extract<BenchmarkResult, { bench: 'canary' }>),
  windows: Array.from({ length: 1000 }, () => ({ percent: 50, canary: count })),
});

const slowStart = (share: number): BenchmarkResult => ({
  bench: 'slow-start',
  machine: MACHINE,
  settings: { durationMs: 1000, backends: 4, requests: 1, clients: 1 },
  windows: [
    { atMs: 0, share: 0.03, ramp: 0.03 },
    { atMs: 500, share, ramp: 0.15 },
  ],
});

describe('bars of traffic', () => {
  const rows: readonly { what: string; result: BenchmarkResult; held: boolean }[] = [
    { what: 'RoundRobin for 1.2 times the cost', result: picks('RoundRobin', 1.2), held: true },
    { what: 'RoundRobin for more', result: picks('RoundRobin', 1.21), held: false },
    { what: 'PeakEwma for 2 times', result: picks('PeakEwma', 2), held: true },
    { what: 'PeakEwma for more', result: picks('PeakEwma', 2.1), held: false },
    { what: 'half of the p99', result: slowBackend(0.5), held: true },
    { what: 'more than half of the p99', result: slowBackend(0.51), held: false },
    { what: '2 % of clients that move once', result: disruption(0.02), held: true },
    { what: 'more of them', result: disruption(0.021), held: false },
    { what: 'windows that are as their route asks', result: canary(260), held: true },
    { what: 'a window with the share of another edit', result: canary(200), held: false },
    { what: 'many windows with a point too much each', result: manyWindows(255), held: false },
    { what: 'many windows, each as its route asks', result: manyWindows(250), held: true },
    { what: 'one request that failed', result: canary(250, 1), held: false },
    { what: 'a share 2 points below its ramp', result: slowStart(0.1301), held: true },
    { what: 'a share further below it', result: slowStart(0.129), held: false },
    { what: 'a share further above it', result: slowStart(0.171), held: false },
  ];
  test.each(rows)('$what: held is $held', ({ result, held }) => {
    expect(bars([result]).every((bar) => bar.held)).toBe(held);
  });
});

test('the page shows every plot that there is, and no other', () => {
  const { 'docs/benchmarks.md': page = '', ...plots } = renderDocuments(readResults());
  const shown = [...page.matchAll(/!\[[^\]]+\]\((plots\/[\w-]+\.svg)\)/g)].map(([, path]) => `docs/${path}`);
  expect(shown.toSorted()).toEqual(Object.keys(plots).toSorted());
  expect(shown.length).toBeGreaterThan(0);
});

test('every plot can be read as XML', () => {
  const { 'docs/benchmarks.md': _, ...plots } = renderDocuments(readResults());
  for (const [path, svg] of Object.entries(plots)) {
    const open: string[] = [];
    for (const [, closing, name, attributes] of svg.matchAll(/<(\/?)([a-z]+)((?: [\w:-]+="[^"<]*")*)\/?>/g)) {
      if (closing) expect(open.pop(), path).toBe(name);
      else if (!svg.includes(`<${name}${attributes}/>`)) open.push(name as string);
    }
    expect(open, path).toEqual([]);
    expect(svg.replace(/<\/?[a-z]+(?: [\w:-]+="[^"<]*")*\/?>/g, ''), path).not.toMatch(/[<>]|NaN/);
    expect(svg, path).not.toMatch(/NaN|undefined|Infinity/);
  }
});
