import { keyOf } from '../cluster/keys.ts';
import type { Cluster } from '../cluster.ts';
import type { DesiredEndpoint } from '../model/desired.ts';
import type { ServiceObject, TrafficPolicyObject } from '../model/objects.ts';
import { aliveKey } from './alive.ts';
import { STANDING, standingOf } from './standing.ts';

/** What `desire` needs to know about time. */
export interface SlowStart {
  readonly nowMs: number;
  /**
   * When an endpoint of the Service (`namespace/name`) became able to answer, on the clock of `nowMs`; undefined: it is
   * not new.
   */
  readonly since: (service: string, address: string, port: number) => number | undefined;
}

/**
 * Endpoints of Services that have a slow start, by Service and `aliveKey`. Nothing is kept of other Services. Only
 * `noteStarts` writes.
 */
export type Starts = Map<string, ReadonlyMap<string, Start>>;

export interface Start {
  /** When it became able to answer; -Infinity if it was there when the Service was first looked at. */
  readonly sinceMs: number;
  readonly pod: string;
  /** Since when no slice lists it. */
  readonly goneMs?: number;
}

/**
 * Call with every Service whose objects changed, before any of them is desired: an arm's endpoints are known by the
 * arm's own Service.
 */
export const noteStarts = (starts: Starts, cluster: Cluster, key: string, nowMs: number): void => {
  const service = cluster.services.get(key);
  if (service === undefined || !startsSlowly(cluster, key)) {
    starts.delete(key);
    return;
  }
  const before = starts.get(key);
  const after = new Map<string, Start>();
  const unable = new Set<string>();
  for (const { socket, pod, isAble } of socketsOf(cluster, service)) {
    const known = before?.get(socket);
    const isSame = known?.pod === pod && mayBeMoving(known, nowMs);
    const sinceMs = before === undefined ? Number.NEGATIVE_INFINITY : isSame ? known.sinceMs : nowMs;
    if (isAble) after.set(socket, { sinceMs, pod });
    else unable.add(socket);
  }
  for (const [socket, start] of before ?? []) {
    if (after.has(socket) || unable.has(socket)) continue;
    const gone = { ...start, goneMs: start.goneMs ?? nowMs };
    if (mayBeMoving(gone, nowMs)) after.set(socket, gone);
  }
  starts.set(key, after);
};

/**
 * Whoever writes the slices may take an endpoint out of one before it is in another: a Pod that comes back within this
 * time, and was not seen unready, was there all along.
 */
const MOVE_MAX_MS = 2000;

const mayBeMoving = ({ goneMs }: Start, nowMs: number): boolean =>
  goneMs === undefined || nowMs - goneMs <= MOVE_MAX_MS;

export const slowStartAt = (starts: Starts, nowMs: number): SlowStart => ({
  nowMs,
  since: (service, address, port) => {
    const sinceMs = starts.get(service)?.get(aliveKey(address, port))?.sinceMs;
    return sinceMs === Number.NEGATIVE_INFINITY ? undefined : sinceMs;
  },
});

/** Collects when the weights that were worked out must be worked out again; Infinity: not by the clock. */
export interface Ramps {
  readonly slowStart: SlowStart | undefined;
  againMs: number;
}

/**
 * The weights of a choice while endpoints of it are new: a new one begins with a tenth of its weight, which rises evenly
 * over `slowStartMs`. As long as one of them rises all weights are a hundredfold, so that tenths can be told; each share
 * is then within a point of the exact one.
 */
export const ramped = (
  endpoints: readonly DesiredEndpoint[],
  service: ServiceObject,
  policy: TrafficPolicyObject | undefined,
  ramps: Ramps,
): readonly DesiredEndpoint[] => {
  const { slowStart } = ramps;
  const overMs = policy?.slowStartMs ?? 0;
  if (slowStart === undefined || overMs === 0) return endpoints;
  const key = keyOf(service);
  const ages = endpoints.map(({ address, port }) => {
    const sinceMs = slowStart.since(key, address, port);
    return sinceMs === undefined ? overMs : Math.max(0, slowStart.nowMs - sinceMs);
  });
  if (ages.every((ageMs) => ageMs >= overMs)) return endpoints;
  const weighed = endpoints.map((endpoint, index) => {
    const factor = factorAt(ages[index] ?? overMs, overMs);
    return { ...endpoint, weight: Math.max(1, Math.round(FOLD * endpoint.weight * factor)) };
  });
  ramps.againMs = Math.min(ramps.againMs, againAfterMs(endpoints, ages, overMs));
  return weighed;
};

/** Of its weight, that of an endpoint of this age: 0.1 to 1. */
export const factorAt = (ageMs: number, overMs: number): number =>
  FIRST_FACTOR + (1 - FIRST_FACTOR) * Math.min(1, ageMs / overMs);

const FOLD = 100;
const FIRST_FACTOR = 0.1;

/** No share may move further than this between two looks, and nobody looks more often than that. */
const STEP_SHARE = 0.008;
const STEP_MIN_MS = 20;

/**
 * Shares of those that rise faster than the sum move up, the others down: until those that go up have moved by
 * `STEP_SHARE` together, or one has risen.
 */
const againAfterMs = (endpoints: readonly DesiredEndpoint[], ages: readonly number[], overMs: number): number => {
  const rising = endpoints.map(({ weight }, index) => {
    const ageMs = ages[index] ?? overMs;
    const perMs = ageMs < overMs ? (weight * (1 - FIRST_FACTOR)) / overMs : 0;
    return { weight: weight * factorAt(ageMs, overMs), perMs };
  });
  const total = rising.reduce((sum, { weight }) => sum + weight, 0);
  const totalPerMs = rising.reduce((sum, { perMs }) => sum + perMs, 0);
  const upPerMs = rising.reduce(
    (sum, { weight, perMs }) => sum + Math.max(0, perMs * total - weight * totalPerMs) / total ** 2,
    0,
  );
  const leftMs = Math.min(...ages.filter((ageMs) => ageMs < overMs).map((ageMs) => overMs - ageMs));
  const stepMs = upPerMs === 0 ? leftMs : Math.min(leftMs, STEP_SHARE / upPerMs);
  return Math.ceil(Math.max(STEP_MIN_MS, stepMs));
};

const startsSlowly = ({ policies, destinationRules }: Cluster, key: string): boolean =>
  isSlow(policies.byService.get(key)) || isSlow(destinationRules.byService.get(key));

const isSlow = (policies: readonly TrafficPolicyObject[] = []): boolean =>
  policies.some(({ slowStartMs }) => slowStartMs > 0);

/** Of every port. Able is who is ready, or would be if it did not have to count. */
function* socketsOf({ slices }: Cluster, service: ServiceObject): Generator<Listed> {
  for (const { ports, endpoints } of slices.byService.get(keyOf(service)) ?? []) {
    for (const endpoint of endpoints) {
      const isAble = standingOf(endpoint, service) === STANDING.ready;
      for (const { port } of ports) yield { socket: aliveKey(endpoint.address, port), pod: endpoint.pod, isAble };
    }
  }
}

interface Listed {
  readonly socket: string;
  readonly pod: string;
  readonly isAble: boolean;
}
