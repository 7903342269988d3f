import type { MetricTable } from './metric.ts';

export const CLUSTER_METRICS = {
  objects: {
    name: 'shunt_objects',
    type: 'gauge',
    unit: '',
    labels: ['kind'],
    help: 'Cluster objects known.',
  },
  clientPods: {
    name: 'shunt_client_pods',
    type: 'gauge',
    unit: '',
    labels: ['state'],
    help:
      'Pods of this node while a route or a policy is for some clients alone: found by their cgroups, waiting for them, ' +
      'or refused because they lie too deep.',
  },
  statusLeader: {
    name: 'shunt_status_leader',
    type: 'gauge',
    unit: '',
    labels: [],
    help: '1 while this agent writes the status of routes and policies for the cluster. Absent with a file source.',
  },
  statusPending: {
    name: 'shunt_status_pending_objects',
    type: 'gauge',
    unit: '',
    labels: [],
    help: 'Routes and policies whose status is still to be written by this agent. Absent with a file source.',
  },
  statusWrites: {
    name: 'shunt_status_writes_total',
    type: 'counter',
    unit: '',
    labels: ['outcome'],
    help:
      'Attempts to write the status of a route or a policy: written, unchanged, conflict (tried again), gone, undone by ' +
      'another controller, or failed. Absent with a file source.',
  },
  complaints: {
    name: 'shunt_complaints',
    type: 'gauge',
    unit: '',
    labels: ['severity'],
    help: 'Complaints about cluster objects that stand now; `shunt plan` and the log show them.',
  },
} as const satisfies MetricTable;
