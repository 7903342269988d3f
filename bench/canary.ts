import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Agent, makeAgentPlace, replaceFile, replaceObjects } from './agent.ts';
import {
  type GeneratedService,
  generateServices,
  serviceManifest,
  serviceObject,
  sliceManifest,
  sliceObjects,
} from './generate.ts';
import { createBenchNode } from './node.ts';
import { FIRST_SERVER, startRequests, startServers } from './requests.ts';
import type { CanaryResult, CanarySettings } from './results.ts';
import { quantile, seededRandom } from './statistics.ts';

/**
 * The share of a canary, edited many times in its TCPRoute while clients ask all the time: `shunt run` on a directory of
 * objects. A window counts requests that begin once an edit is in force and end before the next one.
 */
export const measureCanary = async (
  settings: CanarySettings,
  signal: AbortSignal,
): Promise<Pick<CanaryResult, 'requests' | 'failed' | 'windows' | 'inForceMs'>> => {
  await using cleanup = new AsyncDisposableStack();
  const [stable, canary] = servicesOf();
  const node = cleanup.use(await createBenchNode('canary'));
  const plans = [stable, canary].flatMap(({ endpoints }) =>
    endpoints.map(({ address }) => ({ address, serviceUs: 0, workers: WORKERS })),
  );
  await startServers(node, plans, cleanup);
  const cgroup = await node.addCgroup('clients');
  const place = await makeAgentPlace('canary', cleanup, cgroup);
  const file = join(place.objects, 'route.json');
  await writeServices(place.objects, [stable, canary]);
  await replaceFile(file, routeText(PERCENT_MIN));
  const agent = new Agent(place.objects, place);
  cleanup.defer(() => agent.stop());
  await agent.ready();

  const requests = cleanup.use(startRequests(node, { in: 'client', cgroup }, `${stable.address}:${stable.port}`));
  await requests.start(settings.clients);
  const windows: CanaryResult['windows'][number][] = [];
  const inForceMs: number[] = [];
  for (const percent of percentsOf(settings)) {
    signal.throwIfAborted();
    const applied = agent.next('applied');
    const startedMs = performance.now();
    await replaceFile(file, routeText(percent));
    await applied;
    inForceMs.push(performance.now() - startedMs);
    const by = await requests.window(settings.requests);
    windows.push({ percent, canary: canary.endpoints.reduce((sum, { address }) => sum + (by.get(address) ?? 0), 0) });
  }
  const total = await requests.stop();
  const at = (fraction: number): number => Number(quantile(inForceMs, fraction).toFixed(1));
  return {
    requests: total.requests,
    failed: total.failed,
    windows,
    inForceMs: { p50: at(0.5), p99: at(0.99), max: at(1) },
  };
};

/** Any of these, and never the same twice in a row: what is left of the edit before shows. */
const percentsOf = ({ seed, edits }: CanarySettings): number[] => {
  const random = seededRandom(seed);
  const percents: number[] = [];
  while (percents.length < edits) {
    const percent = PERCENT_MIN + Math.floor(random() * (PERCENT_MAX - PERCENT_MIN + 1));
    if (percent !== (percents.at(-1) ?? PERCENT_MIN)) percents.push(percent);
  }
  return percents;
};

const PERCENT_MIN = 5;
const PERCENT_MAX = 50;
const WORKERS = 4;
const NAMESPACE = 'shop';

const servicesOf = (): [GeneratedService, GeneratedService] => {
  const [stable, canary] = generateServices({ services: 2, endpointsPerService: 2, firstEndpoint: FIRST_SERVER });
  if (stable === undefined || canary === undefined) throw new Error('two Services are needed');
  return [
    { ...stable, namespace: NAMESPACE, name: 'cart' },
    { ...canary, namespace: NAMESPACE, name: 'cart-canary' },
  ];
};

const writeServices = (objects: string, services: readonly GeneratedService[]): Promise<void> => {
  const items = services.flatMap((service) => [
    serviceManifest(serviceObject(service)),
    ...sliceObjects(service).map(sliceManifest),
  ]);
  return replaceObjects(join(objects, 'services.json'), items);
};

const routeText = (percent: number): string =>
  JSON.stringify({
    apiVersion: 'gateway.networking.k8s.io/v1alpha2',
    kind: 'TCPRoute',
    metadata: { name: 'cart', namespace: NAMESPACE },
    spec: {
      parentRefs: [{ group: '', kind: 'Service', name: 'cart', port: 80 }],
      rules: [
        {
          backendRefs: [
            { name: 'cart', port: 80, weight: 100 - percent },
            { name: 'cart-canary', port: 80, weight: percent },
          ],
        },
      ],
    },
  });
