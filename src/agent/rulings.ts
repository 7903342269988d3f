import { routeKeyOf } from '../core/cluster/keys.ts';
import { type Cluster, inputFor } from '../core/cluster.ts';
import { clienteleText } from '../core/desire/clientele.ts';
import type { ServiceInput } from '../core/desire/desire.ts';
import type { Ruling } from '../core/desire/ruling.ts';
import { rulingsAt } from '../core/desire/rulings.ts';
import type { DesiredPort } from '../core/model/desired.ts';

/** What counts for everybody, or for some clients. */
export interface RulingView {
  /** Shares the connections: `TCPRoute shop/canary`. */
  readonly route?: string;
  /** What sets these clients apart: `namespace checkout, ring=testers`. */
  readonly clients?: string;
}

/** By `DesiredGroup.variant`; at 0 what counts for everybody. What is neither shared nor set apart is not there. */
export const rulingViews = (cluster: Cluster, id: DesiredPort['id']): ReadonlyMap<number, RulingView> => {
  const [namespace = '', name = ''] = id.split('/');
  const key = `${namespace}/${name}`;
  if (!cluster.routes.byParent.has(key) && !cluster.policies.byService.has(key)) return NONE;
  const input = inputFor(cluster, key);
  if (input === undefined) return NONE;
  return new Map([...rulingsAt(input, id)].map(([variant, ruling]) => [variant, viewOf(ruling, input)]));
};

const NONE: ReadonlyMap<number, RulingView> = new Map();

const viewOf = (ruling: Ruling, { service }: ServiceInput): RulingView => {
  const { route } = ruling;
  const clients = clienteleText(ruling, service);
  return {
    ...(route === undefined ? {} : { route: routeKeyOf(route.route) }),
    ...(clients === undefined ? {} : { clients }),
  };
};
