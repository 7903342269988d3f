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
import type { SlowStartResult, SlowStartSettings } from './results.ts';

/**
 * A Service with a slow start gets one endpoint more while clients ask all the time: what share of the requests it gets,
 * window by window, and what share the ramp gives it. `shunt run` on a directory of objects.
 */
export const measureSlowStart = async (
  settings: SlowStartSettings,
  signal: AbortSignal,
): Promise<SlowStartResult['windows']> => {
  await using cleanup = new AsyncDisposableStack();
  const size = { services: 1, endpointsPerService: settings.backends, firstEndpoint: FIRST_SERVER };
  const [service] = generateServices(size) as [GeneratedService];
  const node = cleanup.use(await createBenchNode('start'));
  const plans = service.endpoints.map(({ address }) => ({ address, serviceUs: 0, workers: WORKERS }));
  await startServers(node, plans, cleanup);
  const cgroup = await node.addCgroup('clients');
  const place = await makeAgentPlace('start', cleanup, cgroup);
  const slices = join(place.objects, 'slices.json');
  await replaceFile(join(place.objects, 'service.json'), JSON.stringify(serviceManifest(serviceObject(service))));
  await replaceFile(join(place.objects, 'policy.json'), policyText(service, settings.durationMs));
  await replaceObjects(slices, slicesOf(service, service.endpoints[0]?.address));
  const agent = new Agent(place.objects, place);
  cleanup.defer(() => agent.stop());
  await agent.ready();

  const requests = cleanup.use(startRequests(node, { in: 'client', cgroup }, `${service.address}:${service.port}`));
  await requests.start(settings.clients);
  const applied = agent.next('applied');
  await replaceObjects(slices, slicesOf(service));
  await applied;
  const startMs = performance.now();
  const windows: SlowStartResult['windows'][number][] = [];
  const [added = { address: '' }] = service.endpoints;
  for (let atMs = 0; atMs < settings.durationMs * AFTERWARDS; ) {
    signal.throwIfAborted();
    const fromMs = performance.now() - startMs;
    const by = await requests.window(settings.requests);
    const untilMs = performance.now() - startMs;
    atMs = (fromMs + untilMs) / 2;
    windows.push({
      atMs: Math.round(atMs),
      share: round((by.get(added.address) ?? 0) / settings.requests),
      ramp: round(rampedShare(atMs, settings)),
    });
  }
  const { failed, error } = await requests.stop();
  if (failed > 0) throw new Error(`${failed} requests failed: ${error}`);
  return windows;
};

/** Of a new endpoint beside others of the same weight: a tenth of it at first, then evenly up to the whole. */
export const rampedShare = (
  atMs: number,
  { durationMs, backends }: Pick<SlowStartSettings, 'durationMs' | 'backends'>,
): number => {
  const factor = FIRST_FACTOR + (1 - FIRST_FACTOR) * Math.min(1, atMs / durationMs);
  return factor / (factor + backends - 1);
};

const FIRST_FACTOR = 0.1;
/** How long it is looked at, in durations of the ramp. */
const AFTERWARDS = 1.2;
const WORKERS = 4;

/** An endpoint that is missing takes nobody's Pod: another Pod at an address is new, too. */
const slicesOf = (service: GeneratedService, missing?: string): object[] =>
  sliceObjects(service).map((slice) =>
    sliceManifest({ ...slice, endpoints: slice.endpoints.filter(({ address }) => address !== missing) }),
  );

const policyText = ({ namespace, name }: GeneratedService, durationMs: number): string =>
  JSON.stringify({
    apiVersion: 'shunt.dev/v1alpha1',
    kind: 'TrafficPolicy',
    metadata: { name, namespace },
    spec: {
      targetRefs: [{ group: '', kind: 'Service', name }],
      slowStart: { duration: `${durationMs / 1000}s` },
    },
  });

const round = (share: number): number => Number(share.toFixed(4));
