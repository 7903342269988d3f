import { AGENT, NODE_VARIABLE, OWN, panel, quantile, rate, stat, verdicts } from './parts.mjs';

export const node = {
  uid: 'shunt-node',
  title: 'Shunt / Node',
  description: 'The agent of a node and the tables in its kernel.',
  variables: [NODE_VARIABLE],
  rows: {
    Now: [
      stat('Answers', 'bool_yes_no', 'Whether the agent answers.', `min(up{${AGENT}})`),
      stat(
        'Source read',
        'bool_yes_no',
        'Whether everything that existed at the start was read.',
        `min(shunt_source_synced{${OWN}})`,
      ),
      stat(
        'Source in trouble',
        'bool_yes_no',
        'Whether it cannot be read or watched now.',
        `max(shunt_source_trouble{${OWN}})`,
        { bad: 1 },
      ),
      stat(
        'Complaints',
        'short',
        'About cluster objects, notes left out.',
        `max(sum by (node) (shunt_complaints{severity!="note",${OWN}}))`,
        { bad: 1 },
      ),
      stat(
        'Programs detached',
        'short',
        'Connections of their kind go as if there were no Shunt.',
        `max(shunt_programs_detached{${OWN}})`,
        { bad: 1 },
      ),
      stat('Runs for', 's', 'Since the agent was started.', `min(time() - process_start_time_seconds{${AGENT}})`),
      stat(
        'Writes status',
        'bool_yes_no',
        'Whether this agent writes the status of routes and policies for the cluster.',
        `max(shunt_status_leader{${OWN}})`,
      ),
    ],
    Kernel: [
      panel('Tables', 'percentunit', 'Entries in use of those that the table can hold before it is enlarged.', {
        [`max by (table) (shunt_table_entries{${OWN}} / shunt_table_capacity{${OWN}})`]: '{{table}}',
      }),
      panel('Table of connections', 'short', 'Connections remembered, and those that can be at the lowest cost.', {
        [`sum(shunt_connections_table_used{${OWN}})`]: 'used',
        [`sum(shunt_connections_table_size{${OWN}})`]: 'size',
      }),
      verdicts,
      panel('UDP sockets woken', 'ops', 'Because their endpoint is gone; and attempts that failed.', {
        [`sum(${rate('shunt_sockets_ended_total', OWN)})`]: 'woken',
        [`sum(${rate('shunt_sockets_end_failures_total', OWN)})`]: 'failed',
      }),
      panel('Connections found gone', 'ops', 'TCP connections whose sockets went without a word.', {
        [`sum(${rate('shunt_connections_lost_total', OWN)})`]: 'gone',
      }),
      panel('Pods with rules of their own', 'short', 'Found by their cgroups, waiting for them, or refused.', {
        [`sum by (state) (shunt_client_pods{${OWN}})`]: '{{state}}',
      }),
    ],
    'Socket to socket': [
      panel('Sockets', 'short', 'Whose both ends want it: candidates, joined, and unfit.', {
        [`sum by (state) (shunt_same_node_sockets{${OWN}})`]: '{{state}}',
      }),
      panel('Payload', 'Bps', 'Bytes that went socket to socket.', {
        [`sum(${rate('shunt_same_node_bytes_total', OWN)})`]: 'bytes',
      }),
      panel(
        'Went by TCP all the same',
        'ops',
        'Messages of joined sockets and sockets found unfit, by reason (docs/redirection.md), and attempts that failed.',
        {
          [`sum by (reason) (${rate('shunt_same_node_fallbacks_total', OWN)}) > 0`]: 'message: {{reason}}',
          [`sum by (reason) (${rate('shunt_same_node_unfit_total', OWN)}) > 0`]: 'socket: {{reason}}',
          [`sum(${rate('shunt_same_node_failures_total', OWN)})`]: 'attempts that failed',
        },
      ),
    ],
    Changes: [
      panel('Applied', 'ops', 'Change sets, and attempts that failed.', {
        [`sum(${rate('shunt_changes_total', OWN)})`]: 'applied',
        [`sum(${rate('shunt_change_failures_total', OWN)})`]: 'failed',
      }),
      panel(
        'Time to be in force',
        's',
        '99 of a hundred: writing to the kernel; from the event; from the change in the cluster.',
        {
          [quantile(0.99, 'shunt_apply_duration_seconds', OWN)]: 'written',
          [quantile(0.99, 'shunt_programming_duration_seconds', OWN)]: 'from the event',
          [quantile(0.99, 'kubeproxy_network_programming_duration_seconds', AGENT)]: 'from the cluster',
        },
      ),
      panel('Entries written', 'ops', 'By table, and removals from all.', {
        [`sum by (table) (${rate('shunt_table_writes_total', OWN)})`]: '{{table}}',
        [`sum(${rate('shunt_table_removals_total', OWN)})`]: 'removed',
      }),
      panel('Objects', 'short', 'Cluster objects known.', { [`max by (kind) (shunt_objects{${OWN}})`]: '{{kind}}' }),
    ],
    'API server': [
      panel('Watches: last bookmark', 's', 'The API server sends one each minute.', {
        [`max by (resource) (shunt_watch_bookmark_age_seconds{${OWN}})`]: '{{resource}}',
      }),
      panel('Watches: ended requests', 'ops', 'By cause. `closed` each 5 to 10 minutes is as it should be.', {
        [`sum by (resource, cause) (${rate('shunt_watch_reconnects_total', OWN)}) > 0`]: '{{resource}} {{cause}}',
      }),
      panel('Watches: read anew', 'ops', 'Times that all objects of a resource were asked for, by reason.', {
        [`sum by (resource, reason) (${rate('shunt_watch_syncs_total', OWN)}) > 0`]: '{{resource}} {{reason}}',
      }),
      panel('Status writes', 'ops', 'By outcome.', {
        [`sum by (outcome) (${rate('shunt_status_writes_total', OWN)})`]: '{{outcome}}',
      }),
    ],
    Process: [
      panel('CPU', 'percentunit', 'Of one core.', { [`sum(${rate('process_cpu_seconds_total', AGENT)})`]: 'cpu' }),
      panel('Memory', 'bytes', 'Resident memory of the agent, and its heap.', {
        [`max(process_resident_memory_bytes{${AGENT}})`]: 'resident',
        [`max(nodejs_heap_size_used_bytes{${AGENT}})`]: 'heap',
      }),
      panel('Event loop', 's', 'How late the agent comes to what it has to do.', {
        [`max(nodejs_eventloop_lag_seconds{${AGENT}})`]: 'lag',
      }),
      panel('Open files', 'short', 'File descriptors, and how many there may be.', {
        [`max(process_open_fds{${AGENT}})`]: 'open',
        [`max(process_max_fds{${AGENT}})`]: 'limit',
      }),
    ],
  },
};
