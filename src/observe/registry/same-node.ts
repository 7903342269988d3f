import type { MetricTable } from './metric.ts';

export const SAME_NODE_METRICS = {
  sameNodeAttached: {
    name: 'shunt_same_node_attached',
    type: 'gauge',
    unit: '',
    labels: [],
    help: '1 while Pods of this node are joined socket to socket: somebody asks for it, and the self-test has passed.',
  },
  sameNodeSockets: {
    name: 'shunt_same_node_sockets',
    type: 'gauge',
    unit: '',
    labels: ['state'],
    help: 'Sockets whose both ends want it: candidate, joined, or unfit.',
  },
  sameNodeMessages: {
    name: 'shunt_same_node_messages_total',
    type: 'counter',
    unit: '',
    labels: [],
    help: 'Messages that went socket to socket. From zero when the programs are attached anew.',
  },
  sameNodeBytes: {
    name: 'shunt_same_node_bytes_total',
    type: 'counter',
    unit: 'bytes',
    labels: [],
    help: 'Bytes of these messages. Those of a Service count for the Service and the workload as well, within 5 seconds.',
  },
  sameNodeFallbacks: {
    name: 'shunt_same_node_fallbacks_total',
    type: 'counter',
    unit: '',
    labels: ['reason'],
    help: 'Messages of joined sockets that went by TCP all the same, by reason (docs/redirection.md).',
  },
  sameNodeUnfit: {
    name: 'shunt_same_node_unfit_total',
    type: 'counter',
    unit: '',
    labels: ['reason'],
    help: 'Sockets that were found unfit to be joined, or to stay so, by reason (docs/redirection.md).',
  },
  sameNodeFailures: {
    name: 'shunt_same_node_failures_total',
    type: 'counter',
    unit: '',
    labels: [],
    help: 'Attempts to say who takes part, or to join sockets, that failed; connections go by TCP then.',
  },
} as const satisfies MetricTable;
