import type { MetricTable } from './metric.ts';

/** As Istio has them, and Kiali wants them: all, known or not. */
const ISTIO = [
  'reporter',
  'source_workload',
  'source_workload_namespace',
  'source_canonical_service',
  'source_canonical_revision',
  'source_app',
  'source_version',
  'source_principal',
  'source_cluster',
  'destination_workload',
  'destination_workload_namespace',
  'destination_canonical_service',
  'destination_canonical_revision',
  'destination_app',
  'destination_version',
  'destination_principal',
  'destination_cluster',
  'destination_service',
  'destination_service_name',
  'destination_service_namespace',
  'request_protocol',
  'response_flags',
  'connection_security_policy',
] as const;

export const ISTIO_METRICS = {
  istioOpened: {
    name: 'istio_tcp_connections_opened_total',
    type: 'counter',
    unit: '',
    labels: ISTIO,
    help: 'TCP connections of the workload that a backend of the Service accepted. Only with `--istio-metrics on`.',
  },
  istioClosed: {
    name: 'istio_tcp_connections_closed_total',
    type: 'counter',
    unit: '',
    labels: ISTIO,
    help: 'Those that ended, however. Only with `--istio-metrics on`.',
  },
  istioSent: {
    name: 'istio_tcp_sent_bytes_total',
    type: 'counter',
    unit: 'bytes',
    labels: ISTIO,
    help: 'What the workload sent and backends acknowledged. Only with `--istio-metrics on`.',
  },
  istioReceived: {
    name: 'istio_tcp_received_bytes_total',
    type: 'counter',
    unit: 'bytes',
    labels: ISTIO,
    help: 'What the workload received from backends. Only with `--istio-metrics on`.',
  },
} as const satisfies MetricTable;
