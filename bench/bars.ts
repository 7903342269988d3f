import {
  atLeast,
  atMost,
  type Bar,
  count,
  mebibytes,
  milliseconds,
  nanoseconds,
  percent,
  seconds,
  times,
} from './bar.ts';
import type {
  AccountingResult,
  BenchmarkResult,
  Connect4Result,
  ConnectFigures,
  ConnectResult,
  KubernetesResult,
  MemoryResult,
  ScaleResult,
  ScrapeResult,
} from './results.ts';
import { sameNodeBars } from './same-node/bars.ts';
import { canaryBars, disruptionBars, picksBars, slowBackendBars, slowStartBars } from './traffic-bars.ts';
import { truthBars } from './truth/report.ts';

/** The bars that these results say something about. */
export const bars = (results: readonly BenchmarkResult[]): Bar[] => results.flatMap(barsOf);

const barsOf = (result: BenchmarkResult): Bar[] => {
  switch (result.bench) {
    case 'connect':
      return connectBars(result);
    case 'connect4':
      return connect4Bars(result);
    case 'picks':
      return picksBars(result);
    case 'slow-backend':
      return slowBackendBars(result);
    case 'disruption':
      return disruptionBars(result);
    case 'canary':
      return canaryBars(result);
    case 'slow-start':
      return slowStartBars(result);
    case 'scale':
      return scaleBars(result);
    case 'memory':
      return memoryBars(result);
    case 'kubernetes':
      return kubernetesBars(result);
    case 'same-node':
      return sameNodeBars(result);
    case 'accounting':
      return accountingBars(result);
    case 'scrape':
      return scrapeBars(result);
    case 'truth':
      return truthBars(result);
  }
};

/** Names of contenders: this project, and what it is held against. */
const OURS = 'shunt';
const DIRECT = 'direct';
const IPTABLES = 'iptables (nft)';

/** Equal contenders differ by as much in one run: a cost that grows by less is flat. */
const NOISE = 0.01;

const connectBars = ({ measurements }: ConnectResult): Bar[] => {
  const ours = measurements
    .filter(({ path }) => path === 'pods')
    .toSorted((a, b) => a.services - b.services)
    .flatMap(({ services, contenders }) =>
      contenders.filter(({ name }) => name === OURS).map((figures) => ({ services, figures })),
    );
  const [smallest, largest] = [ours[0], ours.at(-1)];
  if (smallest === undefined || largest === undefined) return [];

  const added = addedCost(largest.figures);
  const size = `at ${count(largest.services)} Services`;
  const rate = largest.figures.against[IPTABLES]?.perSecond.median;
  return [
    atMost(`cost of a Service address per connection ${size}, against ${DIRECT}`, added, 0.03, percent),
    atMost(`the same, minus that at ${count(smallest.services)}`, added - addedCost(smallest.figures), NOISE, percent),
    ...(rate === undefined ? [] : [atLeast(`connections per second ${size}, against ${IPTABLES}`, rate, 1.3, times)]),
  ];
};

const addedCost = ({ against }: ConnectFigures): number => (against[DIRECT]?.latency.median ?? Number.NaN) - 1;

const connect4Bars = ({ contenders }: Connect4Result): Bar[] =>
  contenders
    .filter(({ name }) => name === OURS)
    .map(({ againstBare }) =>
      atMost('kernel time of connect4 on a hit, against a bare program', againstBare.median, 3, times),
    );

const scaleBars = ({ settings, program, change }: ScaleResult): Bar[] => {
  const size = `${count(settings.services)} Services with ${count(settings.services * settings.endpointsPerService)} endpoints`;
  return [
    atMost(`program ${size}, from parsed objects`, program.totalMs, 500, milliseconds),
    atMost('of that, writing', program.writeMs, 100, milliseconds),
    atMost('one EndpointSlice change at that size, p99', change.p99Ms, 5, milliseconds),
  ];
};

const memoryBars = ({ settings, synced, scraped, changed }: MemoryResult): Bar[] => {
  const size = `${count(settings.services)} Services with ${count(settings.services * settings.endpointsPerService)} endpoints`;
  const most = Math.max(...[synced, scraped, changed].map(({ residentMiB }) => residentMiB));
  return [
    atMost(`memory of the agent with ${size}, scraped and changed`, most, 120, mebibytes),
    atMost('the same, peak', changed.peakMiB, 160, mebibytes),
  ];
};

/** Of an API server as they are now, which gives initial events. The other way is shown and has no bar of its own. */
const kubernetesBars = ({ settings, runs }: KubernetesResult): Bar[] => {
  const size = `${count(settings.services)} Services with ${count(settings.services * settings.endpointsPerService)} endpoints`;
  return runs
    .filter(({ watchList }) => watchList)
    .flatMap(({ peakMiB, cpuS, changes, syncBlockMs, eventBlockMs }) => [
      atMost(
        `memory of the agent, peak: ${size} of an API server, then ${count(settings.events)} changes`,
        peakMiB,
        MEGABYTES_100,
        mebibytes,
      ),
      atMost('CPU time of the agent from its start until they are in force', cpuS, 3, seconds),
      atMost(`change to kernel at ${count(settings.perSecond)} changes a second, p50`, changes.p50Ms, 2, milliseconds),
      atMost('the same, p99', changes.p99Ms, 20, milliseconds),
      atMost('event loop blocked until everything is in force', syncBlockMs, 100, milliseconds),
      atMost('event loop blocked afterwards', eventBlockMs, 10, milliseconds),
    ]);
};

const accountingBars = ({ accountingNs }: AccountingResult): Bar[] => [
  atMost(
    'kernel time of accounting for one TCP connection, over the choice and as many calls',
    accountingNs.median,
    1000,
    nanoseconds,
  ),
];

const scrapeBars = ({ settings, cases }: ScrapeResult): Bar[] =>
  cases.flatMap(({ containers, cpuMs, blockMs, grownMiB }) => {
    const pairs = settings.usedServices * containers;
    return [
      atMost(
        `scrape of ${count(settings.services)} Services, ${count(settings.usedServices)} of them used, ${count(pairs)} pairs ` +
          'of a container and a Service: CPU time',
        cpuMs,
        50,
        milliseconds,
      ),
      atMost('the same, event loop blocked', blockMs, 20, milliseconds),
      atMost('the same, anonymous memory that the agent takes more', grownMiB, MEGABYTES_15, mebibytes),
    ];
  });

/** 15 and 100 MB, in MiB. */
const MEGABYTES_15 = 15e6 / 2 ** 20;
const MEGABYTES_100 = 100e6 / 2 ** 20;
