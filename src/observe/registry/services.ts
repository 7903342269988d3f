import type { MetricTable } from './metric.ts';

export const SERVICE = ['namespace', 'service', 'port', 'protocol'] as const;

export const SERVICE_METRICS = {
  attempted: {
    name: 'shunt_service_connections_attempted_total',
    type: 'counter',
    unit: '',
    labels: SERVICE,
    help: 'Connections sent to a backend of the Service.',
  },
  rejected: {
    name: 'shunt_service_rejected_total',
    type: 'counter',
    unit: '',
    labels: [...SERVICE, 'reason'],
    help: 'Connections and datagrams refused at once: no_endpoints, no_port (the Service does not have it), or route (nobody answers for the share of a route that it fell to).',
  },
  datagrams: {
    name: 'shunt_service_datagrams_total',
    type: 'counter',
    unit: '',
    labels: SERVICE,
    help: 'Datagrams of unconnected UDP sockets sent to a backend.',
  },
  datagramsReceived: {
    name: 'shunt_service_datagrams_received_total',
    type: 'counter',
    unit: '',
    labels: SERVICE,
    help: 'Datagrams of backends that unconnected UDP sockets have read.',
  },
  established: {
    name: 'shunt_service_connections_established_total',
    type: 'counter',
    unit: '',
    labels: SERVICE,
    help: 'Connections that a backend accepted; connected UDP sockets at once.',
  },
  failed: {
    name: 'shunt_service_connections_failed_total',
    type: 'counter',
    unit: '',
    labels: [...SERVICE, 'reason'],
    help: 'Connections that no backend accepted: refused, timed_out, unreachable, or abandoned by the client.',
  },
  closed: {
    name: 'shunt_service_connections_closed_total',
    type: 'counter',
    unit: '',
    labels: [...SERVICE, 'reason'],
    help: 'Established connections that ended: closed, reset by the backend, or broken by another error.',
  },
  active: {
    name: 'shunt_service_connections_active',
    type: 'gauge',
    unit: '',
    labels: SERVICE,
    help: 'Connections established now.',
  },
  pending: {
    name: 'shunt_service_connections_pending',
    type: 'gauge',
    unit: '',
    labels: SERVICE,
    help: 'Connections being established now.',
  },
  bytesSent: {
    name: 'shunt_service_bytes_sent_total',
    type: 'counter',
    unit: 'bytes',
    labels: SERVICE,
    help: 'TCP payload that backends acknowledged; of connections that go on, counted every 5 seconds where the agent sees the processes of the node.',
  },
  bytesReceived: {
    name: 'shunt_service_bytes_received_total',
    type: 'counter',
    unit: 'bytes',
    labels: SERVICE,
    help: 'TCP payload received from backends; of connections that go on, counted every 5 seconds where the agent sees the processes of the node.',
  },
  retransmits: {
    name: 'shunt_service_retransmitted_segments_total',
    type: 'counter',
    unit: '',
    labels: SERVICE,
    help: 'TCP segments that clients sent again, SYNs among them; counted as bytes are.',
  },
  rtt: {
    name: 'shunt_service_rtt_seconds',
    type: 'summary',
    unit: 'seconds',
    labels: SERVICE,
    help: 'Smoothed round-trip times of TCP connections: every 5 seconds of each that has carried something, and of each at its end.',
  },
  connectDuration: {
    name: 'shunt_service_connect_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: SERVICE,
    help: 'Time from SYN to its answer, of TCP connections that were established.',
  },
} as const satisfies MetricTable;
