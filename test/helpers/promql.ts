import { collectOwnProcess, Registry } from '../../src/observe/prom-client.ts';
import { METRICS, type Metric } from '../../src/observe/registry.ts';

/** What a query of Prometheus names. */
export interface Named {
  readonly metrics: readonly string[];
  /** Of a selector, with the metric that it stands behind. */
  readonly selected: readonly { readonly metric: string; readonly label: string }[];
  /** In `by`, `on` and their like. */
  readonly grouped: readonly string[];
}

const WORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'by', 'on', 'without', 'ignoring', 'inf', 'nan']);

/** Everything that a query names. Knows what our rules and dashboards are written in, which is not all of PromQL. */
export const namedIn = (query: string): Named => {
  const selected: { metric: string; label: string }[] = [];
  const grouped: string[] = [];
  const rest = query
    .replaceAll(/"[^"]*"|'[^']*'/g, '""')
    .replaceAll(/(\w+)\s*\{([^}]*)\}/g, (_, metric: string, matchers: string) => {
      for (const [, label = ''] of matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)) selected.push({ metric, label });
      return metric;
    })
    .replaceAll(/\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)/g, (_, labels: string) => {
      grouped.push(...wordsIn(labels));
      return ' ';
    })
    .replaceAll(/\[[^\]]*\]/g, '');
  const metrics = [...rest.matchAll(/\b[a-z_]\w*(?!\w|\s*\()/gi)].map(([word]) => word);
  return { metrics: [...new Set(metrics.filter((word) => !WORDS.has(word.toLowerCase())))], selected, grouped };
};

/** What is wrong with the names of a query: nothing, when each metric is Shunt's and has the labels that are used. */
export const unknownIn = (query: string): readonly string[] => {
  const { metrics, selected, grouped } = namedIn(query);
  if (metrics.length === 0) return ['no metric'];
  const wrong = metrics.filter((name) => labelsOf(name) === undefined);
  const labels = selected.filter(({ metric, label }) => labelsOf(metric)?.includes(label) === false);
  const groups = grouped.filter((label) => !metrics.some((name) => labelsOf(name)?.includes(label)));
  return [...wrong, ...labels.map(({ metric, label }) => `${metric}{${label}}`), ...groups];
};

/** What the scrape gives to every series; the PodMonitor of deploy/ gives `node`. */
const SCRAPE_LABELS = ['job', 'instance', 'node'];

/** Undefined: there is no such series. */
const labelsOf = (series: string): readonly string[] | undefined => {
  if (series === 'up' || OWN.has(series)) return SCRAPE_LABELS;
  const metric = BY_NAME.get(series);
  if (metric !== undefined && PARTS[metric.type] === undefined) return [...metric.labels, ...SCRAPE_LABELS];
  const [, name = '', part = ''] = /^(\w+)_(bucket|sum|count)$/.exec(series) ?? [];
  const whole = BY_NAME.get(name);
  if (whole === undefined || !PARTS[whole.type]?.includes(part)) return undefined;
  return [...whole.labels, ...(part === 'bucket' ? ['le'] : []), ...SCRAPE_LABELS];
};

/** Series of a metric that has none of its own name. */
const PARTS: Readonly<Partial<Record<Metric['type'], readonly string[]>>> = {
  histogram: ['bucket', 'sum', 'count'],
  summary: ['sum', 'count'],
};

const BY_NAME: ReadonlyMap<string, Metric> = new Map(Object.values(METRICS).map((metric) => [metric.name, metric]));

const ownProcess = (): ReadonlySet<string> => {
  const registry = new Registry();
  collectOwnProcess(registry);
  return new Set(registry.getMetricsAsArray().map(({ name }) => name));
};

const OWN = ownProcess();

const wordsIn = (text: string): readonly string[] => [...text.matchAll(/\w+/g)].map(([word]) => word);
