/** Every metric of Shunt. The exposition and docs/metrics.md are made from this table. */
export interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  /** As the values are; counts have none. */
  readonly unit: 'seconds' | 'bytes' | '';
  readonly labels: readonly string[];
  readonly help: string;
}

const SERVICE = ['namespace', 'service', 'port', 'protocol'] as const;
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
const WORKLOAD = ['workload_namespace', 'workload', ...SERVICE] as const;

export const METRICS = {
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
    labels: SERVICE,
    help: 'Connections and datagrams refused at once because the Service has no endpoint.',
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
    help: 'Connections and datagrams of the workload refused at once because the Service has no endpoint.',
  },
  workloadBytesSent: {
    name: 'shunt_workload_bytes_sent_total',
    type: 'counter',
    unit: 'bytes',
    labels: WORKLOAD,
    help: 'TCP payload of the workload that backends acknowledged; not what went socket to socket.',
  },
  workloadBytesReceived: {
    name: 'shunt_workload_bytes_received_total',
    type: 'counter',
    unit: 'bytes',
    labels: WORKLOAD,
    help: 'TCP payload that the workload received from backends; not what went socket to socket.',
  },
  workloadPairs: {
    name: 'shunt_workload_pairs',
    type: 'gauge',
    unit: '',
    labels: ['state'],
    help: 'Pairs of a workload and a Service port that have series of their own (shown), or share those of workload other.',
  },
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
    help: 'Bytes of these messages. Those of a Service count for the Service as well, within 5 seconds.',
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
  sourceSynced: {
    name: 'shunt_source_synced',
    type: 'gauge',
    unit: '',
    labels: [],
    help: '1 once every object that existed at the start was read.',
  },
  sourceTrouble: {
    name: 'shunt_source_trouble',
    type: 'gauge',
    unit: '',
    labels: [],
    help: '1 while the source cannot be read or watched; what was read stays in force. `shunt status` says why.',
  },
  watchSynced: {
    name: 'shunt_watch_synced',
    type: 'gauge',
    unit: '',
    labels: ['resource'],
    help: '1 once all objects of the resource were read from the API server.',
  },
  watchObjects: {
    name: 'shunt_watch_objects',
    type: 'gauge',
    unit: '',
    labels: ['resource'],
    help: 'Objects that the API server has, as far as it has told.',
  },
  watchEventAge: {
    name: 'shunt_watch_event_age_seconds',
    type: 'gauge',
    unit: 'seconds',
    labels: ['resource'],
    help: 'Time since the last change that the API server told of. Absent before the first.',
  },
  watchBookmarkAge: {
    name: 'shunt_watch_bookmark_age_seconds',
    type: 'gauge',
    unit: 'seconds',
    labels: ['resource'],
    help: 'Time since the last bookmark of the API server, which sends one each minute. Absent before the first.',
  },
  watchSyncs: {
    name: 'shunt_watch_syncs_total',
    type: 'counter',
    unit: '',
    labels: ['resource', 'reason'],
    help: 'Times that all objects were asked for: at the start, or because the watch could not go on from where it was.',
  },
  watchReconnects: {
    name: 'shunt_watch_reconnects_total',
    type: 'counter',
    unit: '',
    labels: ['resource', 'cause'],
    help: 'Requests that ended otherwise than by a whole list, by cause; each is followed by another one.',
  },
  watchBadLines: {
    name: 'shunt_watch_bad_lines_total',
    type: 'counter',
    unit: '',
    labels: ['resource'],
    help: 'Lines and lists that were broken, cut, binary or too long. None is skipped: it is asked for again.',
  },
  watchWaiting: {
    name: 'shunt_watch_waiting_objects',
    type: 'gauge',
    unit: '',
    labels: ['resource'],
    help: 'Objects with a change that the agent could not take yet, and tries again.',
  },
  buildInfo: {
    name: 'shunt_build_info',
    type: 'gauge',
    unit: '',
    labels: ['version'],
    help: 'Always 1.',
  },
  changes: {
    name: 'shunt_changes_total',
    type: 'counter',
    unit: '',
    labels: [],
    help: 'Change sets applied to the kernel, those that needed no write included.',
  },
  changeFailures: {
    name: 'shunt_change_failures_total',
    type: 'counter',
    unit: '',
    labels: [],
    help: 'Attempts to apply a change set that failed; each is tried again, and traffic goes on with what is in force.',
  },
  lostEnded: {
    name: 'shunt_connections_lost_total',
    type: 'counter',
    unit: '',
    labels: [],
    help: 'TCP connections whose sockets were found to be gone though nobody had told; they count as active no longer.',
  },
  socketsEnded: {
    name: 'shunt_sockets_ended_total',
    type: 'counter',
    unit: '',
    labels: [],
    help: 'Connected UDP sockets that were woken with ECONNABORTED because their endpoint is gone.',
  },
  socketsFailures: {
    name: 'shunt_sockets_end_failures_total',
    type: 'counter',
    unit: '',
    labels: [],
    help: 'Attempts to find and wake such sockets that failed, in part or as a whole; each is tried again.',
  },
  tableWrites: {
    name: 'shunt_table_writes_total',
    type: 'counter',
    unit: '',
    labels: ['table'],
    help: 'Entries written to a kernel table.',
  },
  tableRemovals: {
    name: 'shunt_table_removals_total',
    type: 'counter',
    unit: '',
    labels: [],
    help: 'Entries removed from kernel tables.',
  },
  applyDuration: {
    name: 'shunt_apply_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: [],
    help: 'Time to write one change set to the kernel.',
  },
  programmingDuration: {
    name: 'shunt_programming_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: [],
    help: 'Time from an event of the source to its change being in force in the kernel, waiting included.',
  },
  networkProgramming: {
    name: 'kubeproxy_network_programming_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: [],
    help: 'Time from the change of a Pod or Service to its being in force here, under the name that kube-proxy gave it.',
  },
} as const satisfies Readonly<Record<string, Metric>>;

/** docs/metrics.md, whole. */
export const renderMetricsDoc = (): string => {
  const rows = Object.values(METRICS).map(({ name, type, unit, labels, help }) => {
    const labelText = labels.length === 0 ? '' : labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${unit} | ${labelText} | ${help} |\n`;
  });
  return `<!-- Generated from src/observe/registry.ts by scripts/gen-docs.mjs. Do not edit: run \`make generate\`. -->

# Metrics

\`shunt run\` serves these at \`--listen\`, path \`/metrics\`, in the Prometheus text format 0.0.4, together with the
usual \`process_*\` and \`nodejs_*\` metrics of the agent itself. The counters of Services live in the kernel: they go on
while the agent is dead, and a restart does not reset them.

A Service port always has the series of attempts, rejections and datagrams. It has the others from its first use on,
so that a node does not show thirty series for each Service that nobody on it talks to. Series go when their Service
goes. No label holds an address.

| metric | type | unit | labels | meaning |
|---|---|---|---|---|
${rows.join('')}`;
};
