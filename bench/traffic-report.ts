import { count, ratioText, renderMachine, table } from './markdown.ts';
import type { CanaryResult, DisruptionResult, PicksResult, SlowBackendResult, SlowStartResult } from './results.ts';
import { median, quantile } from './statistics.ts';
import { leastLikely } from './traffic-bars.ts';

/** Sections of docs/benchmarks.md about how traffic is shared. [algorithms.md](../docs/algorithms.md) says how. */

export const renderPicks = ({ machine, settings, measurements }: PicksResult): string =>
  [
    '## What a choice costs',
    renderMachine(machine),
    `Kernel time of one connect4 run, whole, by BPF statistics: ${settings.rounds} rounds of ` +
      `${count(settings.connectsPerRound)} connections for each algorithm, to ${settings.services} Services, while ` +
      `${settings.held} connections of each stay open, so that backends have loads to compare. ` +
      `The rules are in [algorithms.md](algorithms.md). Seed ${settings.seed}.`,
    plot('picks', 'Kernel time of connect4 by algorithm, as a multiple of WeightedRandom'),
    table(
      ['', ...measurements.map(({ endpointsPerService }) => `of ${endpointsPerService} backends`)],
      (measurements[0]?.algorithms ?? []).map(({ algorithm }) => [
        algorithm,
        ...measurements.map(({ algorithms }) => {
          const figures = algorithms.find((each) => each.algorithm === algorithm);
          if (figures === undefined) return '';
          const { runNs, againstRandom } = figures;
          return algorithm === 'WeightedRandom' ? `${runNs} ns` : `${runNs} ns, ${ratioText(againstRandom)}`;
        }),
      ]),
    ),
  ].join('\n\n');

export const renderSlowBackend = ({ machine, settings, algorithms }: SlowBackendResult): string =>
  [
    '## One slow backend',
    renderMachine(machine),
    `${settings.backends} backends, each with ${settings.workers === 1 ? 'one worker' : `${settings.workers} workers`} ` +
      `and a queue; a request takes ${settings.serviceUs / 1000} ms, at one of the backends ${settings.slowUs / 1000} ms. ` +
      `${settings.clients} clients, each with one request at a time and a connection for each. ${settings.rounds} rounds ` +
      `of ${settings.roundMs / 1000} s for each algorithm. Whoever chooses without looking finds nearly all clients in the ` +
      `queue of the slow backend before long. Seed ${settings.seed}.`,
    plot('slow-backend', 'Time of a request by quantile and algorithm'),
    table(
      ['', 'requests per second', 'p50, ms', 'p90, ms', 'p99, ms', 'p99 against WeightedRandom'],
      algorithms.map(({ algorithm, perSecond, tookMs: { p50 = 0, p90 = 0, p99 = 0 }, againstRandom }) => [
        algorithm,
        count(perSecond),
        ...[p50, p90, p99].map((ms) => ms.toFixed(1)),
        algorithm === 'WeightedRandom' ? '' : ratioText(againstRandom),
      ]),
    ),
  ].join('\n\n');

export const renderDisruption = ({ machine, settings, tables, connections }: DisruptionResult): string => {
  const row = (name: string, shares: readonly number[]) => [
    name,
    ...[median(shares), Math.max(...shares)].map((share) => `${(share * 100).toFixed(2)} %`),
  ];
  return [
    '## Maglev: who moves when a backend goes',
    renderMachine(machine),
    `One of ${settings.backends} backends is removed and comes back, ${settings.removals} times another one. Counted are ` +
      'clients of the other backends that are sent elsewhere although theirs stays: entries of the look-up table in the ' +
      `kernel, and ${count(settings.clients)} source addresses with a connection each before and after. Seed ${settings.seed}.`,
    plot('disruption', 'Clients that move although their backend stays'),
    table(['', 'median', 'most'], [row('of the table', tables), row('of clients', connections)]),
  ].join('\n\n');
};

export const renderCanary = ({ machine, settings, windows, requests, failed, inForceMs }: CanaryResult): string =>
  [
    '## A canary under load',
    renderMachine(machine),
    `The weights of a TCPRoute, edited ${count(settings.edits)} times between 5 % and 50 % in the directory of ` +
      `\`shunt run\`, while ${settings.clients} clients ask as fast as they can: ${count(requests)} requests, ` +
      `${count(failed)} of them failed. Each window is the first ${count(settings.requests)} requests that begin after an ` +
      'edit is in force; its count is held against its route by the exact binomial test. All windows together are ' +
      `allowed to be wrong once in 1,000 runs, so each once in ${count(1 / leastLikely(windows.length))} (Bonferroni); the ` +
      `lines of the plot are that bound. What is too little to show in one window shows in all: how far they are spread, and ` +
      `their sum. Seed ${settings.seed}.`,
    plot('canary', 'Share of the canary that was asked for and that was observed'),
    `From the write of the file until the edit is in force, of which the source waits 50 ms for more writes: p50 ${inForceMs.p50} ms, p99 ${inForceMs.p99} ms, at most ` +
      `${inForceMs.max} ms.`,
  ].join('\n\n');

export const renderSlowStart = ({ machine, settings, windows }: SlowStartResult): string => {
  const off = windows.map(({ share, ramp }) => Math.abs(share - ramp) * 100);
  return [
    '## Slow start',
    renderMachine(machine),
    `A Service of ${settings.backends - 1} endpoints gets one more, whose weight rises from a tenth over ` +
      `${settings.durationMs / 1000} s, while ${settings.clients} clients ask as fast as they can. Windows of ` +
      `${count(settings.requests)} requests. Off the ramp: median ${median(off).toFixed(2)} points, p90 ` +
      `${quantile(off, 0.9).toFixed(2)}, at most ${Math.max(...off).toFixed(2)}.`,
    plot('slow-start', 'Share of a new endpoint over time, and its ramp'),
  ].join('\n\n');
};

const plot = (name: string, description: string): string => `![${description}](plots/${name}.svg)`;
