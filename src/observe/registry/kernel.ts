import type { MetricTable } from './metric.ts';

export const PROGRAM_METRICS = {
  verdicts: {
    name: 'shunt_verdicts_total',
    type: 'counter',
    unit: '',
    labels: ['verdict'],
    help: 'What the kernel programs did other than leaving a connection alone or sending it to a backend.',
  },
  programsDetached: {
    name: 'shunt_programs_detached',
    type: 'gauge',
    unit: '',
    labels: [],
    help: 'Programs that are not in force: connections of their kind go as if there were no Shunt. `shunt explain` names them.',
  },
  programRuns: {
    name: 'shunt_program_runs_total',
    type: 'counter',
    unit: '',
    labels: ['program'],
    help: 'Runs of a kernel program since it was loaded, as far as kernel.bpf_stats_enabled was 1. Absent while it is 0.',
  },
  programRunSeconds: {
    name: 'shunt_program_run_seconds_total',
    type: 'counter',
    unit: 'seconds',
    labels: ['program'],
    help: 'Time that these runs took.',
  },
} as const satisfies MetricTable;

export const TABLE_METRICS = {
  tableEntries: {
    name: 'shunt_table_entries',
    type: 'gauge',
    unit: '',
    labels: ['table'],
    help: 'Entries in use in a kernel table.',
  },
  tableCapacity: {
    name: 'shunt_table_capacity',
    type: 'gauge',
    unit: '',
    labels: ['table'],
    help: 'Entries that a kernel table can hold before it is enlarged.',
  },
  connectionsUsed: {
    name: 'shunt_connections_table_used',
    type: 'gauge',
    unit: '',
    labels: [],
    help: 'Connections remembered now.',
  },
  connectionsSize: {
    name: 'shunt_connections_table_size',
    type: 'gauge',
    unit: '',
    labels: [],
    help: 'Connections that can be remembered at the lowest cost (--connections).',
  },
} as const satisfies MetricTable;
