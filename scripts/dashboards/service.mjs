import { connectTimes, NODE_VARIABLE, panel, rate, responseTimes, SERVICE, stat } from './parts.mjs';

export const service = {
  uid: 'shunt-service',
  title: 'Shunt / Service',
  description: 'One Service as its clients meet it, on all nodes or some.',
  variables: [
    { name: 'namespace', query: 'label_values(shunt_service_connections_attempted_total, namespace)' },
    {
      name: 'service',
      query: 'label_values(shunt_service_connections_attempted_total{namespace=~"$namespace"}, service)',
    },
    NODE_VARIABLE,
  ],
  rows: {
    Now: [
      stat(
        'Connections a second',
        'cps',
        'Sent to a backend.',
        `sum(${rate('shunt_service_connections_attempted_total', SERVICE)})`,
      ),
      stat('Established', 'short', 'Connections established now.', `sum(shunt_service_connections_active{${SERVICE}})`),
      stat(
        'Being established',
        'short',
        'Connections whose backend has not answered yet.',
        `sum(shunt_service_connections_pending{${SERVICE}})`,
      ),
      stat(
        'Failed',
        'percentunit',
        'Share of connections that no backend accepted.',
        `sum(${rate('shunt_service_connections_failed_total', SERVICE)}) / sum(${rate('shunt_service_connections_attempted_total', SERVICE)})`,
        { bad: 0.05 },
      ),
      stat(
        'Refused a second',
        'cps',
        'At once: because there is no endpoint, no such port, or nobody for a share of a route.',
        `sum(${rate('shunt_service_rejected_total', SERVICE)})`,
        { bad: 0.001 },
      ),
    ],
    Connections: [
      panel('By port', 'cps', 'Connections sent to a backend.', {
        [`sum by (namespace, service, port, protocol) (${rate('shunt_service_connections_attempted_total', SERVICE)})`]:
          '{{namespace}}/{{service}} {{port}}/{{protocol}}',
      }),
      panel('By node of the client', 'cps', 'Connections sent to a backend.', {
        [`sum by (node) (${rate('shunt_service_connections_attempted_total', SERVICE)})`]: '{{node}}',
      }),
      panel('By workload of the client', 'cps', 'Connections sent to a backend; the ten workloads that ask most.', {
        [`topk(10, sum by (workload_namespace, workload) (${rate('shunt_workload_connections_attempted_total', SERVICE)}))`]:
          '{{workload_namespace}}/{{workload}}',
      }),
      panel('Failed', 'cps', 'Connections that no backend accepted, by reason.', {
        [`sum by (reason) (${rate('shunt_service_connections_failed_total', SERVICE)})`]: '{{reason}}',
      }),
      panel('Refused', 'cps', 'Connections and datagrams that were refused at once, by reason.', {
        [`sum by (reason) (${rate('shunt_service_rejected_total', SERVICE)})`]: '{{reason}}',
      }),
      panel('Ended', 'cps', 'Established connections that ended: closed in peace, reset by the backend, or broken.', {
        [`sum by (reason) (${rate('shunt_service_connections_closed_total', SERVICE)})`]: '{{reason}}',
      }),
      connectTimes(SERVICE),
      responseTimes(SERVICE),
      panel('Established and pending', 'short', 'Connections that are open, and those that wait for a backend.', {
        [`sum(shunt_service_connections_active{${SERVICE}})`]: 'established',
        [`sum(shunt_service_connections_pending{${SERVICE}})`]: 'pending',
      }),
    ],
    Data: [
      panel(
        'TCP payload',
        'Bps',
        'Of long connections as it goes, where the agent sees the processes of its node; else at their end.',
        {
          [`sum(${rate('shunt_service_bytes_sent_total', SERVICE)})`]: 'sent to backends',
          [`sum(${rate('shunt_service_bytes_received_total', SERVICE)})`]: 'received from backends',
        },
      ),
      panel('Round-trip time', 's', 'The mean of TCP connections, as they go and at their end.', {
        [`sum(${rate('shunt_service_rtt_seconds_sum', SERVICE)}) / sum(${rate('shunt_service_rtt_seconds_count', SERVICE)})`]:
          'mean',
      }),
      panel('Segments sent again', 'pps', 'TCP segments that clients sent again, SYNs among them.', {
        [`sum(${rate('shunt_service_retransmitted_segments_total', SERVICE)})`]: 'segments',
      }),
      panel('Datagrams', 'pps', 'Of unconnected UDP sockets: sent to a backend, and answers that were read.', {
        [`sum(${rate('shunt_service_datagrams_total', SERVICE)})`]: 'sent',
        [`sum(${rate('shunt_service_datagrams_received_total', SERVICE)})`]: 'answers',
      }),
    ],
  },
};
