import type { LeftConnections } from './dataplane.ts';

/** One connection to a backend that was retired. */
export interface LeftConnection extends Pick<LeftConnections, 'service' | 'serviceGeneration' | 'address' | 'port'> {
  readonly isPending: boolean;
}

/** Added up by Service and backend. */
export const sumLeft = (connections: readonly LeftConnection[]): readonly LeftConnections[] => {
  const left = new Map<string, LeftConnections>();
  for (const { service, serviceGeneration, address, port, isPending } of connections) {
    const key = `${service} ${serviceGeneration} ${address} ${port}`;
    const { active, pending } = left.get(key) ?? { active: 0, pending: 0 };
    const counts = isPending ? { active, pending: pending + 1 } : { active: active + 1, pending };
    left.set(key, { service, serviceGeneration, address, port, ...counts });
  }
  return [...left.values()];
};
