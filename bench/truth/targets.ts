import { NOWHERE, SERVICE_PORT, SERVICES, type TruthService } from './objects.ts';

/** What clients ask: a Service by one of its addresses, and how often, of all attempts. */
export interface Target {
  readonly kind: string;
  readonly service: TruthService;
  readonly family: 4 | 6;
  readonly weight: number;
  /** Where there is but one; 0: the answer says which. */
  readonly server: number;
  /** Why it is rejected, where it is. */
  readonly reason?: 'no_endpoints' | 'no_port' | 'route';
  readonly port: number;
}

const both = (
  kind: string,
  service: TruthService,
  weight: number,
  rest: Partial<Pick<Target, 'server' | 'reason' | 'port'>> = {},
): readonly Target[] =>
  ([4, 6] as const).map((family) => ({ kind, service, family, weight, server: 0, port: SERVICE_PORT, ...rest }));

/** In the order in which `truth ask` gets them. Percent, both families together. */
export const TARGETS: readonly Target[] = [
  ...both('answers', SERVICES.web, 20),
  ...both('routed', SERVICES.api, 9, { reason: 'route' }),
  ...both('closed', SERVICES.closed, 5, { server: 1 }),
  ...both('silent', SERVICES.silent, 5, { server: 2 }),
  ...both('unreachable', SERVICES.nowhere, 3, { server: NOWHERE.number }),
  ...both('rejects', SERVICES.empty, 2, { reason: 'no_endpoints' }),
  ...both('rejects', SERVICES.web, 1, { reason: 'no_port', port: 81 }),
  ...both('datagrams', SERVICES.names, 5),
];

/** Of those who keep their connections. */
export const KEPT_TARGETS: readonly Target[] = both('keeps', SERVICES.kept, 0);

export const targetArgument = ({ kind, service, family, weight, server, port }: Target): string =>
  [kind, weight, server, service.addresses[family === 4 ? 0 : 1], port].join(',');
