import { AGENT, connectTimes, NODE_VARIABLE, OWN, panel, quantile, rate, stat, verdicts } from './parts.mjs';

export const fleet = {
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
        [`sum by (reason) (${rate('shunt_service_rejected_total', OWN)})`]: 'refused: {{reason}}',
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
        [`topk(10, sum by (namespace, service) (${rate('shunt_service_rejected_total', `reason="no_endpoints",${OWN}`)}) > 0)`]:
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
