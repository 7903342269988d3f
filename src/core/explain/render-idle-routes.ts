import type { Complaint } from '../model/objects.ts';
import type { IdleRoute } from './idle-routes.ts';

/** Thousands of routes may name one Service. */
const ROUTES_SHOWN = 10;

export const idleRouteLines = (routes: readonly IdleRoute[] = []): readonly string[] => [
  ...routes
    .slice(0, ROUTES_SHOWN)
    .map(({ route, reason, message }) => `${route} is not in force here: ${message} (Accepted=False, ${reason}).`),
  ...(routes.length > ROUTES_SHOWN ? [`Nor are ${routes.length - ROUTES_SHOWN} more routes: -o json`] : []),
];

/** Such a route's complaint says no more than that. */
export const isSaidByRoutes = ({ object, path }: Complaint, routes: readonly IdleRoute[] = []): boolean =>
  routes.some(({ route, parent }) => route === object && parent === path);
