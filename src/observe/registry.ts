import { AGENT_METRICS } from './registry/agent.ts';
import { CLUSTER_METRICS } from './registry/cluster.ts';
import { ISTIO_METRICS } from './registry/istio.ts';
import { PROGRAM_METRICS, TABLE_METRICS } from './registry/kernel.ts';
import { SAME_NODE_METRICS } from './registry/same-node.ts';
import { SERVICE_METRICS } from './registry/services.ts';
import { SOURCE_METRICS } from './registry/sources.ts';
import { WORKLOAD_METRICS } from './registry/workloads.ts';

export type { Metric } from './registry/metric.ts';

/** Every metric of Shunt, in the order of docs/metrics.md. That file and the exposition are made from this table. */
export const METRICS = {
  ...SERVICE_METRICS,
  ...WORKLOAD_METRICS,
  ...ISTIO_METRICS,
  ...PROGRAM_METRICS,
  ...SAME_NODE_METRICS,
  ...TABLE_METRICS,
  ...CLUSTER_METRICS,
  ...SOURCE_METRICS,
  ...AGENT_METRICS,
} as const;

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

A Service port always has the series of attempts, of rejections for want of endpoints, and of datagrams. It has the
others from its first use on, so that a node does not show thirty series for each Service that nobody on it talks to;
those of first responses where they are measured. Series go when their Service goes. No label holds an address.

| metric | type | unit | labels | meaning |
|---|---|---|---|---|
${rows.join('')}`;
};
