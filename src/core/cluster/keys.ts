import { flat } from '../model/flat.ts';
import type { RouteKind } from '../model/objects.ts';

export const keyOf = ({ namespace, name }: { readonly namespace: string; readonly name: string }): string =>
  flat('/', namespace, name);

/** `TCPRoute shop/cart`: routes of several kinds may have one name. */
export const routeKeyOf = (route: {
  readonly kind: RouteKind;
  readonly namespace: string;
  readonly name: string;
}): string => `${route.kind} ${route.namespace}/${route.name}`;
