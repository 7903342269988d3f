import { shares } from '../../core/plan/alias.ts';
import { CLOSING } from '../../core/plan/have.ts';
import { identityKey } from '../../core/plan/identity.ts';
import { HEADER_SLOTS } from '../../core/plan/range.ts';
import type { FrontendKey, TableReader } from '../../core/plan/transaction.ts';

/** Where a frontend leads. */
export interface Route extends FrontendKey {
  /** Identity of the Service port, as 16 hexadecimal digits. */
  readonly service: string;
  readonly affinityTimeoutS: number;
  /** By `address:port`; empty: refused. */
  readonly shares: ReadonlyMap<string, number>;
}

export const routesOf = (tables: TableReader): readonly Route[] =>
  Array.from(tables.frontends(), ({ address, port, protocol, service, slotBase, slotCount }) => {
    const { identity, affinityTimeoutS } = tables.service(service);
    const byBackend =
      slotCount === 0
        ? new Map<number, number>()
        : shares(tables.slots(slotBase + HEADER_SLOTS, slotCount), 0, slotCount);
    const byEndpoint = new Map<string, number>();
    for (const [index, share] of byBackend) {
      const backend = tables.backend(index);
      const name = endpointName(backend.address, backend.port);
      byEndpoint.set(name, (byEndpoint.get(name) ?? 0) + share);
    }
    return { address, port, protocol, service: identityKey(identity), affinityTimeoutS, shares: byEndpoint };
  });

/** Such as `10.96.0.10:80/TCP -> 3f6c...: 25.0000% 10.1.0.1:8080, 75.0000% 10.1.0.2:8080`. */
export const renderRoute = ({ address, port, protocol, service, affinityTimeoutS, shares }: Route): string => {
  const affinity = affinityTimeoutS > 0 ? ` affinity ${affinityTimeoutS}s` : '';
  const targets = [...shares].sort().map(([endpoint, share]) => `${(share * 100).toFixed(4)}% ${endpoint}`);
  const asked = protocol === CLOSING.protocol ? `all else at ${address}` : `${endpointName(address, port)}/${protocol}`;
  return `${asked} -> ${service}${affinity}: ${targets.join(', ') || 'refused'}`;
};

export const endpointName = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
