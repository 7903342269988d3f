import type {
  ObjectRef,
  ReferenceGrantObject,
  RouteObject,
  RouteParent,
  TrafficPolicyObject,
} from '../../src/core/model/objects.ts';

/** Policies, routes and grants as an API server would show them, as far as Shunt reads them. */

const GATEWAY_GROUP = 'gateway.networking.k8s.io';

export const policyManifest = (policy: TrafficPolicyObject): object => ({
  apiVersion: 'shunt.dev/v1alpha1',
  kind: 'TrafficPolicy',
  metadata: metadata(policy),
  spec: {
    targetRefs: [
      ...policy.services.map((name) => ({ group: '', kind: 'Service', name })),
      ...policy.routes.map((target) => ({ group: GATEWAY_GROUP, ...target })),
    ],
    ...(policy.algorithm === undefined ? {} : { algorithm: policy.algorithm }),
    ...(policy.hashOn === 'Pod' ? {} : { hashOn: policy.hashOn }),
    ...(policy.endpointWeights.length === 0 ? {} : { endpointWeights: policy.endpointWeights }),
    ...(policy.slowStartMs === 0 ? {} : { slowStart: { duration: durationText(policy.slowStartMs) } }),
    ...(policy.sameNode === undefined ? {} : { sameNode: policy.sameNode }),
    ...(policy.firstResponseTime === undefined ? {} : { firstResponseTime: policy.firstResponseTime }),
    ...(policy.clients === undefined ? {} : { clients: policy.clients }),
  },
});

/** Without what is `ignored` of it: that is known by name only. */
export const destinationRuleManifest = (rule: TrafficPolicyObject): object => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: metadata(rule),
  spec: {
    host: rule.services[0],
    trafficPolicy: {
      loadBalancer: {
        ...(rule.algorithm === undefined ? {} : SIMPLE[rule.algorithm]),
        ...(rule.slowStartMs === 0 ? {} : { warmup: { duration: durationText(rule.slowStartMs) } }),
      },
    },
  },
});

export const routeManifest = (route: RouteObject): object => ({
  apiVersion: route.apiVersion,
  kind: route.kind,
  metadata: metadata(route),
  spec: {
    parentRefs: route.parents.map(parentRef),
    // Whatever it was.
    ...(route.unsupported === '' ? {} : { hostnames: ['unsupported.example'] }),
    rules: [
      {
        backendRefs: route.backends.map(({ namespace, name, port, weight, invalidKind }) => ({
          ...(invalidKind === '' ? {} : { group: 'example.com', kind: 'Backend' }),
          namespace,
          name,
          ...(port === undefined ? {} : { port }),
          weight,
        })),
      },
    ],
  },
});

export const grantManifest = (grant: ReferenceGrantObject): object => ({
  apiVersion: `${GATEWAY_GROUP}/v1beta1`,
  kind: 'ReferenceGrant',
  metadata: { name: grant.name, namespace: grant.namespace },
  spec: {
    from: grant.from.map((each) => ({ group: GATEWAY_GROUP, ...each })),
    to: grant.services.map((name) => ({ group: '', kind: 'Service', ...(name === '*' ? {} : { name }) })),
  },
});

const parentRef = ({ namespace, name, port, sectionName }: RouteParent): object => ({
  group: '',
  kind: 'Service',
  namespace,
  name,
  ...(port === undefined ? {} : { port }),
  ...(sectionName === '' ? {} : { sectionName }),
});

const metadata = ({
  name,
  namespace,
  createdAtMs,
  generation,
}: ObjectRef & { readonly createdAtMs: number; readonly generation: number }): object => ({
  name,
  namespace,
  ...(Number.isFinite(createdAtMs) ? { creationTimestamp: new Date(createdAtMs).toISOString() } : {}),
  ...(generation === 0 ? {} : { generation }),
});

/** At most five digits of each unit. */
const durationText = (timeMs: number): string => `${Math.trunc(timeMs / 1000)}s${timeMs % 1000}ms`;

const SIMPLE = {
  WeightedRandom: { simple: 'RANDOM' },
  RoundRobin: { simple: 'ROUND_ROBIN' },
  LeastConnections: { simple: 'LEAST_REQUEST' },
  PeakEwma: undefined,
  Maglev: { consistentHash: { useSourceIp: true } },
} as const;
