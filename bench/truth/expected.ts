import type { Pod } from '../../src/demo/pod.ts';
import { NAMESPACE, NOWHERE, type TruthService } from './objects.ts';
import { BACKEND_COUNTERS, type Row, sumOf, type Tally } from './rows.ts';
import type { Target } from './targets.ts';

/** What a client counted, and by whom it is to be counted. */
export interface Account {
  readonly workload: { readonly namespace: string; readonly name: string };
  readonly targets: readonly Target[];
  readonly rows: readonly Row[];
}

export interface Expected {
  readonly counters: Figures;
  readonly traffic: Figures;
}

/** By the name of a series or of a counter of a backend. */
export type Figures = ReadonlyMap<string, number>;

/** What has to be told, of Services, workloads and backends, where clients have counted this. */
export const expectedOf = (accounts: readonly Account[], servers: readonly Pod[]): Expected => {
  const counters = new Map<string, number>();
  const traffic = new Map<string, number>();
  const into = { counters, traffic };
  const asked = accounts.flatMap(({ workload, targets, rows }) =>
    rows.map((row) => ({ workload, row, target: targets[row.target] as Target })),
  );
  for (const [service, all] of Map.groupBy(asked, ({ target }) => serviceLabels(target.service)))
    expectService(into, service, all);
  for (const [labels, all] of Map.groupBy(asked, ({ workload, target }) => workloadLabels(workload, target.service)))
    expectWorkload(into, labels, sumOf(all.map(({ row }) => row)));
  const served = asked.filter(({ row }) => row.server !== 0);
  for (const [backend, all] of Map.groupBy(served, ({ row, target }) => backendName(target, row.server, servers)))
    expectBackend(into, backend, sumOf(all.map(({ row }) => row)));
  return into;
};

interface Asked {
  readonly row: Row;
  readonly target: Target;
}

interface Into {
  readonly counters: Map<string, number>;
  readonly traffic: Map<string, number>;
}

const expectService = ({ counters, traffic }: Into, labels: string, all: readonly Asked[]): void => {
  const put = (name: string, value: number, extra = ''): void => {
    counters.set(`shunt_service_${name}{${labels}${extra}}`, value);
  };
  const reason = (name: string, why: string, value: number): void => put(name, value, `,reason="${why}"`);
  const sum = sumOf(all.map(({ row }) => row));
  put('connections_attempted_total', sum.attempts);
  for (const why of ['no_endpoints', 'no_port', 'route'] as const) {
    const rejected = all.filter(({ target }) => target.reason === why);
    reason('rejected_total', why, sumOf(rejected.map(({ row }) => row)).rejected);
  }
  put('connections_established_total', sum.established);
  reason('connections_failed_total', 'refused', sum.refused);
  reason('connections_failed_total', 'timed_out', sum.timedOut);
  reason('connections_failed_total', 'unreachable', sum.unreachable);
  reason('connections_failed_total', 'abandoned', sum.abandoned);
  reason('connections_closed_total', 'closed', sum.closed - sum.reset - sum.broken);
  reason('connections_closed_total', 'reset', sum.reset);
  reason('connections_closed_total', 'broken', sum.broken);
  put('connections_active', openOf(sum));
  put('connections_pending', 0);
  const { sent, received } = countedBytes(sum);
  traffic.set(`shunt_service_bytes_sent_total{${labels}}`, sent);
  traffic.set(`shunt_service_bytes_received_total{${labels}}`, received);
};

const expectWorkload = ({ counters, traffic }: Into, labels: string, sum: Tally): void => {
  const put = (name: string, value: number): void => {
    counters.set(`shunt_workload_${name}_total{${labels}}`, value);
  };
  put('connections_attempted', sum.attempts);
  put('connections_established', sum.established);
  put('connections_failed', failedOf(sum));
  put('connections_closed', sum.closed);
  put('connections_broken', sum.reset + sum.broken);
  put('rejected', sum.rejected);
  const { sent, received } = countedBytes(sum);
  traffic.set(`shunt_workload_bytes_sent_total{${labels}}`, sent);
  traffic.set(`shunt_workload_bytes_received_total{${labels}}`, received);
};

const expectBackend = ({ counters, traffic }: Into, name: string, sum: Tally): void => {
  for (const counter of BACKEND_COUNTERS) counters.set(`${name} ${counter}`, sum[counter]);
  counters.set(`${name} active`, openOf(sum));
  counters.set(`${name} pending`, 0);
  const { sent, received } = countedBytes(sum);
  traffic.set(`${name} bytesSent`, sent);
  traffic.set(`${name} bytesReceived`, received);
};

const openOf = ({ established, closed }: Tally): number => established - closed;
const failedOf = ({ refused, timedOut, unreachable, abandoned }: Tally): number =>
  refused + timedOut + unreachable + abandoned;

/** Of a connection that goes on the last byte each way waits for its end (docs/architecture.md). */
const countedBytes = (sum: Tally): { readonly sent: number; readonly received: number } => ({
  sent: sum.sent - openOf(sum),
  received: sum.received - openOf(sum),
});

const serviceLabels = ({ name, protocol }: TruthService): string =>
  `namespace="${NAMESPACE}",service="${name}",port="80",protocol="${protocol}"`;

const workloadLabels = (workload: Account['workload'], service: TruthService): string =>
  `workload_namespace="${workload.namespace}",workload="${workload.name}",${serviceLabels(service)}`;

const backendName = ({ service, family }: Target, server: number, servers: readonly Pod[]): string => {
  const place = server === NOWHERE.number ? NOWHERE : servers[server - 1];
  return `${NAMESPACE}/${service.name}/main/${service.protocol} ${place?.[`address${family}`]}`;
};
