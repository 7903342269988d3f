import { routesAt } from '../cluster/input.ts';
import { keyOf, routeKeyOf } from '../cluster/keys.ts';
import type { Cluster } from '../cluster.ts';
import { compareText } from '../desire/order.ts';
import { type Judgement, judge } from '../route/judge.ts';
import { rank } from '../route/precedence.ts';
import type { Decision } from './decision.ts';

/** A route that has the Service as its parent and is not in force there: its condition Accepted is False. */
export interface IdleRoute {
  /** `TCPRoute shop/split` */
  readonly route: string;
  /** `spec.parentRefs[0]` */
  readonly parent: string;
  /** Those of the condition, as its status has them. */
  readonly reason: Exclude<Judgement['reason'], 'Accepted'>;
  readonly message: string;
}

/** In the order of their names. Of a Service of another proxy there is none: that one judges. */
export const idleRoutes = (cluster: Cluster, decision: Decision, proxyName: string): readonly IdleRoute[] => {
  const key = 'service' in decision ? decision.service : '';
  const service = cluster.services.get(key);
  const routes = routesAt(cluster, key) ?? [];
  if (service === undefined || routes.length === 0) return [];
  const ranking = rank(routes, service);
  return routes
    .flatMap((input) =>
      input.route.parents.flatMap((parent, index) => {
        if (keyOf(parent) !== key) return [];
        const judgement = judge(input, parent, service, ranking, proxyName);
        if (judgement === undefined || judgement.reason === 'Accepted') return [];
        const { reason, message } = judgement;
        return [{ route: routeKeyOf(input.route), parent: `spec.parentRefs[${index}]`, reason, message }];
      }),
    )
    .sort((a, b) => compareText(a.route, b.route));
};
