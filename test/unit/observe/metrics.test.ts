import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createMetrics } from '../../../src/observe/metrics.ts';
import type { Observed } from '../../../src/observe/observed.ts';
import { METRICS, type Metric, renderMetricsDoc } from '../../../src/observe/registry.ts';
import { scrapedText } from '../../helpers/scraped.ts';
import { FIRST_RESPONSES, fakeView, STATS, STATUS, serviceUsage, workloadUsage } from '../http/fake-view.ts';

const CHANGE = {
  atMs: 0,
  durationMs: 40,
  planMs: 1,
  applyMs: 3,
  ports: 2,
  writes: { backends: 1, services: 2, slots: 3, frontends: 4, removed: 5 },
};

const scrapeText = async (
  observed: Observed,
  record = (_: ReturnType<typeof createMetrics>): void => {},
  settings: Parameters<typeof createMetrics>[2] = {},
) => {
  const metrics = createMetrics(observed, () => 2500, settings);
  record(metrics);
  return scrapedText(await metrics.scrape());
};

const linesOf = (text: string, start: string): string[] => text.split('\n').filter((line) => line.startsWith(start));

const CART = 'namespace="shop",service="cart",port="7070",protocol="TCP"';

describe('series of Services', () => {
  test.each([
    [`shunt_service_connections_attempted_total{${CART}} 10`],
    [`shunt_service_connections_established_total{${CART}} 6`],
    [`shunt_service_connections_failed_total{${CART},reason="refused"} 1`],
    [`shunt_service_connections_failed_total{${CART},reason="timed_out"} 1`],
    [`shunt_service_connections_failed_total{${CART},reason="unreachable"} 0`],
    [`shunt_service_connections_failed_total{${CART},reason="abandoned"} 1`],
    [`shunt_service_connections_closed_total{${CART},reason="closed"} 2`],
    [`shunt_service_connections_closed_total{${CART},reason="reset"} 1`],
    [`shunt_service_connections_closed_total{${CART},reason="broken"} 1`],
    [`shunt_service_connections_active{${CART}} 2`],
    [`shunt_service_connections_pending{${CART}} 1`],
    [`shunt_service_bytes_sent_total{${CART}} 2048`],
    [`shunt_service_bytes_received_total{${CART}} 3000000`],
    [`shunt_service_datagrams_total{${CART}} 7`],
    [`shunt_service_rejected_total{${CART},reason="no_endpoints"} 2`],
    [`shunt_service_rejected_total{${CART},reason="no_port"} 1`],
    [`shunt_service_rejected_total{${CART},reason="route"} 0`],
    [`shunt_service_connect_duration_seconds_bucket{${CART},le="0.000032"} 0`],
    [`shunt_service_connect_duration_seconds_bucket{${CART},le="0.000128"} 4`],
    [`shunt_service_connect_duration_seconds_bucket{${CART},le="33.554432"} 4`],
    [`shunt_service_connect_duration_seconds_bucket{${CART},le="+Inf"} 6`],
    [`shunt_service_connect_duration_seconds_sum{${CART}} 1.5`],
    [`shunt_service_connect_duration_seconds_count{${CART}} 6`],
  ])('hold %s', async (line) => {
    expect((await scrapeText(fakeView())).split('\n')).toContain(line);
  });

  test('of one that nobody used are attempts, rejections and datagrams, at zero', async () => {
    const text = await scrapeText(fakeView({ usage: () => [serviceUsage({ stats: undefined })] }));
    expect(linesOf(text, 'shunt_service_')).toEqual([
      `shunt_service_connections_attempted_total{${CART}} 0`,
      `shunt_service_rejected_total{${CART},reason="no_endpoints"} 0`,
      `shunt_service_datagrams_total{${CART}} 0`,
    ]);
  });

  test.each([
    [`shunt_service_first_response_seconds_bucket{${CART},le="0.008192"} 0`],
    [`shunt_service_first_response_seconds_bucket{${CART},le="0.032768"} 3`],
    [`shunt_service_first_response_seconds_bucket{${CART},le="+Inf"} 4`],
    [`shunt_service_first_response_seconds_sum{${CART}} 90`],
    [`shunt_service_first_response_seconds_count{${CART}} 4`],
  ])('hold %s where that is measured', async (line) => {
    const stats = { ...STATS, firstResponses: FIRST_RESPONSES };
    expect((await scrapeText(fakeView({ usage: () => [serviceUsage({ stats })] }))).split('\n')).toContain(line);
  });

  test('say nothing of first responses where they are not measured', async () => {
    expect(await scrapeText(fakeView())).not.toContain('shunt_service_first_response_seconds_');
  });

  test('go when their Service goes', async () => {
    let usage = [serviceUsage()];
    const metrics = createMetrics(fakeView({ usage: () => usage, workloads: () => undefined }));
    expect(scrapedText(await metrics.scrape())).toContain('service="cart"');
    usage = [];
    expect(scrapedText(await metrics.scrape())).not.toContain('service="cart"');
  });

  test('of one that was gone meanwhile are those of the new one', async () => {
    let usage = [serviceUsage({ stats: { ...STATS, closed: 10, reset: 2, broken: 1 } })];
    const metrics = createMetrics(fakeView({ usage: () => usage }));
    const scrape = async () => scrapedText(await metrics.scrape());
    await scrape();
    usage = [];
    await scrape();
    usage = [serviceUsage({ stats: { ...STATS, closed: 11, reset: 11, broken: 0 } })];
    expect(await scrape()).toContain(`shunt_service_connections_closed_total{${CART},reason="closed"} 0\n`);
  });

  test('never show a negative count while the kernel counts on', async () => {
    const stats = { ...STATS, closed: 1, reset: 1, broken: 1 };
    const text = await scrapeText(fakeView({ usage: () => [serviceUsage({ stats })] }));
    expect(text).toContain(`shunt_service_connections_closed_total{${CART},reason="closed"} 0\n`);
  });

  test.each([
    [
      'connections that closed as they should',
      'connections_closed',
      'closed',
      { closed: 10, reset: 2 },
      { reset: 3 },
      7,
    ],
    [
      'rejections for want of endpoints',
      'rejected',
      'no_endpoints',
      { rejected: 9, rejectedShare: 1 },
      { rejectedShare: 2 },
      7,
    ],
  ])(
    'never show fewer %s than before, though their parts are read later',
    async (_, name, reason, first, later, shown) => {
      let stats = { ...STATS, ...first };
      const metrics = createMetrics(fakeView({ usage: () => [serviceUsage({ stats })] }));
      const scrape = async () => {
        const text = scrapedText(await metrics.scrape());
        const [line] = linesOf(text, `shunt_service_${name}_total{${CART},reason="${reason}"}`);
        return Number(line?.split(' ').at(-1));
      };
      expect(await scrape()).toBe(shown);
      stats = { ...stats, ...later };
      expect(await scrape()).toBe(shown);
      stats = { ...STATS, closed: 2, reset: 0, broken: 1, rejected: 2, rejectedNoPort: 1, rejectedShare: 0 };
      expect(await scrape()).toBe(1);
    },
  );

  test('escape what a label may not hold', async () => {
    const text = await scrapeText(fakeView({ usage: () => [serviceUsage({ namespace: 'a"b\\c\nd' })] }));
    expect(text).toContain('{namespace="a\\"b\\\\c\\nd",service="cart"');
  });

  test.each([0, 9, 10, 99, 100, 4_294_967_296, Number.MAX_SAFE_INTEGER, 1.5, 2e20])(
    'write the number %d exactly',
    async (value) => {
      const stats = { ...STATS, bytesSent: value };
      const text = await scrapeText(fakeView({ usage: () => [serviceUsage({ stats })] }));
      const [line] = linesOf(text, 'shunt_service_bytes_sent_total{');
      expect(Number(line?.split(' ').at(-1))).toBe(value);
    },
  );
});

const FRONT = `workload_namespace="front",workload="Deployment/web",${CART}`;

describe('series of workloads', () => {
  test.each([
    [`shunt_workload_connections_attempted_total{${FRONT}} 12`],
    [`shunt_workload_connections_established_total{${FRONT}} 7`],
    [`shunt_workload_connections_failed_total{${FRONT}} 4`],
    [`shunt_workload_connections_closed_total{${FRONT}} 3`],
    [`shunt_workload_connections_broken_total{${FRONT}} 2`],
    [`shunt_workload_rejected_total{${FRONT}} 1`],
    [`shunt_workload_bytes_sent_total{${FRONT}} 100`],
    [`shunt_workload_bytes_received_total{${FRONT}} 2000`],
    ['shunt_workload_pairs{state="shown"} 1'],
    ['shunt_workload_pairs{state="other"} 7'],
  ])('hold %s', async (line) => {
    expect((await scrapeText(fakeView())).split('\n')).toContain(line);
  });

  test('are not there where nobody counts by who asks', async () => {
    expect(await scrapeText(fakeView({ workloads: () => undefined }))).not.toContain('shunt_workload_');
  });

  test('escape what a label may not hold', async () => {
    const workload = { namespace: 'a"b', name: 'Pod/c\\d' };
    const workloads = { usage: [workloadUsage({ workload })], pairs: { shown: 1, other: 0 } };
    const text = await scrapeText(fakeView({ workloads: () => workloads }));
    expect(text).toContain('{workload_namespace="a\\"b",workload="Pod/c\\\\d",namespace="shop"');
  });
});

describe('series under the names of Istio', () => {
  const scrapeIstio = async (...usage: ReturnType<typeof workloadUsage>[]) => {
    const view = fakeView({ workloads: () => ({ usage, pairs: { shown: 1, other: 0 } }) });
    return linesOf(await scrapeText(view, undefined, { istioMetrics: true }), 'istio_');
  };
  const samples = (lines: readonly string[], name: string) => lines.filter((line) => line.startsWith(`${name}{`));

  test('are not there unless they are asked for', async () => {
    expect(await scrapeText(fakeView())).not.toContain('istio_');
  });

  test.each([
    ['istio_tcp_connections_opened_total', 7],
    ['istio_tcp_connections_closed_total', 3],
    ['istio_tcp_sent_bytes_total', 100],
    ['istio_tcp_received_bytes_total', 2000],
  ])('%s counts for the workload by its name, and the Service by its host', async (name, value) => {
    const [line = '', ...others] = samples(await scrapeIstio(workloadUsage()), name);
    expect(others).toEqual([]);
    expect(line.endsWith(`} ${value}`)).toBe(true);
    for (const label of [
      'reporter="source"',
      'source_workload="web"',
      'source_workload_namespace="front"',
      'destination_service="cart.shop.svc.cluster.local"',
      'destination_service_name="cart"',
      'destination_service_namespace="shop"',
    ])
      expect(line).toContain(label);
  });

  test('are added up over ports and kinds, which they do not tell apart, and leave out UDP', async () => {
    const lines = await scrapeIstio(
      workloadUsage(),
      workloadUsage({ port: 7071 }),
      workloadUsage({ workload: { namespace: 'front', name: 'StatefulSet/web' } }),
      workloadUsage({ protocol: 'UDP' }),
    );
    expect(samples(lines, 'istio_tcp_connections_opened_total').map((line) => line.split(' ').at(-1))).toEqual(['21']);
  });

  test.each(['node', 'unknown', 'other'])('call %s unknown', async (name) => {
    const [line] = await scrapeIstio(workloadUsage({ workload: { namespace: '', name } }));
    expect(line).toContain('source_workload="unknown",source_workload_namespace="unknown"');
  });
});

test.each([
  ['shunt_verdicts_total{verdict="refused_no_endpoint"} 3'],
  ['shunt_verdicts_total{verdict="refused_bad_table"} 0'],
  ['shunt_programs_detached 1'],
  ['shunt_program_runs_total{program="shunt_connect4"} 4000'],
  ['shunt_program_run_seconds_total{program="shunt_connect4"} 0.002'],
  ['shunt_table_entries{table="frontends"} 900'],
  ['shunt_table_capacity{table="services"} 400'],
  ['shunt_connections_table_used 5'],
  ['shunt_connections_table_size 65536'],
  ['shunt_objects{kind="EndpointSlice"} 2'],
  ['shunt_objects{kind="Route"} 5'],
  ['shunt_client_pods{state="found"} 3'],
  ['shunt_client_pods{state="waiting"} 1'],
  ['shunt_same_node_attached 1'],
  ['shunt_same_node_sockets{state="joined"} 4'],
  ['shunt_same_node_messages_total 90'],
  ['shunt_same_node_bytes_total 9000'],
  ['shunt_same_node_fallbacks_total{reason="unread"} 7'],
  ['shunt_same_node_unfit_total{reason="blocks"} 2'],
  ['shunt_same_node_failures_total 3'],
  ['shunt_status_leader 1'],
  ['shunt_status_pending_objects 2'],
  ['shunt_status_writes_total{outcome="written"} 4'],
  ['shunt_complaints{severity="warning"} 2'],
  ['shunt_source_synced 1'],
  ['shunt_source_trouble 0'],
  ['shunt_watch_synced{resource="services"} 1'],
  ['shunt_watch_objects{resource="services"} 1'],
  ['shunt_watch_event_age_seconds{resource="services"} 1.5'],
  ['shunt_watch_syncs_total{resource="services",reason="expired"} 2'],
  ['shunt_watch_syncs_total{resource="services",reason="fallback"} 0'],
  ['shunt_watch_reconnects_total{resource="services",cause="bad_line"} 1'],
  ['shunt_watch_bad_lines_total{resource="services"} 1'],
  ['shunt_watch_waiting_objects{resource="services"} 0'],
  ['kubeproxy_network_programming_duration_seconds_bucket{le="0.25"} 1'],
  ['kubeproxy_network_programming_duration_seconds_bucket{le="59"} 2'],
  ['kubeproxy_network_programming_duration_seconds_bucket{le="115"} 2'],
  ['kubeproxy_network_programming_duration_seconds_bucket{le="300"} 2'],
  ['shunt_build_info{version="1.2.3"} 1'],
  ['shunt_changes_total 1'],
  ['shunt_change_failures_total 1'],
  ['shunt_connections_lost_total 6'],
  ['shunt_table_writes_total{table="slots"} 3'],
  ['shunt_table_removals_total 5'],
  ['shunt_apply_duration_seconds_bucket{le="0.002"} 0'],
  ['shunt_apply_duration_seconds_bucket{le="0.005"} 1'],
  ['shunt_programming_duration_seconds_sum 0.04'],
  ['kubeproxy_network_programming_duration_seconds_count 2'],
])('after one change that was applied at the second attempt a scrape holds %s', async (line) => {
  const text = await scrapeText(fakeView(), (metrics) => {
    metrics.recordFailure();
    metrics.recordLostEnded(6);
    metrics.recordChange(CHANGE);
    metrics.recordProgrammed([20, 800]);
  });
  expect(text.split('\n')).toContain(line);
});

test('nothing is said of runs of programs that the kernel does not count', async () => {
  expect(await scrapeText(fakeView({ programRuns: () => [] }))).not.toContain('shunt_program_run');
});

test('a bookmark that never came has no age, and a source without watches none of their series', async () => {
  expect(linesOf(await scrapeText(fakeView()), 'shunt_watch_bookmark_age_seconds')).toEqual([]);
  expect(await scrapeText(fakeView({ state: { watches: [] } }))).not.toContain('shunt_watch_');
});

const LARGE = 5000;
const largeView = () => {
  const usage = Array.from({ length: LARGE }, (_, n) =>
    serviceUsage({ service: `s-${n}`, stats: n % 10 === 0 ? STATS : undefined }),
  );
  return fakeView({ usage: () => usage });
};

describe('the exposition', () => {
  /** Families in their order, with the names of the labels that they have. */
  const parse = (text: string) => {
    const families = new Map<string, { type: string; labels: Set<string> }>();
    let current = '';
    for (const line of text.trimEnd().split('\n')) {
      const head = /^# TYPE (\S+) (\S+)$/.exec(line);
      if (head !== null) {
        current = head[1] as string;
        expect(families.has(current), `${current} stands twice`).toBe(false);
        families.set(current, { type: head[2] as string, labels: new Set() });
      } else if (line !== '' && !line.startsWith('#')) {
        const sample = /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$/.exec(line);
        expect(sample, line).not.toBeNull();
        const name = sample?.[1] ?? '';
        expect([current, `${current}_bucket`, `${current}_sum`, `${current}_count`], line).toContain(name);
        // prom-client writes Nan, which Prometheus reads in any case.
        expect(sample?.[3], line).toMatch(/^(nan|[+-]Inf|[\d.eE+-]+)$/i);
        for (const [, label] of (sample?.[2] ?? '').matchAll(/(\w+)="/g))
          families.get(current)?.labels.add(label as string);
      }
    }
    return families;
  };

  test('is well formed, each family once, and holds exactly the metrics of the registry', async () => {
    const watches = STATUS.watches.map((watch) => ({ ...watch, lastBookmarkAtMs: 2000 }));
    const usage = () => [serviceUsage({ stats: { ...STATS, firstResponses: FIRST_RESPONSES } })];
    const families = parse(
      await scrapeText(fakeView({ state: { watches }, usage }), (metrics) => metrics.recordChange(CHANGE), {
        istioMetrics: true,
      }),
    );
    const ours = [...families].filter(([name]) => !/^(process|nodejs)_/.test(name));
    const registered: readonly Metric[] = Object.values(METRICS);
    expect(ours.map(([name]) => name).sort()).toEqual(registered.map(({ name }) => name).sort());
    for (const { name, type, labels } of registered) {
      const family = families.get(name);
      expect(family?.type, name).toBe(type);
      family?.labels.delete('le');
      expect([...(family?.labels ?? [])].sort(), name).toEqual([...labels].sort());
    }
    expect(families.has('process_cpu_seconds_total')).toBe(true);
  });

  test('names have base units and counters end in _total', () => {
    for (const { name, type, unit } of Object.values<Metric>(METRICS)) {
      expect(name).toMatch(/^(shunt|kubeproxy|istio)_[a-z_]+$/);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      if (unit !== '') expect(name).toContain(`_${unit}`);
    }
  });

  test('of two scrapes at once, piece by piece in turns, is whole in each', async () => {
    const metrics = createMetrics(largeView(), () => 2500);
    const [first, second] = await Promise.all([metrics.scrape(), metrics.scrape()]);
    const texts: [string, string] = ['', ''];
    const others = second.body[Symbol.iterator]();
    for (const piece of first.body) {
      const other = others.next();
      texts[0] += Buffer.from(piece).toString();
      texts[1] += other.done ? '' : Buffer.from(other.value).toString();
    }
    const [own, other] = texts.map((text) => linesOf(text, 'shunt_'));
    expect(own).toEqual(other);
    expect(linesOf(texts[0], 'shunt_service_connections_attempted_total{')).toHaveLength(LARGE);
  });

  test('of a large cluster comes in pieces that are small, and is looked at in many turns', async () => {
    const { body } = await createMetrics(largeView()).scrape();
    const lengths = Array.from(body, ({ length }) => length);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(256 * 1024);
    expect(lengths.length).toBeGreaterThan(LARGE / 500);
  });
});

test('docs/metrics.md is current', () => {
  expect(readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8')).toBe(renderMetricsDoc());
});
