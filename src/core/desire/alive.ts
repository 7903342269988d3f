import type { EndpointSliceObject, ServiceObject, ServicePort } from '../model/objects.ts';
import { isAttached } from '../route/attached.ts';
import { backendOf } from '../route/backend.ts';
import type { RouteInput, ServiceInput } from './desire.ts';
import { isServed, type ServedPort, targetOf } from './ports.ts';

/**
 * Where somebody may still answer for this port of the Service, by `aliveKey`. That is more than where new connections go:
 * drained endpoints, those that shut down but serve, and those of other nodes or zones are alive, and so are those of
 * every backend of its routes, whatever its weight. Only what no EndpointSlice of these lists as serving is gone.
 */
export const aliveEndpoints = (
  { service, slices, routes = [] }: Pick<ServiceInput, 'service' | 'slices' | 'routes'>,
  port: Pick<ServicePort, 'name' | 'protocol'>,
): ReadonlySet<string> => {
  const alive = new Set<string>();
  addAlive(alive, service, slices, port);
  const own = service.ports.filter(isServed).find((each) => each.name === port.name && each.protocol === port.protocol);
  if (own !== undefined) for (const route of routes) addBackends(alive, route, service, own);
  return alive;
};

export const aliveKey = (address: string, port: number): string => `${address} ${port}`;

const addAlive = (
  alive: Set<string>,
  service: ServiceObject,
  slices: readonly EndpointSliceObject[],
  port: Pick<ServicePort, 'name' | 'protocol'>,
): void => {
  for (const slice of slices) {
    const target = targetOf(slice, port);
    if (target === undefined) continue;
    for (const { address, ready, serving } of slice.endpoints) {
      if (ready || serving || service.publishNotReadyAddresses) alive.add(aliveKey(address, target.port));
    }
  }
};

const addBackends = (alive: Set<string>, input: RouteInput, service: ServiceObject, port: ServedPort): void => {
  if (!isAttached(input.route, service, port)) return;
  for (const backend of input.backends) {
    const found = backendOf(backend, port.protocol);
    if (found.outcome === 'found') addAlive(alive, found.answers.service, found.answers.slices, found.port);
  }
};
