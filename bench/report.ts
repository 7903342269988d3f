import type { Bar } from './bar.ts';
import { bars } from './bars.ts';
import type { Path } from './contender.ts';
import { count, ratioText, renderMachine, table } from './markdown.ts';
import { renderPlots } from './plots.ts';
import type {
  AccountingResult,
  BenchmarkResult,
  Connect4Result,
  ConnectFigures,
  ConnectResult,
  KubernetesResult,
  MemoryResult,
  ScaleResult,
} from './results.ts';
import { renderSameNode } from './same-node/report.ts';
import { renderScrape } from './scrape-report.ts';
import type { Ratio } from './statistics.ts';
import { renderCanary, renderDisruption, renderPicks, renderSlowBackend, renderSlowStart } from './traffic-report.ts';
import { renderTruth } from './truth/report.ts';

/** By path, the documents that are made from what bench/results/*.json hold: docs/benchmarks.md and its plots. */
export const renderDocuments = (results: readonly BenchmarkResult[]): Readonly<Record<string, string>> => ({
  'docs/benchmarks.md': renderBenchmarks(results),
  ...renderPlots(results),
});

export const renderBenchmarks = (results: readonly BenchmarkResult[]): string => {
  const inOrder = results.toSorted((a, b) => ORDER.indexOf(a.bench) - ORDER.indexOf(b.bench));
  const sections = [INTRODUCTION, renderBars(bars(inOrder)), ...inOrder.map(renderResult)];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
};

const ORDER: readonly BenchmarkResult['bench'][] = [
  'connect',
  'connect4',
  'accounting',
  'picks',
  'slow-backend',
  'disruption',
  'canary',
  'slow-start',
  'scale',
  'memory',
  'scrape',
  'kubernetes',
  'same-node',
  'truth',
];

const INTRODUCTION = `<!-- Generated from bench/results by scripts/gen-docs.mjs. Do not edit: run \`make generate\`. -->
# Benchmarks

\`make bench\` measures and writes this page. Machines differ and are noisy, so what counts are ratios: contenders take
turns in one run, in short rounds and in shuffled order, and each round gives one ratio of figures taken moments apart.
A ratio is written as its median over the rounds, with the 10th and the 90th percentile in brackets.`;

const renderResult = (result: BenchmarkResult): string => {
  switch (result.bench) {
    case 'connect':
      return renderConnect(result);
    case 'connect4':
      return renderConnect4(result);
    case 'picks':
      return renderPicks(result);
    case 'slow-backend':
      return renderSlowBackend(result);
    case 'disruption':
      return renderDisruption(result);
    case 'canary':
      return renderCanary(result);
    case 'slow-start':
      return renderSlowStart(result);
    case 'scale':
      return renderScale(result);
    case 'memory':
      return renderMemory(result);
    case 'kubernetes':
      return renderKubernetes(result);
    case 'same-node':
      return renderSameNode(result);
    case 'accounting':
      return renderAccounting(result);
    case 'scrape':
      return renderScrape(result);
    case 'truth':
      return renderTruth(result);
  }
};

const renderBars = (all: readonly Bar[]): string => {
  if (all.length === 0) return '';
  const rows = all.map(({ what, limit, measured, held }) => [what, limit, measured, held ? 'held' : '**missed**']);
  return `## Bars\n\n${table(['what', 'bar', 'measured', ''], rows)}`;
};

const renderConnect = (result: ConnectResult): string => {
  const { settings, contenders } = result;
  const paths = (['pods', 'loopback'] as const).filter((path) => result.measurements.some((it) => it.path === path));
  return [
    '## One connection: connect, read one byte, close',
    renderMachine(result.machine),
    `Each Service has ${settings.endpointsPerService} endpoints. Latency: ${settings.rounds} rounds of ` +
      `${count(settings.connectsPerRound)} connections one after the other, client and server on one CPU, so that a ` +
      `latency is all the work that a connection makes on both sides. Connections per second: ${settings.rounds} rounds of ` +
      `${count(settings.burstConnects)} connections from ${settings.burstThreads} threads. Clients go to ten ` +
      `Services, spread evenly over all; to as many at each size. They close in the usual way (FIN). Seed ${settings.seed}.`,
    contenders.map(({ name, description }) => `- **${name}**: ${description}.`).join('\n'),
    ...paths.map((path) => renderPath(result, path)),
    renderProgramming(result),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
};

const PATH_TITLES: Readonly<Record<Path, string>> = {
  pods: 'Between pods',
  loopback: 'Within one pod, over loopback',
};

const PATH_NOTES: Readonly<Record<Path, string>> = {
  pods:
    'Client and server are network namespaces on veth pairs; packets are routed by the namespace of the node, where the ' +
    'rules live.',
  loopback: 'Without a network between them a connection costs least, so what is added shows most.',
};

const renderPath = ({ measurements }: ConnectResult, path: Path): string => {
  const sizes = measurements.filter((measurement) => measurement.path === path);
  const names = (sizes[0]?.contenders ?? []).map(({ name }) => name);
  const [baseline = ''] = names;
  const rowsOf = (cell: (figures: ConnectFigures) => string) =>
    names.map((name) => [
      name,
      ...sizes.map(({ contenders }) => {
        const figures = contenders.find((it) => it.name === name);
        return figures === undefined ? '' : cell(figures);
      }),
    ]);
  const header = ['', ...sizes.map(({ services }) => `${count(services)} Services`)];
  const compared = (figure: string, ratio: Ratio | undefined) =>
    ratio === undefined ? figure : `${figure}, ${ratioText(ratio)}`;
  return [
    `### ${PATH_TITLES[path]}`,
    PATH_NOTES[path],
    `Median latency in microseconds, and as a multiple of ${baseline}:`,
    table(
      header,
      rowsOf(({ latencyUs, against }) => compared(latencyUs.p50.toFixed(1), against[baseline]?.latency)),
    ),
    `Connections per second, and as a multiple of ${baseline}:`,
    table(
      header,
      rowsOf(({ perSecond, against }) => compared(count(perSecond), against[baseline]?.perSecond)),
    ),
  ].join('\n\n');
};

const renderProgramming = ({ measurements }: ConnectResult): string => {
  const sizes = measurements.filter(({ path }) => path === 'pods');
  const names = new Set(
    sizes.flatMap(({ contenders }) => contenders.filter((it) => it.programmedMs !== undefined).map(({ name }) => name)),
  );
  if (names.size === 0) return '';
  const rows = [...names].map((name) => [
    name,
    ...sizes.map(({ contenders }) => {
      const ms = contenders.find((it) => it.name === name)?.programmedMs;
      return ms === undefined ? '' : `${count(ms)} ms`;
    }),
  ]);
  const header = ['', ...sizes.map(({ services }) => `${count(services)} Services`)];
  return [
    '### Bringing the Services into the kernel',
    'Measured once per run, while setting up; the text of the rules is made before. nftables loads 1,000 Services at a time.',
    table(header, rows),
  ].join('\n\n');
};

const renderConnect4 = ({ machine, settings, contenders }: Connect4Result): string =>
  [
    '## Kernel time of one connect4 run',
    renderMachine(machine),
    `By BPF statistics (\`BPF_ENABLE_STATS\`), hits only, ${count(settings.services)} Services, ${settings.rounds} rounds of ` +
      `${count(settings.connectsPerRound)} connections. **bare** is one lookup and a rewrite, and remembers nothing ` +
      '(bench/bare.bpf.c).',
    table(
      ['', 'mean of a run', 'against bare'],
      contenders.map(({ name, runNs, againstBare }) => [
        name,
        `${count(runNs)} ns`,
        name === 'bare' ? '' : ratioText(againstBare),
      ]),
    ),
  ].join('\n\n');

const renderAccounting = ({ machine, settings, choiceNs, callsNs, allNs, accountingNs }: AccountingResult): string =>
  [
    '## Kernel time of accounting',
    renderMachine(machine),
    'By BPF statistics: TCP connections over IPv4 from `connect()` to their end, ' +
      `${count(settings.services)} Services, ${settings.rounds} rounds of ${count(settings.connectsPerRound)} connections. ` +
      '**Choice** looks up, chooses and rewrites, as Shunt does, and remembers and counts nothing (bench/choice.bpf.c). ' +
      'Statistics read the clock with each run, so the second row has programs that do nothing, called as often as those ' +
      'that count: 11 runs a connection.',
    table(
      ['', 'a connection'],
      [
        ['choice', `${count(choiceNs)} ns`],
        ['choice, and programs that do nothing', `${count(callsNs)} ns`],
        ['all programs of Shunt', `${count(allNs)} ns`],
        [
          'accounting, round by round',
          `${count(accountingNs.median)} ns (${count(accountingNs.p10)}..${count(accountingNs.p90)})`,
        ],
      ],
    ),
  ].join('\n\n');

const renderScale = ({ machine, settings, program, change }: ScaleResult): string =>
  [
    '## The agent at scale',
    renderMachine(machine),
    `${count(settings.services)} Services with ${count(settings.services * settings.endpointsPerService)} endpoints, into ` +
      `the tables of the kernel. Programming: medians of ${settings.repetitions} times, from parsed objects into empty tables. ` +
      `Changes: ${count(settings.changes)} EndpointSlices, one at a time, from the event to the tables. Seed ${settings.seed}.`,
    table(
      ['programming', 'ms'],
      [
        ['desired state from objects', program.desireMs.toFixed(1)],
        ['plan and diff', program.planMs.toFixed(1)],
        ['write', program.writeMs.toFixed(1)],
        ['total', program.totalMs.toFixed(1)],
        ['CPU time, all threads', program.cpuMs.toFixed(1)],
      ],
    ),
    table(
      ['one EndpointSlice', 'ms'],
      [
        ['p50', change.p50Ms.toFixed(3)],
        ['p99', change.p99Ms.toFixed(3)],
        ['max', change.maxMs.toFixed(3)],
      ],
    ),
  ].join('\n\n');

const renderMemory = ({ machine, settings, synced, scraped, changed }: MemoryResult): string => {
  const steps = [
    ['everything is in force', synced],
    [`${settings.scrapes} scrapes of its metrics`, scraped],
    [`${settings.changes} changes of one file each`, changed],
  ] as const;
  return [
    '## Memory of the agent',
    renderMachine(machine),
    `\`shunt run\` on a directory of JSON files with ${count(settings.services)} Services and ` +
      `${count(settings.services * settings.endpointsPerService)} endpoints, in MiB. What is of files is mostly Node ` +
      'itself, in memory once however many processes run it, and the kernel tables that the agent writes.',
    table(
      ['after', 'resident', 'of that anonymous', 'of files', 'peak so far'],
      steps.map(([step, figures]) => [
        step,
        ...[figures.residentMiB, figures.anonymousMiB, figures.fileMiB, figures.peakMiB].map((each) => each.toFixed(1)),
      ]),
    ),
  ].join('\n\n');
};

const renderKubernetes = ({ machine, settings, runs }: KubernetesResult): string =>
  [
    '## The agent and an API server',
    renderMachine(machine),
    `\`shunt run\` as in a Pod, against an API server of this machine over TLS, with ${count(settings.services)} Services and ` +
      `${count(settings.services * settings.endpointsPerService)} endpoints as a cluster has them, 2.5 KB a Service and 4.4 KB ` +
      `an EndpointSlice. Then ${count(settings.events)} changes of one EndpointSlice each, ${count(settings.perSecond)} a ` +
      'second: from the write of the server to the entry in the kernel, which the server looks at all the time. CPU time is ' +
      'that of the whole agent from its start; memory is resident, in MiB, and is the peak of all that came before.',
    table(
      ['', ...runs.map(({ watchList }) => (watchList ? 'initial events' : 'lists'))],
      [
        ['CPU until everything is in force, s', ...runs.map(({ cpuS }) => cpuS.toFixed(2))],
        ['event loop blocked at most until then, ms', ...runs.map(({ syncBlockMs }) => syncBlockMs.toFixed(1))],
        ['memory then', ...runs.map(({ syncedMiB }) => syncedMiB.toFixed(1))],
        ['change to kernel, p50, ms', ...runs.map(({ changes }) => changes.p50Ms.toFixed(2))],
        ['change to kernel, p99, ms', ...runs.map(({ changes }) => changes.p99Ms.toFixed(1))],
        ['CPU for a change, us', ...runs.map(({ cpuPerEventUs }) => cpuPerEventUs.toFixed(0))],
        ['event loop blocked at most, ms', ...runs.map(({ eventBlockMs }) => eventBlockMs.toFixed(1))],
        ['memory after the changes', ...runs.map(({ changedMiB }) => changedMiB.toFixed(1))],
        ['of that anonymous', ...runs.map(({ anonymousMiB }) => anonymousMiB.toFixed(1))],
        ['memory, peak', ...runs.map(({ peakMiB }) => peakMiB.toFixed(1))],
      ],
    ),
  ].join('\n\n');
