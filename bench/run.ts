import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureAccounting } from './accounting.ts';
import { run } from './command.ts';
import { measureConnect } from './connect.ts';
import { measureConnect4 } from './connect4.ts';
import type { Contender, Path } from './contender.ts';
import { direct, directAgain } from './contenders/direct.ts';
import { iptables } from './contenders/iptables.ts';
import { nftables } from './contenders/nftables.ts';
import { shunt } from './contenders/shunt.ts';
import { openTables } from './kernel.ts';
import { measureKubernetes } from './kubernetes.ts';
import { machineFacts } from './machine.ts';
import { measureMemory } from './memory.ts';
import { cgroupRoot, removeStaleNodes } from './node.ts';
import { type Options, say } from './options.ts';
import { renderBenchmarks, renderDocuments } from './report.ts';
import type {
  AccountingResult,
  BenchmarkResult,
  Connect4Result,
  ConnectMeasurement,
  ConnectResult,
  KubernetesFigures,
  KubernetesResult,
  MemoryResult,
  ScaleResult,
  ScrapeFigures,
  ScrapeResult,
} from './results.ts';
import { runSameNode } from './same-node/same-node.ts';
import { measureScale } from './scale.ts';
import { measureScrape } from './scrape.ts';
import { keepResult, readResults } from './store.ts';
import { runCanary, runDisruption, runPicks, runSlowBackend, runSlowStart } from './traffic.ts';
import type { TruthResult } from './truth/results.ts';
import { measureTruth } from './truth/truth.ts';

const USAGE = `usage: run.ts [--only BENCH] [--sizes 10,1000,10000] [--rounds N] [--seed N] [--no-write]

Measures, prints the figures, keeps them in bench/results/ and makes docs/benchmarks.md and its plots from them.
--no-write only prints. Needs root, makes network namespaces and cgroups of its own, and removes them.
`;

/** The first is what the others are compared with. */
const CONNECT_CONTENDERS: readonly Contender[] = [
  direct,
  directAgain,
  shunt,
  iptables('nft'),
  iptables('legacy'),
  nftables,
];

/** Compared with a bare program. */
const CONNECT4_CONTENDERS: readonly Contender[] = [shunt];

const ROUNDS = 60;
const PATHS: readonly Path[] = ['pods', 'loopback'];
const ROOT = new URL('../', import.meta.url);

type Bench = BenchmarkResult['bench'];
type Measure = (options: Options, signal: AbortSignal) => Promise<BenchmarkResult>;

const main = async (signal: AbortSignal): Promise<void> => {
  const { benches, options, write } = readArguments();
  if (process.getuid?.() !== 0)
    throw new Error('the benchmarks need root: they make network namespaces and load rules');
  say(`seed ${options.seed}`);
  for (const programs of ['.', '../test/helpers/'])
    await run('make', ['-s', '-C', fileURLToPath(new URL(programs, import.meta.url))]);
  await removeStaleNodes();
  const results: BenchmarkResult[] = [];
  for (const bench of benches) {
    const result = await MEASURE[bench](options, signal);
    results.push(result);
    if (write) keepResult(result);
  }
  process.stdout.write(renderBenchmarks(results));
  if (!write) return;
  for (const [path, text] of Object.entries(renderDocuments(readResults()))) writeFileSync(new URL(path, ROOT), text);
};

const runConnect = async ({ sizes, rounds, seed }: Options, signal: AbortSignal): Promise<ConnectResult> => {
  const settings = {
    seed,
    rounds,
    connectsPerRound: 500,
    burstConnects: 1000,
    burstThreads: 4,
    endpointsPerService: 3,
  };
  const measurements: ConnectMeasurement[] = [];
  for (const path of PATHS) {
    for (const services of sizes) {
      say(`connect: ${path}, ${services} Services`);
      measurements.push(await measureConnect(CONNECT_CONTENDERS, path, services, settings, signal));
    }
  }
  const contenders = await Promise.all(
    CONNECT_CONTENDERS.map(async ({ name, describe }) => ({ name, description: await describe() })),
  );
  return { bench: 'connect', machine: await machineFacts(), settings, contenders, measurements };
};

const runConnect4 = async ({ sizes, rounds, seed }: Options, signal: AbortSignal): Promise<Connect4Result> => {
  const settings = { seed, rounds, connectsPerRound: 1000, services: Math.max(...sizes), endpointsPerService: 3 };
  say(`connect4: ${settings.services} Services`);
  const contenders = await measureConnect4(CONNECT4_CONTENDERS, settings, signal);
  return { bench: 'connect4', machine: await machineFacts(), settings, contenders };
};

const runScale = async ({ sizes, seed }: Options, signal: AbortSignal): Promise<ScaleResult> => {
  const settings = { services: Math.max(...sizes), endpointsPerService: 10, repetitions: 5, changes: 1000, seed };
  say(`scale: ${settings.services} Services`);
  // Nothing is attached: the tables alone are measured.
  const cgroup = await cgroupRoot();
  const measured = await measureScale((capacity) => openTables(cgroup, capacity), settings, signal);
  return { bench: 'scale', machine: await machineFacts(), settings, ...measured };
};

const runMemory = async ({ sizes }: Options, signal: AbortSignal): Promise<MemoryResult> => {
  const settings = { services: Math.max(...sizes), endpointsPerService: 10, scrapes: 5, changes: 200 };
  say(`memory: ${settings.services} Services`);
  const measured = await measureMemory(settings, signal);
  return { bench: 'memory', machine: await machineFacts(), settings, ...measured };
};

const runKubernetes = async ({ sizes }: Options, signal: AbortSignal): Promise<KubernetesResult> => {
  const settings = {
    services: Math.max(...sizes),
    endpointsPerService: 10,
    events: 6000,
    perSecond: 1000,
    restMs: 2000,
  };
  const runs: KubernetesFigures[] = [];
  for (const watchList of [true, false]) {
    say(`kubernetes: ${settings.services} Services, by ${watchList ? 'initial events' : 'lists'}`);
    runs.push(await measureKubernetes(settings, watchList, signal));
  }
  return { bench: 'kubernetes', machine: await machineFacts(), settings, runs };
};

const runAccounting = async ({ sizes, rounds, seed }: Options, signal: AbortSignal): Promise<AccountingResult> => {
  const settings = { seed, rounds, connectsPerRound: 1000, services: Math.max(...sizes), endpointsPerService: 3 };
  say(`accounting: ${settings.services} Services`);
  const measured = await measureAccounting(settings, signal);
  return { bench: 'accounting', machine: await machineFacts(), settings, ...measured };
};

const runScrape = async ({ sizes }: Options, signal: AbortSignal): Promise<ScrapeResult> => {
  const settings = {
    services: Math.max(...sizes),
    endpointsPerService: 10,
    usedServices: 1024,
    containers: [1, 16],
    askedBetween: 100,
    scrapes: 20,
  };
  say(`scrape: ${settings.services} Services`);
  const cases: ScrapeFigures[] = [];
  for (const containers of settings.containers) cases.push(await measureScrape(settings, containers, signal));
  return { bench: 'scrape', machine: await machineFacts(), settings, cases };
};

const runTruth = async ({ seed }: Options, signal: AbortSignal): Promise<TruthResult> => {
  const settings = { seed, connections: 1_000_000, threads: 2, kept: 8, talks: 20_000 };
  const measured = await measureTruth(settings, signal);
  return { bench: 'truth', machine: await machineFacts(), settings, ...measured };
};

const MEASURE: Readonly<Record<Bench, Measure>> = {
  connect: runConnect,
  connect4: runConnect4,
  picks: runPicks,
  'slow-backend': runSlowBackend,
  disruption: runDisruption,
  canary: runCanary,
  'slow-start': runSlowStart,
  scale: runScale,
  memory: runMemory,
  kubernetes: runKubernetes,
  'same-node': runSameNode,
  accounting: runAccounting,
  scrape: runScrape,
  truth: runTruth,
};

const readArguments = (): { benches: readonly Bench[]; options: Options; write: boolean } => {
  const all = Object.keys(MEASURE) as Bench[];
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string' },
        sizes: { type: 'string', default: '10,1000,10000' },
        rounds: { type: 'string', default: String(ROUNDS) },
        seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
        'no-write': { type: 'boolean', default: false },
      },
    });
    const benches = all.filter((bench) => values.only === undefined || bench === values.only);
    const options = {
      sizes: values.sizes.split(',').map(Number),
      rounds: Number(values.rounds),
      seed: Number(values.seed),
    };
    const numbers = [...options.sizes, options.rounds, options.seed + 1];
    if (benches.length === 0 || !numbers.every((number) => Number.isInteger(number) && number > 0)) {
      throw new RangeError(`a figure that is no positive integer, or no benchmark of ${all.join(', ')}`);
    }
    return { benches, options, write: !values['no-write'] };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}`);
    process.exit(2);
  }
};

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(name));
try {
  await main(stop.signal);
} catch (error) {
  if (!stop.signal.aborted) throw error;
  say(`ended by ${stop.signal.reason}, nothing is left behind`);
  process.exitCode = 1;
}
