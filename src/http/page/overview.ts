import type { Clock } from '../../agent/clock.ts';
import { countedBySeverity } from '../../agent/complaints.ts';
import { totalsOf } from '../../agent/history/growth.ts';
import type { History } from '../../agent/history/history.ts';
import type { PairsReading } from '../../agent/history/pairs.ts';
import type { AgentView, ServiceUsage } from '../../agent/view.ts';
import type { WorkloadUsage } from '../../agent/workload-totals.ts';
import type { ServiceStats } from '../../dataplane/dataplane.ts';
import type { Counts, Health, Overview, Pair, Pairs, Row } from '../../web/wire.ts';

export interface OverviewDeps {
  readonly view: AgentView;
  readonly history: History;
  readonly clock: Clock;
  readonly version: string;
  readonly node: string;
  readonly pairs: PairsReading | undefined;
}

/** However many Service ports there are: the page has a search. */
const ROWS_MAX = 100;

/** What is asked for every second. `search` is a part of `namespace/service/port-name/PROTOCOL`. */
export const overviewOf = ({ view, history, clock, pairs, ...of }: OverviewDeps, query: URLSearchParams): Overview => {
  const { all, used } = history.found();
  const search = (query.get('search') ?? '').trim().toLowerCase();
  const found = search === '' ? used : matching(search, all, used);
  return {
    node: of.node,
    version: of.version,
    atMs: clock.monotonicMs(),
    step: history.step,
    health: healthOf(view),
    ports: all.length,
    used: used.length,
    found: found.length,
    rows: Array.from(view.usage(found.slice(0, ROWS_MAX)), (usage) => rowOf(usage, history)),
    ...(pairs !== undefined && { pairs: pairsView(pairs) }),
  };
};

/** Those that are used first. */
const matching = (search: string, all: readonly string[], used: readonly string[]): readonly string[] => {
  const isUsed = new Set(used);
  return [...used, ...all.filter((id) => !isUsed.has(id))].filter((id) => id.toLowerCase().includes(search));
};

const healthOf = (view: AgentView): Health => {
  const { ready, unhealthy, source } = view.health();
  const { name, trouble } = source;
  const complaints = countedBySeverity(view.complaints());
  return { ready, unhealthy, source: { name, trouble }, detached: view.detachedPrograms(), complaints };
};

const rowOf = ({ id, namespace, service, port, protocol, stats }: ServiceUsage, history: History): Row => {
  const connectP99Us = history.last(id, 'connectP99Us');
  return {
    ...{ id, namespace, service, port, protocol },
    counts: stats === undefined ? NOTHING : countsOf(stats),
    ...(connectP99Us !== undefined && { connectP99Us }),
  };
};

export const countsOf = (stats: ServiceStats): Counts => {
  const { latency: _, ...counts } = totalsOf(stats);
  return { ...counts, active: stats.active };
};

const NOTHING: Counts = { connections: 0, failed: 0, rejected: 0, datagrams: 0, sent: 0, received: 0, active: 0 };

const pairsView = ({ atMs, shown, more }: PairsReading): Pairs => ({ atMs, shown: shown.map(pairOf), more });

const pairOf = ({ workload, namespace, service, port, protocol, counts }: WorkloadUsage): Pair => ({
  namespace: workload.namespace,
  workload: workload.name,
  port: `${namespace}/${service}:${port}${protocol === 'UDP' ? '/udp' : ''}`,
  counts: { connections: counts.attempts, failed: counts.failed, rejected: counts.rejected },
});
