import { keyOf } from '../cluster/keys.ts';
import type { Cluster } from '../cluster.ts';
import type { RouteInput } from '../desire/desire.ts';
import type { RouteObject, RouteParent } from '../model/objects.ts';
import { carriedBy } from '../route/attached.ts';
import { backendOf } from '../route/backend.ts';
import { judge } from '../route/judge.ts';
import { condition, errorText, isOurs } from './conditions.ts';
import type { Parents } from './parents.ts';
import type { RejectedObject, StatusTarget, WantedCondition, WantedEntry, WantedStatus } from './wanted.ts';

/** One entry for each parentRef to a Service, in their order; none for a Service of another proxy. */
export const routeStatus = (parents: Parents, proxyName: string, route: RouteObject): WantedStatus => ({
  ref: {
    kind: route.kind,
    apiVersion: route.apiVersion,
    namespace: route.namespace,
    name: route.name,
    generation: route.generation,
  },
  kind: 'parents',
  entries: route.parents.flatMap((parent) => entryOf(parents, proxyName, route, parent)),
});

export const rejectedRouteStatus = (
  { services }: Pick<Cluster, 'services'>,
  proxyName: string,
  { ref, complaints, parents }: RejectedObject,
  lastGood: RouteObject | undefined,
): WantedStatus => ({
  ref,
  kind: 'parents',
  entries: (parents ?? lastGood?.parents ?? [])
    .filter((parent) => isOurs(services.get(keyOf(parent)), proxyName))
    .map((parent) => ({
      of: targetOf(parent),
      conditions: [condition('Accepted', false, 'UnsupportedValue', errorText(complaints), ref.generation)],
    })),
});

const entryOf = (
  parents: Parents,
  proxyName: string,
  route: RouteObject,
  parent: RouteParent,
): readonly WantedEntry[] => {
  const key = keyOf(parent);
  const { service, inputs, ranking } = parents.at(key);
  const input = inputs.get(route);
  const judgement = input && judge(input, parent, service, ranking, proxyName);
  if (input === undefined || judgement === undefined) return [];
  const { reason, message } = judgement;
  const isAccepted = reason === 'Accepted';
  const text = isAccepted && message === '' ? `shares the connections of Service ${key}` : message;
  const accepted = condition('Accepted', isAccepted, reason, text, route.generation);
  return [{ of: targetOf(parent), conditions: [accepted, resolvedRefs(input)] }];
};

/** The first reference that leads nowhere gives the reason, all of them the message. */
const resolvedRefs = ({ route, backends }: RouteInput): WantedCondition => {
  const unresolved = backends.flatMap((backend) => {
    const found = backendOf(backend, carriedBy(route.kind));
    return found.outcome === 'refused' ? [found] : [];
  });
  const [first] = unresolved;
  if (first === undefined) return condition('ResolvedRefs', true, 'ResolvedRefs', '', route.generation);
  const message = `${unresolved.map((each) => each.message).join('; ')}: refused, with their shares`;
  return condition('ResolvedRefs', false, first.reason, message, route.generation);
};

const targetOf = ({ namespace, name, port, sectionName }: RouteParent): StatusTarget => ({
  group: '',
  kind: 'Service',
  namespace,
  name,
  ...(port === undefined ? {} : { port }),
  ...(sectionName === '' ? {} : { sectionName }),
});
