import type { Cluster } from '../core/cluster.ts';
import type { Complaint } from '../core/model/objects.ts';
import type { Have } from '../core/plan/have.ts';
import type { AgentOptions } from './agent-options.ts';
import { countedBySeverity } from './complaints.ts';
import { usedCapacity } from './tables.ts';
import type { AgentHealth, AgentStatus, ObjectCounts } from './view.ts';

/** All that there is to say about the running agent at this moment. */
export const statusOf = (
  { version, node, source, dataplane }: AgentOptions,
  { cluster, have }: { readonly cluster: Cluster; readonly have: Have | undefined },
  complaints: readonly Complaint[],
  rest: AgentHealth & Pick<AgentStatus, 'startedAtMs' | 'clients' | 'sameNode' | 'lastChange'>,
): AgentStatus => ({
  version,
  pid: process.pid,
  node: node.name,
  ...rest,
  objects: objectsOf(cluster),
  statusWriting: source.statusWriting?.(),
  watches: source.watches?.() ?? [],
  complaints: countedBySeverity(complaints),
  used: usedCapacity(have),
  capacity: dataplane.tables.capacity,
  connections: dataplane.stats.connections(),
});

const objectsOf = ({ services, slices, policies, destinationRules, routes, nodes, pods }: Cluster): ObjectCounts => ({
  services: services.size,
  endpointSlices: slices.byKey.size,
  trafficPolicies: policies.byKey.size,
  destinationRules: destinationRules.byKey.size,
  routes: routes.byKey.size,
  referenceGrants: [...routes.grants.values()].reduce((sum, { length }) => sum + length, 0),
  nodes: nodes.size,
  pods: pods.size,
});
