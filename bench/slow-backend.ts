import type { Algorithm } from '../src/core/model/objects.ts';
import { shuntBy } from './contenders/shunt.ts';
import { type GeneratedService, generateServices } from './generate.ts';
import { type BenchNode, createBenchNode } from './node.ts';
import { FIRST_SERVER, type Requests, type RunSample, startRequests, startServers } from './requests.ts';
import type { SlowBackendFigures, SlowBackendSettings } from './results.ts';
import { median, ratioOf, seededRandom, shuffled } from './statistics.ts';

/**
 * One backend is slower than the others, and every client waits for its answer before it asks again. Backends serve so
 * many requests at a time, as real ones do: a slow one has a queue. The algorithms take turns with the same servers, each
 * with programs and tables of its own, and begin each round with what they remember of the last.
 */
export const measureSlowBackend = async (
  settings: SlowBackendSettings,
  signal: AbortSignal,
): Promise<readonly SlowBackendFigures[]> => {
  await using cleanup = new AsyncDisposableStack();
  const node = cleanup.use(await createBenchNode('slow'));
  const [service] = generateServices({
    services: 1,
    endpointsPerService: settings.backends,
    firstEndpoint: FIRST_SERVER,
  }) as [GeneratedService];
  await startServers(
    node,
    service.endpoints.map(({ address }, index) => ({
      address,
      serviceUs: index === 0 ? settings.slowUs : settings.serviceUs,
      workers: settings.workers,
    })),
    cleanup,
  );
  const runs: Run[] = [];
  for (const algorithm of ALGORITHMS) {
    runs.push({ algorithm, requests: await clientsOf(node, service, algorithm, cleanup), samples: [] });
  }

  const random = seededRandom(settings.seed);
  for (let round = -1; round < settings.rounds; round++) {
    for (const { requests, samples } of shuffled(runs, random)) {
      signal.throwIfAborted();
      const sample = await requests.run(settings.clients, settings.roundMs);
      // The first is not counted: nothing is known of the backends yet.
      if (round >= 0) samples.push(sample);
    }
  }
  const baseline = runs.find(({ algorithm }) => algorithm === 'WeightedRandom') as Run;
  return runs.map((each) => summarize(each, baseline));
};

/** Not Maglev: clients of one Pod all go to one backend. */
const ALGORITHMS: readonly Algorithm[] = ['WeightedRandom', 'RoundRobin', 'LeastConnections', 'PeakEwma'];

interface Run {
  readonly algorithm: Algorithm;
  readonly requests: Requests;
  readonly samples: RunSample[];
}

const clientsOf = async (
  node: BenchNode,
  service: GeneratedService,
  algorithm: Algorithm,
  cleanup: AsyncDisposableStack,
): Promise<Requests> => {
  const cgroup = await node.addCgroup(`client-${algorithm}`);
  const prepared = cleanup.use(await shuntBy(algorithm, algorithm).setUp({ node, cgroup, services: [service] }));
  const [target = ''] = prepared.addressesOf(service);
  return cleanup.use(startRequests(node, { in: 'client', cgroup }, target));
};

const QUANTILES = ['p50', 'p75', 'p90', 'p95', 'p99', 'p999'] as const;

const summarize = ({ algorithm, samples }: Run, baseline: Run): SlowBackendFigures => ({
  algorithm,
  perSecond: Math.round(median(samples.map(({ perSecond }) => perSecond))),
  tookMs: Object.fromEntries(
    QUANTILES.map((quantile) => [
      quantile,
      Number((median(samples.map((sample) => sample[quantile])) / 1000).toFixed(2)),
    ]),
  ),
  againstRandom: ratioOf(p99(samples), p99(baseline.samples)),
});

const p99 = (samples: readonly RunSample[]): number[] => samples.map((sample) => sample.p99);
