import type { Cluster } from '../core/cluster.ts';
import type { ClientPod, RouteInput, ServiceInput } from '../core/desire/desire.ts';
import type { LocalNode } from '../core/desire/node.ts';
import { selects } from '../core/desire/selector.ts';
import type { LabelSelector, TrafficPolicyObject } from '../core/model/objects.ts';
import { narrowingOf } from '../core/route/attached.ts';

/**
 * Whoever may be answered otherwise than everybody: the Pods of the node, and one that each selector and each namespace
 * means, because objects that are reviewed seldom have Pods among them. Of two selectors that no object joins only a Pod
 * tells whether anybody has the labels of both.
 */
export const namedClients = (cluster: Cluster, input: ServiceInput, { name }: LocalNode): readonly ClientPod[] => {
  const { service, policies, routes = [] } = input;
  const meant = [
    ...policies.flatMap((policy) => joined(service.namespace, [policy.clients])),
    ...routes.flatMap(meantBy),
  ];
  const pods = [...cluster.pods]
    .filter(([, pod]) => name === '' || pod.node === name)
    .map(([key, { namespace, labels }]) => ({ key, namespace, labels }));
  return [...pods, ...meant].map((pod, index) => ({ ...pod, client: { cgroup: BigInt(index), level: 1 } }));
};

type Meant = Pick<ClientPod, 'key' | 'namespace' | 'labels'>;

/** Of the route's namespace: its own clients, and those of them that a policy of a backend is for. */
const meantBy = (input: RouteInput): readonly Meant[] => {
  const { namespace } = input.route;
  const narrowing = narrowingOf(input)?.clients;
  const others = input.backends.flatMap(({ answers }) => answers?.policies ?? []);
  return [undefined, ...others.flatMap(selectorOf)].flatMap((clients) => joined(namespace, [narrowing, clients]));
};

const selectorOf = ({ clients }: TrafficPolicyObject): readonly LabelSelector[] =>
  clients === undefined ? [] : [clients];

/** A Pod that all of them select; none where they contradict each other. */
const joined = (namespace: string, selectors: readonly (LabelSelector | undefined)[]): readonly Meant[] => {
  const known = selectors.filter((selector) => selector !== undefined);
  const labels = Object.assign({}, ...known.map(labelsFor));
  return known.every((selector) => selects(selector, labels)) ? [{ key: `${namespace}/`, namespace, labels }] : [];
};

/** The fewest that meet it. */
const labelsFor = ({ matchLabels, matchExpressions }: LabelSelector): Record<string, string> => ({
  ...Object.fromEntries(
    matchExpressions.flatMap(({ key, operator, values }) => {
      if (operator === 'In') return [[key, values[0] ?? '']];
      return operator === 'Exists' ? [[key, '']] : [];
    }),
  ),
  ...matchLabels,
});
