import type { ObservedWorkload } from './observed.ts';
import { METRICS } from './registry.ts';
import { headText, labelText } from './series-text.ts';

/**
 * TCP under the names and labels of Istio (https://istio.io/latest/docs/reference/config/metrics/), as the client's side
 * reports it. They tell neither kinds of workloads nor ports apart, so some are added up. What is known of no connection
 * here is `unknown`, as there.
 */
export function* istioSeries(workloads: readonly ObservedWorkload[]): Generator<string> {
  const sums = new Map<string, number[]>();
  for (const usage of workloads) {
    if (usage.protocol !== 'TCP') continue;
    const labels = labelText(Object.entries(labelsOf(usage)));
    const sum = sums.get(labels);
    const values = FAMILIES.map(({ read }, at) => (sum?.[at] ?? 0) + read(usage.counts));
    sums.set(labels, values);
  }
  for (const [at, { metric }] of FAMILIES.entries()) {
    yield headText(metric);
    for (const [labels, values] of sums) yield `${metric.name}{${labels}} ${values[at]}\n`;
  }
}

const FAMILIES = [
  { metric: METRICS.istioOpened, read: ({ established }: ObservedWorkload['counts']) => established },
  { metric: METRICS.istioClosed, read: ({ closed }: ObservedWorkload['counts']) => closed },
  { metric: METRICS.istioSent, read: ({ bytesSent }: ObservedWorkload['counts']) => bytesSent },
  { metric: METRICS.istioReceived, read: ({ bytesReceived }: ObservedWorkload['counts']) => bytesReceived },
] as const;

const labelsOf = ({ workload, namespace, service }: ObservedWorkload): Record<string, string> => {
  const isPod = workload.namespace !== '';
  const source = isPod ? workload.name.slice(workload.name.indexOf('/') + 1) : UNKNOWN;
  return {
    reporter: 'source',
    source_workload: source,
    source_workload_namespace: isPod ? workload.namespace : UNKNOWN,
    source_canonical_service: source,
    source_canonical_revision: isPod ? 'latest' : UNKNOWN,
    source_app: source,
    source_version: UNKNOWN,
    source_principal: UNKNOWN,
    source_cluster: CLUSTER,
    destination_workload: UNKNOWN,
    destination_workload_namespace: namespace,
    destination_canonical_service: service,
    destination_canonical_revision: UNKNOWN,
    destination_app: UNKNOWN,
    destination_version: UNKNOWN,
    destination_principal: UNKNOWN,
    destination_cluster: CLUSTER,
    destination_service: `${service}.${namespace}.svc.cluster.local`,
    destination_service_name: service,
    destination_service_namespace: namespace,
    request_protocol: 'tcp',
    response_flags: '-',
    connection_security_policy: UNKNOWN,
  };
};

const UNKNOWN = 'unknown';
/** What Istio calls the one cluster of a mesh that nobody has named. */
const CLUSTER = 'Kubernetes';
