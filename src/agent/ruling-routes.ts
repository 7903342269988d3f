import { routeKeyOf } from '../core/cluster/keys.ts';
import { type Cluster, inputFor } from '../core/cluster.ts';
import { isServed, portId } from '../core/desire/ports.ts';
import { rulingFor } from '../core/desire/ruling.ts';
import { variantsOf } from '../core/desire/variants.ts';
import type { DesiredPort } from '../core/model/desired.ts';

/**
 * The routes that share the connections of a Service port, as `TCPRoute shop/canary`: at 0 that of everybody, at a
 * `DesiredGroup.variant` that of some clients. What has none is not there.
 */
export const rulingRoutes = (cluster: Cluster, id: DesiredPort['id']): ReadonlyMap<number, string> => {
  const [namespace = '', name = ''] = id.split('/');
  const key = `${namespace}/${name}`;
  if (!cluster.routes.byParent.has(key)) return NONE;
  const input = inputFor(cluster, key);
  const port = input?.service.ports.filter(isServed).find((each) => portId(input.service, each) === id);
  if (input === undefined || port === undefined) return NONE;
  const everybody = rulingFor(input, port, undefined);
  const all = [{ number: 0, ruling: everybody }, ...variantsOf(input, port, everybody)];
  return new Map(
    all.flatMap(({ number, ruling: { route } }) => (route === undefined ? [] : [[number, routeKeyOf(route.route)]])),
  );
};

const NONE: ReadonlyMap<number, string> = new Map();
