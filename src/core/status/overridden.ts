import { keyOf } from '../cluster/keys.ts';
import { byReference } from '../cluster/listed.ts';
import type { Cluster } from '../cluster.ts';
import { complaintAbout } from '../desire/complaint.ts';
import type { NodeIdentity } from '../desire/desire.ts';
import type { Complaint } from '../model/objects.ts';
import { isOurs } from './conditions.ts';
import { createParents } from './parents.ts';
import { judgeService } from './policies.ts';

/**
 * What is said of TrafficPolicies to which the routes of their Services leave nothing, or not all: as their status has it. One
 * after the other, because thousands take long.
 */
export function* overriddenPolicies(
  cluster: Cluster,
  { proxyName }: Pick<NodeIdentity, 'proxyName'>,
): Generator<readonly Complaint[]> {
  const { services, policies, routes } = cluster;
  if (routes.byParent.size === 0) return;
  const parents = createParents(cluster, proxyName);
  for (const policy of [...policies.byKey.values()].toSorted(byReference)) {
    yield policy.services.flatMap((name) => {
      const key = keyOf({ namespace: policy.namespace, name });
      if (!routes.byParent.has(key) || !services.has(key) || !isOurs(services.get(key), proxyName)) return [];
      const { reason, message, isPart = false } = judgeService(parents, policy, name);
      if (reason !== 'Overridden' && !isPart) return [];
      const [severity, text] = isPart
        ? (['note', message] as const)
        : (['warning', `nothing of it counts: ${message}`] as const);
      return [complaintAbout(policy, severity, 'spec.targetRefs', text)];
    });
  }
}
