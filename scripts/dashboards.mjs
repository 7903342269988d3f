/** What the dashboards of deploy/grafana show. scripts/gen-dashboards.mjs makes Grafana's JSON of it. */

const AGENT = 'job=~"(.+/)?shunt",node=~"$node"';
const OWN = 'node=~"$node"';
const SERVICE = 'namespace=~"$namespace",service=~"$service",node=~"$node"';
const NODE_VARIABLE = { name: 'node', query: 'label_values(shunt_build_info, node)' };

const rate = (series, matchers) => `rate(${series}{${matchers}}[$__rate_interval])`;
const quantile = (q, series, matchers, by = '') =>
  `histogram_quantile(${q}, sum by (${by}le) (${rate(`${series}_bucket`, matchers)}))`;

/** `queries`: what Prometheus is asked -> how a line of the answer is called. */
const panel = (title, unit, description, queries, more = {}) => ({ title, unit, description, queries, ...more });

const stat = (title, unit, description, query, more = {}) =>
  panel(title, unit, description, { [query]: '' }, { type: 'stat', ...more });

const connectTimes = (matchers) =>
  panel(
    'Time to connect',
    's',
    'From SYN to its answer, of TCP connections that were established. Buckets are four times apart.',
    {
      [quantile(0.5, 'shunt_service_connect_duration_seconds', matchers)]: 'half',
      [quantile(0.95, 'shunt_service_connect_duration_seconds', matchers)]: '95 %',
      [quantile(0.99, 'shunt_service_connect_duration_seconds', matchers)]: '99 %',
    },
  );

const verdicts = panel(
  'Verdicts',
  'cps',
  'What the kernel did other than leaving a connection alone or sending it to a backend. docs/operations.md explains each.',
  { [`sum by (verdict) (${rate('shunt_verdicts_total', OWN)}) > 0`]: '{{verdict}}' },
);

const fleet = {
  uid: 'shunt-fleet',
  title: 'Shunt / Fleet',
  description: 'All nodes: who is well, what is refused, and how long changes take to reach the kernels.',
  variables: [NODE_VARIABLE],
  rows: {
    Now: [
      stat('Agents', 'short', 'Agents that answer.', `sum(up{${AGENT}})`),
      stat(
        'Agents that do not answer',
        'short',
        'Traffic goes on there; endpoints that leave are not noticed.',
        `sum(1 - up{${AGENT}})`,
        { bad: 1 },
      ),
      stat(
        'Sources in trouble',
        'short',
        'Agents that cannot read their source.',
        `sum(shunt_source_trouble{${OWN}})`,
        { bad: 1 },
      ),
      stat(
        'Errors in objects',
        'short',
        'Objects that are not in force as they are written.',
        `max(shunt_complaints{severity="error",${OWN}})`,
        { bad: 1 },
      ),
      stat(
        'Connections',
        'short',
        'Established through Service addresses now.',
        `sum(shunt_service_connections_active{${OWN}})`,
      ),
      stat('Services', 'short', 'As the agents know them.', `max(shunt_objects{kind="Service",${OWN}})`),
    ],
    Traffic: [
      panel('Connections', 'cps', 'Connections sent to a backend, and what became of them.', {
        [`sum(${rate('shunt_service_connections_attempted_total', OWN)})`]: 'attempted',
        [`sum(${rate('shunt_service_connections_established_total', OWN)})`]: 'established',
        [`sum(${rate('shunt_service_connections_failed_total', OWN)})`]: 'failed',
        [`sum(${rate('shunt_service_rejected_total', OWN)})`]: 'refused: no endpoint',
      }),
      panel('Services with the most connections', 'cps', 'The ten that are asked for most.', {
        [`topk(10, sum by (namespace, service) (${rate('shunt_service_connections_attempted_total', OWN)}))`]:
          '{{namespace}}/{{service}}',
      }),
      panel(
        'Services with the most failures',
        'percentunit',
        'Share of connections that no backend accepted. Those that the client gave up are left out.',
        {
          [`topk(10, sum by (namespace, service) (${rate('shunt_service_connections_failed_total', `reason!="abandoned",${OWN}`)}) / sum by (namespace, service) (${rate('shunt_service_connections_attempted_total', OWN)}) > 0)`]:
            '{{namespace}}/{{service}}',
        },
      ),
      panel('Services without an endpoint', 'cps', 'Connections and datagrams that were refused for that.', {
        [`topk(10, sum by (namespace, service) (${rate('shunt_service_rejected_total', OWN)}) > 0)`]:
          '{{namespace}}/{{service}}',
      }),
      connectTimes(OWN),
      verdicts,
    ],
    Changes: [
      panel(
        'From the cluster to the kernel',
        's',
        'Of a hundred changes of endpoints 99 are in force within that time, counted from the change of the Pod.',
        {
          [quantile(0.99, 'kubeproxy_network_programming_duration_seconds', AGENT, 'node, ')]: '{{node}}',
        },
      ),
      panel('Changes that failed', 'ops', 'Each is tried again, and traffic goes on with what is in force.', {
        [`sum by (node) (${rate('shunt_change_failures_total', OWN)})`]: '{{node}}',
      }),
      panel('Versions', 'short', 'Agents by version, to follow an upgrade.', {
        [`count by (version) (shunt_build_info{${OWN}})`]: '{{version}}',
      }),
      panel('Memory of agents', 'bytes', 'Resident memory of the agent alone. Tables come on top.', {
        [`max by (node) (process_resident_memory_bytes{${AGENT}})`]: '{{node}}',
      }),
    ],
  },
};

const service = {
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
        'Because there is no endpoint.',
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
      panel('Failed', 'cps', 'Connections that no backend accepted, by reason.', {
        [`sum by (reason) (${rate('shunt_service_connections_failed_total', SERVICE)})`]: '{{reason}}',
      }),
      panel('Ended', 'cps', 'Established connections that ended: closed in peace, reset by the backend, or broken.', {
        [`sum by (reason) (${rate('shunt_service_connections_closed_total', SERVICE)})`]: '{{reason}}',
      }),
      connectTimes(SERVICE),
      panel('Established and pending', 'short', 'Connections that are open, and those that wait for a backend.', {
        [`sum(shunt_service_connections_active{${SERVICE}})`]: 'established',
        [`sum(shunt_service_connections_pending{${SERVICE}})`]: 'pending',
      }),
    ],
    Data: [
      panel('TCP payload', 'Bps', 'Of connections that ended.', {
        [`sum(${rate('shunt_service_bytes_sent_total', SERVICE)})`]: 'sent to backends',
        [`sum(${rate('shunt_service_bytes_received_total', SERVICE)})`]: 'received from backends',
      }),
      panel('Datagrams', 'pps', 'Of unconnected UDP sockets, sent to a backend.', {
        [`sum(${rate('shunt_service_datagrams_total', SERVICE)})`]: 'datagrams',
      }),
    ],
  },
};

const node = {
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

export const DASHBOARDS = { fleet, service, node };
