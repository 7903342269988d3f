import type { ServicePort } from '../model/objects.ts';
import type { ServiceInput } from './desire.ts';
import { targetOf } from './ports.ts';

/**
 * Where somebody may still answer for this port of the Service, by `aliveKey`. That is more than where new connections go:
 * drained endpoints, those that shut down but serve, and those of other nodes or zones are alive. Only what no
 * EndpointSlice lists as serving is gone.
 */
export const aliveEndpoints = (
  { service, slices }: Pick<ServiceInput, 'service' | 'slices'>,
  port: Pick<ServicePort, 'name' | 'protocol'>,
): ReadonlySet<string> => {
  const alive = new Set<string>();
  for (const slice of slices) {
    const target = targetOf(slice, port);
    if (target === undefined) continue;
    for (const { address, ready, serving } of slice.endpoints) {
      if (ready || serving || service.publishNotReadyAddresses) alive.add(aliveKey(address, target.port));
    }
  }
  return alive;
};

export const aliveKey = (address: string, port: number): string => `${address} ${port}`;
