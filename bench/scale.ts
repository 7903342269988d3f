import { performance } from 'node:perf_hooks';
import type { Cluster } from '../src/core/cluster.ts';
import type { EndpointSliceObject } from '../src/core/model/objects.ts';
import type { Capacity } from '../src/core/plan/transaction.ts';
import type { Dataplane } from '../src/dataplane/dataplane.ts';
import { type Control, capacityFor, createControl, eventsOf, portionsOf } from './control.ts';
import { type GeneratedService, generateServices } from './generate.ts';
import type { ScaleResult, ScaleSettings } from './results.ts';
import { median, quantile, seededRandom } from './statistics.ts';

/**
 * What the agent's own work costs at size: from objects as sources hand them over to tables that hold them. First the
 * whole cluster into empty tables, then one EndpointSlice at a time: an endpoint that leaves and, later, comes back.
 */
export const measureScale = async (
  openTables: (capacity: Capacity) => Promise<{ readonly dataplane: Dataplane } & AsyncDisposable>,
  settings: ScaleSettings,
  signal: AbortSignal,
): Promise<Pick<ScaleResult, 'program' | 'change'>> => {
  const services = generateServices(settings);
  const programs: ProgramTimes[] = [];
  const changesMs: number[] = [];
  for (let repetition = 1; repetition <= settings.repetitions; repetition++) {
    signal.throwIfAborted();
    await using tables = await openTables(capacityFor(settings));
    const control = await createControl(tables.dataplane);
    programs.push(program(control, services));
    if (repetition === settings.repetitions) changesMs.push(...(await change(control, services, settings, signal)));
  }
  const over = (field: keyof ProgramTimes) => rounded(median(programs.map((times) => times[field])));
  return {
    program: {
      desireMs: over('desireMs'),
      planMs: over('planMs'),
      writeMs: over('writeMs'),
      totalMs: over('totalMs'),
      cpuMs: over('cpuMs'),
    },
    change: {
      p50Ms: rounded(quantile(changesMs, 0.5)),
      p99Ms: rounded(quantile(changesMs, 0.99)),
      maxMs: rounded(Math.max(...changesMs)),
    },
  };
};

type ProgramTimes = ScaleResult['program'];

const program = (control: Control, services: readonly GeneratedService[]): ProgramTimes => {
  const events = eventsOf(services);
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  const changes = control.desire(events);
  const desireMs = performance.now() - startMs;

  let planMs = 0;
  let writeMs = 0;
  for (const portion of portionsOf(changes)) {
    const plannedFromMs = performance.now();
    const plan = control.plan(portion);
    const writtenFromMs = performance.now();
    control.write(plan);
    planMs += writtenFromMs - plannedFromMs;
    writeMs += performance.now() - writtenFromMs;
  }
  const totalMs = performance.now() - startMs;
  const cpu = process.cpuUsage(cpuBefore);
  return { desireMs, planMs, writeMs, totalMs, cpuMs: (cpu.user + cpu.system) / 1000 };
};

/** Changes after which retired room is waited for and given back; the agent does that in the background. */
const CHANGES_PER_GRACE = 100;

/** Returns the time from each event to the tables, in milliseconds. */
const change = async (
  control: Control,
  services: readonly GeneratedService[],
  settings: ScaleSettings,
  signal: AbortSignal,
): Promise<number[]> => {
  const random = seededRandom(settings.seed);
  const timesMs: number[] = [];
  while (timesMs.length < settings.changes) {
    const service = services[Math.floor(random() * services.length)] as GeneratedService;
    const object = turned(currentSlice(control.cluster, service), random);
    const startMs = performance.now();
    control.write(control.plan(control.desire([{ type: 'put', object }])));
    timesMs.push(performance.now() - startMs);
    if (timesMs.length % CHANGES_PER_GRACE === 0) {
      signal.throwIfAborted();
      await control.giveBack();
    }
  }
  return timesMs;
};

const currentSlice = (cluster: Cluster, service: GeneratedService): EndpointSliceObject => {
  const slice = cluster.slices.byService.get(`${service.namespace}/${service.name}`)?.[0];
  if (slice === undefined) throw new Error(`${service.namespace}/${service.name} has no EndpointSlice`);
  return slice;
};

/** One endpoint, of which the Service has several, becomes ready or not ready. */
const turned = (slice: EndpointSliceObject, random: () => number): EndpointSliceObject => {
  const turning = Math.floor(random() * slice.endpoints.length);
  const endpoints = slice.endpoints.map((endpoint, index) =>
    index === turning ? { ...endpoint, ready: !endpoint.ready, serving: !endpoint.ready } : endpoint,
  );
  return { ...slice, endpoints };
};

const rounded = (ms: number): number => Number(ms.toFixed(3));
