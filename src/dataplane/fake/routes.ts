import type { ChoiceRule, Client } from '../../core/model/desired.ts';
import { type Part, partsOf } from '../../core/plan/answer.ts';
import { CLOSING, frontendFor } from '../../core/plan/have.ts';
import { identityKey } from '../../core/plan/identity.ts';
import type { FrontendKey, FrontendWrite, ServiceWrite, TableReader } from '../../core/plan/transaction.ts';
import type { Memory } from './memory.ts';

/** Where a frontend leads. */
export interface Route extends FrontendKey {
  /** Identity of the Service port, as 16 hexadecimal digits. */
  readonly service: string;
  readonly affinityTimeoutS: number;
  /** What clients keep to is kept apart for each. */
  readonly kept: Pick<FrontendWrite, 'scope' | 'variant'>;
  readonly clientLevels: number;
  readonly choice: ChoiceRule | undefined;
  readonly isMeasured: boolean;
  /** By `address:port`, over all arms; what is missing to 1 is refused. */
  readonly shares: ReadonlyMap<string, number>;
  readonly arms?: readonly RouteArm[];
}

export interface RouteArm {
  /** Identity of its record. */
  readonly service: string;
  readonly choice: ChoiceRule | undefined;
  readonly share: number;
  /** Of all connections, not only of its own. */
  readonly shares: ReadonlyMap<string, number>;
}

export const routesOf = (tables: TableReader): readonly Route[] =>
  Array.from(tables.frontends(), (frontend) => routeOf(tables, frontend));

/** That of a client of this node, or of everybody; undefined: left alone. */
export const routeFor = (memory: Memory, key: FrontendKey, client?: Client): Route | undefined => {
  const frontend = frontendFor((asked) => memory.frontend(asked), key, client);
  return frontend === undefined ? undefined : routeOf(memory, frontend);
};

const routeOf = (tables: TableReader, frontend: FrontendWrite): Route => {
  const { address, port, protocol, client, service, scope, variant, clientLevels = 0 } = frontend;
  const { identity, affinityTimeoutS, choice, measured = false } = tables.service(service);
  const parts = partsOf(tables, frontend);
  return {
    address,
    port,
    protocol,
    ...(client !== undefined && { client }),
    service: identityKey(identity),
    affinityTimeoutS,
    kept: { scope, ...(variant !== undefined && { variant }) },
    clientLevels,
    choice,
    isMeasured: measured,
    shares: byEndpoint(tables, parts),
    ...(frontend.arms && { arms: parts.map((part) => armOf(tables, part)) }),
  };
};

const armOf = (tables: TableReader, part: Part): RouteArm => {
  const { identity, choice } = tables.service(part.service);
  return { service: identityKey(identity), choice, share: part.share, shares: byEndpoint(tables, [part]) };
};

const byEndpoint = (tables: TableReader, parts: readonly Part[]): ReadonlyMap<string, number> => {
  const result = new Map<string, number>();
  for (const { backends } of parts) {
    for (const [index, share] of backends) {
      const { address, port } = tables.backend(index);
      const name = endpointName(address, port);
      result.set(name, (result.get(name) ?? 0) + share);
    }
  }
  return result;
};

/**
 * Such as `10.96.0.10:80/TCP -> 3f6c...: 25.0000% 10.1.0.1:8080, 75.0000% 10.1.0.2:8080`, or with arms
 * `... for client 4711 -> 3f6c... variant 7: 5.0000% by 90ab... RoundRobin (5.0000% 10.1.0.1:8080), 95.0000% by ...`.
 */
export const renderRoute = (route: Route): string => {
  const { address, port, protocol, client, service, affinityTimeoutS, kept, choice, shares, arms } = route;
  const asked = protocol === CLOSING.protocol ? `all else at ${address}` : `${endpointName(address, port)}/${protocol}`;
  const by = client === undefined ? asked : `${asked} for client ${client}`;
  const affinity = affinityTimeoutS > 0 ? ` affinity ${affinityTimeoutS}s` : '';
  const variant = kept.variant === undefined ? '' : ` variant ${kept.variant}`;
  const answer =
    arms === undefined
      ? renderShares(shares)
      : arms
          .map(
            (arm) => `${percent(arm.share)} by ${arm.service}${renderChoice(arm.choice)} (${renderShares(arm.shares)})`,
          )
          .join(', ');
  return `${by} -> ${service}${arms === undefined ? renderChoice(choice) : ''}${affinity}${variant}: ${answer}`;
};

const renderShares = (shares: ReadonlyMap<string, number>): string =>
  [...shares]
    .sort()
    .map(([endpoint, share]) => `${percent(share)} ${endpoint}`)
    .join(', ') || 'refused';

const renderChoice = (choice: ServiceWrite['choice']): string => {
  if (choice === undefined || choice.algorithm === 'WeightedRandom') return '';
  return choice.hashOn === 'Pod' ? ` ${choice.algorithm}` : ` ${choice.algorithm} on ${choice.hashOn}`;
};

const percent = (share: number): string => `${(share * 100).toFixed(4)}%`;

export const endpointName = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
