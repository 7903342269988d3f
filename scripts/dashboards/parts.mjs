/** What the dashboards of deploy/grafana are made of. */

export const AGENT = 'job=~"(.+/)?shunt",node=~"$node"';
export const OWN = 'node=~"$node"';
export const SERVICE = 'namespace=~"$namespace",service=~"$service",node=~"$node"';
export const NODE_VARIABLE = { name: 'node', query: 'label_values(shunt_build_info, node)' };

export const rate = (series, matchers) => `rate(${series}{${matchers}}[$__rate_interval])`;
export const quantile = (q, series, matchers, by = '') =>
  `histogram_quantile(${q}, sum by (${by}le) (${rate(`${series}_bucket`, matchers)}))`;

/** `queries`: what Prometheus is asked -> how a line of the answer is called. */
export const panel = (title, unit, description, queries, more = {}) => ({ title, unit, description, queries, ...more });

export const stat = (title, unit, description, query, more = {}) =>
  panel(title, unit, description, { [query]: '' }, { type: 'stat', ...more });

export const connectTimes = (matchers) =>
  times(
    'Time to connect',
    'From SYN to its answer, of TCP connections that were established. Buckets are four times apart.',
    'shunt_service_connect_duration_seconds',
    matchers,
  );

export const responseTimes = (matchers) =>
  times(
    'Time to the first byte of an answer',
    'Of each exchange, where the TrafficPolicy of the Service says firstResponseTime: Measure. Buckets are four times apart.',
    'shunt_service_first_response_seconds',
    matchers,
  );

const times = (title, description, series, matchers) =>
  panel(title, 's', description, {
    [quantile(0.5, series, matchers)]: 'half',
    [quantile(0.95, series, matchers)]: '95 %',
    [quantile(0.99, series, matchers)]: '99 %',
  });

export const verdicts = panel(
  'Verdicts',
  'cps',
  'What the kernel did other than leaving a connection alone or sending it to a backend. docs/operations.md explains each.',
  { [`sum by (verdict) (${rate('shunt_verdicts_total', OWN)}) > 0`]: '{{verdict}}' },
);
