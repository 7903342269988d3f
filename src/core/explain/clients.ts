import type { Cluster } from '../cluster.ts';
import type { ClientPod, ServiceInput } from '../desire/desire.ts';
import type { LocalNode } from '../desire/node.ts';
import type { ServedPort } from '../desire/ports.ts';
import { type Ruling, rulingFor } from '../desire/ruling.ts';
import type { ExplainedClient } from './decision.ts';

/** Whose connection is asked about, and what counts for it. */
export interface Asking {
  readonly ruling: Ruling;
  readonly client?: ExplainedClient;
  readonly otherwise?: readonly string[];
}

/**
 * `isLive`: an agent is asked, which knows whose cgroups are known. Else every Pod of the node counts as a client: that is
 * what the objects come to.
 */
export const askingOf = (
  cluster: Cluster,
  input: ServiceInput,
  port: ServedPort,
  pod: string | undefined,
  { node, isLive }: { readonly node: LocalNode; readonly isLive: boolean },
): Asking => {
  const everybody = rulingFor(input, port, undefined);
  if (pod !== undefined) return askingPod(cluster, input, port, pod, everybody, isLive ? node : undefined);
  const otherwise = knownPods(cluster, node, isLive)
    .filter((each) => rulingFor(input, port, each).name !== everybody.name)
    .map(({ key }) => key)
    .sort();
  return { ruling: everybody, ...(otherwise.length === 0 ? {} : { otherwise }) };
};

const askingPod = (
  cluster: Cluster,
  input: ServiceInput,
  port: ServedPort,
  key: string,
  everybody: Ruling,
  live: LocalNode | undefined,
): Asking => {
  const pod = cluster.pods.get(key);
  if (pod === undefined) return { ruling: everybody, client: { pod: key, standing: 'unknown' } };
  const isUnbound = live !== undefined && !cluster.clients.has(key);
  if (isUnbound && pod.node !== '' && pod.node !== live.name) {
    return { ruling: everybody, client: { pod: key, standing: 'other node', node: pod.node } };
  }
  const ruling = rulingFor(input, port, pod);
  // Cgroups are looked for only while a rule is for some clients alone: without one nothing is amiss.
  if (ruling.name === everybody.name) return { ruling, client: { pod: key, standing: 'as everybody' } };
  if (isUnbound) return { ruling: everybody, client: { pod: key, standing: 'no cgroup' } };
  return { ruling, client: { pod: key, standing: 'apart' } };
};

const knownPods = (
  { pods, clients }: Cluster,
  { name }: LocalNode,
  isLive: boolean,
): readonly Pick<ClientPod, 'key' | 'namespace' | 'labels'>[] =>
  [...pods]
    .filter(([key, pod]) => (isLive ? clients.has(key) : name === '' || pod.node === name))
    .map(([key, { namespace, labels }]) => ({ key, namespace, labels }));
