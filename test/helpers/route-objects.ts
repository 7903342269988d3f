import type { Shares } from '../../src/core/explain.ts';
import type { Client, DesiredArm, DesiredGroup, DesiredPort } from '../../src/core/model/desired.ts';
import type {
  LabelSelector,
  ReferenceGrantObject,
  RouteBackend,
  RouteObject,
  RouteParent,
  TrafficPolicyObject,
} from '../../src/core/model/objects.ts';
import { policy } from './objects.ts';

/** Builders of routes and what belongs to them, as those in objects.ts. */

export const route = (
  backends: readonly BackendFields[],
  { parents = [{}], ...fields }: RouteFields = {},
): RouteObject => ({
  kind: 'TCPRoute',
  apiVersion: 'gateway.networking.k8s.io/v1',
  namespace: 'shop',
  name: 'split',
  createdAtMs: 0,
  generation: 1,
  unsupported: '',
  narrowed: false,
  parents: parents.map((parent) => ({ namespace: 'shop', name: 'web', port: undefined, sectionName: '', ...parent })),
  backends: backends.map((backend) => ({ namespace: 'shop', port: 80, weight: 1, invalidKind: '', ...backend })),
  ...fields,
});

export type RouteFields = Partial<Omit<RouteObject, 'parents' | 'backends'>> & {
  readonly parents?: readonly Partial<RouteParent>[];
};
export type BackendFields = Partial<RouteBackend> & Pick<RouteBackend, 'name'>;

export const grant = (fields: Partial<ReferenceGrantObject> = {}): ReferenceGrantObject => ({
  kind: 'ReferenceGrant',
  namespace: 'bank',
  name: 'shops',
  from: [{ kind: 'TCPRoute', namespace: 'shop' }],
  services: ['*'],
  ...fields,
});

export const labelled = (matchLabels: LabelSelector['matchLabels']): LabelSelector => ({
  matchLabels,
  matchExpressions: [],
});

/** A policy that is for some clients only. */
export const narrowed = (
  matchLabels: LabelSelector['matchLabels'],
  fields: Partial<TrafficPolicyObject> = {},
): TrafficPolicyObject => policy([], { name: 'narrowed', clients: labelled(matchLabels), ...fields });

/** A thousand policies of one Service, each for other clients, and how often anybody read for which. */
export const manyNarrowed = (fields: Partial<TrafficPolicyObject> = {}) => {
  let reads = 0;
  const clientsOf = (name: string): LabelSelector => ({
    matchExpressions: [],
    get matchLabels() {
      reads += 1;
      return { name };
    },
  });
  const names = Array.from({ length: 1000 }, (_, index) => `p${index}`);
  const policies = names.map((name) => policy([], { name, clients: clientsOf(name), ...fields }));
  return { policies, reads: () => reads };
};

export const destinationRule = (fields: Partial<TrafficPolicyObject> = {}): TrafficPolicyObject =>
  policy([], { kind: 'DestinationRule', name: 'rule', ...fields });

export const cgroup = (id: number): Client => ({ cgroup: BigInt(id), level: 3 });

/**
 * One line for each address of each group: `10.96.0.1:80 -> 9 of shop/v1:80 (10.1.0.1:8080=1), 1 of shop/v2:80 (refused)`,
 * for one client `[7] 10.96.0.1:80 -> ...`.
 */
export const answerLines = (ports: readonly DesiredPort[]): readonly string[] =>
  ports.flatMap(({ groups }) =>
    groups.flatMap((group) => {
      const client = group.client === undefined ? '' : `[${group.client.cgroup}] `;
      return group.addresses.map((address) => `${client}${address}:${group.port} -> ${groupText(group)}`);
    }),
  );

const groupText = ({ endpoints, arms }: DesiredGroup): string =>
  arms === undefined ? endpointsText(endpoints) : arms.map(armText).join(', ');

const armText = ({ id, weight, choice, endpoints }: DesiredArm): string => {
  const by = choice.algorithm === 'WeightedRandom' ? '' : ` by ${choice.algorithm}`;
  return `${weight} of ${id}${by} (${endpointsText(endpoints)})`;
};

const endpointsText = (endpoints: DesiredGroup['endpoints']): string =>
  endpoints.map(({ address, port, weight }) => `${address}:${port}=${weight}`).join(' ') || 'refused';

/** A table that holds these shares, and refuses when there are none. */
export const held = (shares: ReadonlyMap<string, number>): Shares => ({ shares, refused: shares.size === 0 ? 1 : 0 });
