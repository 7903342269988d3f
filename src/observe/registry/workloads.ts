import type { MetricTable } from './metric.ts';
import { SERVICE } from './services.ts';

const WORKLOAD = ['workload_namespace', 'workload', ...SERVICE] as const;

export const WORKLOAD_METRICS = {
  workloadAttempted: {
    name: 'shunt_workload_connections_attempted_total',
    type: 'counter',
    unit: '',
    labels: WORKLOAD,
    help: 'Connections of a workload of this node that were sent to a backend of the Service.',
  },
  workloadEstablished: {
    name: 'shunt_workload_connections_established_total',
    type: 'counter',
    unit: '',
    labels: WORKLOAD,
    help: 'Those that a backend accepted; connected UDP sockets at once.',
  },
  workloadFailed: {
    name: 'shunt_workload_connections_failed_total',
    type: 'counter',
    unit: '',
    labels: WORKLOAD,
    help: 'Those that no backend accepted, for whatever reason.',
  },
  workloadClosed: {
    name: 'shunt_workload_connections_closed_total',
    type: 'counter',
    unit: '',
    labels: WORKLOAD,
    help: 'Those that were established and ended, however.',
  },
  workloadBroken: {
    name: 'shunt_workload_connections_broken_total',
    type: 'counter',
    unit: '',
    labels: WORKLOAD,
    help: 'Those that were established and ended by a reset or another error.',
  },
  workloadRejected: {
    name: 'shunt_workload_rejected_total',
    type: 'counter',
    unit: '',
    labels: WORKLOAD,
    help: 'Connections and datagrams of the workload refused at once, for whatever reason.',
  },
  workloadBytesSent: {
    name: 'shunt_workload_bytes_sent_total',
    type: 'counter',
    unit: 'bytes',
    labels: WORKLOAD,
    help: 'TCP payload of the workload that backends acknowledged; counted as that of the Service is.',
  },
  workloadBytesReceived: {
    name: 'shunt_workload_bytes_received_total',
    type: 'counter',
    unit: 'bytes',
    labels: WORKLOAD,
    help: 'TCP payload that the workload received from backends; counted as that of the Service is.',
  },
  workloadPairs: {
    name: 'shunt_workload_pairs',
    type: 'gauge',
    unit: '',
    labels: ['state'],
    help: 'Pairs of a workload and a Service port that have series of their own (shown), or share those of workload other.',
  },
} as const satisfies MetricTable;
