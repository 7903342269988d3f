import { routeKeyOf } from '../cluster/keys.ts';
import { complaintAbout, objectText } from '../desire/complaint.ts';
import type { NodeIdentity, RouteInput } from '../desire/desire.ts';
import { familyOf } from '../desire/family.ts';
import { compareText } from '../desire/order.ts';
import { type ServedPort, targetOf } from '../desire/ports.ts';
import type {
  Complaint,
  EndpointSliceObject,
  Family,
  RouteObject,
  RouteParent,
  ServiceObject,
} from '../model/objects.ts';
import { endpointCount } from '../model/packed-slice.ts';
import { carriedBy, isConsumers } from './attached.ts';
import { type Backend, backendOf, weighedBackends } from './backend.ts';
import { judge } from './judge.ts';
import { type Ranking, rank } from './precedence.ts';

/** Of routes that do not count at this parent of theirs, or lead nowhere. Nearly all Services have none. */
export const aboutRoutes = (
  service: ServiceObject,
  routes: readonly RouteInput[],
  { proxyName }: Pick<NodeIdentity, 'proxyName'>,
): readonly Complaint[] => {
  if (routes.length === 0) return NONE;
  const ranking = rank(routes, service);
  const ordered = inOrder(routes);
  return [
    ...unacceptedRoutes(service, ordered, ranking, proxyName),
    ...unresolvedBackends(service, ordered, ranking, proxyName),
  ];
};

const NONE: readonly Complaint[] = [];

/** Routes that do not count at this parent of theirs, or not at all of its ports that they name. */
const unacceptedRoutes = (
  service: ServiceObject,
  routes: readonly RouteInput[],
  ranking: Ranking,
  proxyName: string,
): readonly Complaint[] =>
  routes.flatMap((input) =>
    input.route.parents.flatMap((parent, index) => {
      if (!isParent(parent, service)) return [];
      const judgement = judge(input, parent, service, ranking, proxyName);
      if (judgement === undefined || judgement.message === '') return [];
      return [complaintAbout(input.route, 'warning', `spec.parentRefs[${index}]`, judgement.message)];
    }),
  );

/** Parents that are not there. `key` is the `namespace/name` of the Service. */
export const missingParent = (key: string, routes: readonly RouteObject[]): readonly Complaint[] =>
  routes.map((route) => {
    const index = route.parents.findIndex(({ namespace, name }) => `${namespace}/${name}` === key);
    return complaintAbout(route, 'warning', `spec.parentRefs[${index}].name`, `there is no Service ${key}`);
  });

/** A reference that leads nowhere keeps its share: those connections are refused. And so are all, where nothing weighs. */
const unresolvedBackends = (
  service: ServiceObject,
  routes: readonly RouteInput[],
  ranking: Ranking,
  proxyName: string,
): readonly Complaint[] =>
  routes
    .filter((input) => input.route.parents.some((parent) => isAcceptedAt(input, parent, service, ranking, proxyName)))
    .flatMap((input) => [
      ...withoutWeight(service, input),
      ...input.backends.flatMap((backend, index) => {
        const found = backendOf(backend, carriedBy(input.route.kind));
        const whom = forWhom(input.route, service);
        const path = `spec.rules[0].backendRefs[${index}]`;
        if (found.outcome === 'found') {
          const messages = backend.ref.weight === 0 ? [] : familyGaps(service, found);
          return messages.map((message) => complaintAbout(input.route, 'warning', path, `${message}${whom}`));
        }
        const share = `its share of ${objectText(service)} is refused${whom}`;
        const what = backend.ref.weight === 0 ? '' : `: ${share}`;
        return [complaintAbout(input.route, 'warning', path, `${found.message}${what}`)];
      }),
    ]);

/** Without any backend it is said where the route is read. */
const withoutWeight = (service: ServiceObject, input: RouteInput): readonly Complaint[] => {
  if (input.backends.length === 0 || weighedBackends(input).length > 0) return [];
  const message = `every weight is 0: all connections of ${objectText(service)} are refused${forWhom(input.route, service)}`;
  return [complaintAbout(input.route, 'warning', 'spec.rules[0].backendRefs', message)];
};

/** The families know nothing of each other. A backend that has no endpoint at all may be about to get some. */
const familyGaps = (parent: ServiceObject, { answers, port }: Extract<Backend, { outcome: 'found' }>) => {
  const has = (family: Family): boolean =>
    answers.slices.some((slice) => slice.family === family && fits(slice, port) && endpointCount(slice) > 0);
  return FAMILIES.filter((family) => asksIn(parent, family) && !has(family)).flatMap((family) => {
    const other = family === 4 ? 6 : 4;
    if (!has(other)) return [];
    const share = `its share of connections to the IPv${family} address of ${objectText(parent)} is refused`;
    return [`${objectText(answers.service)} has IPv${other} endpoints alone: ${share}`];
  });
};

const fits = (slice: EndpointSliceObject, port: ServedPort): boolean => targetOf(slice, port) !== undefined;

const asksIn = ({ clusterIPs }: ServiceObject, family: Family): boolean =>
  clusterIPs.some((address) => familyOf(address) === family);

const FAMILIES: readonly Family[] = [4, 6];

const forWhom = (route: RouteObject, service: ServiceObject): string =>
  isConsumers(route, service) ? `, for clients in namespace ${route.namespace} alone` : '';

const isAcceptedAt = (
  input: RouteInput,
  parent: RouteParent,
  service: ServiceObject,
  ranking: Ranking,
  proxyName: string,
): boolean => isParent(parent, service) && judge(input, parent, service, ranking, proxyName)?.reason === 'Accepted';

const isParent = ({ namespace, name }: RouteParent, service: ServiceObject): boolean =>
  namespace === service.namespace && name === service.name;

const inOrder = (routes: readonly RouteInput[]): readonly RouteInput[] =>
  routes.length > 1 ? routes.toSorted((a, b) => compareText(routeKeyOf(a.route), routeKeyOf(b.route))) : routes;
