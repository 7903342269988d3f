import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { DASHBOARD_NAMES, dashboard } from '../helpers/dashboards.ts';
import { chart, find, type Manifest } from '../helpers/manifests.ts';

/** What the chart installs for Prometheus and Grafana when it is asked to. */

test('neither rules nor dashboards come without being asked for, or with the Pods that take Shunt out', () => {
  const asked = { 'prometheusRule.enabled': true, 'dashboards.enabled': true, unload: true };
  for (const manifests of [chart(), chart(asked)]) {
    expect(manifests.map(({ kind }) => kind)).not.toContain('PrometheusRule');
    expect(manifests.map(({ metadata }) => metadata.name)).not.toContain('shunt-dashboards');
  }
});

test('prometheusRule has every alert as it is in deploy/alerts, and labels for the operator', () => {
  const manifests = chart({ 'prometheusRule.enabled': true, 'prometheusRule.labels': { release: 'prometheus' } });
  const rule = find<Manifest & { readonly spec: object }>(manifests, 'PrometheusRule');
  expect(rule.apiVersion).toBe('monitoring.coreos.com/v1');
  expect(rule.metadata).toMatchObject({ namespace: 'kube-system', labels: { release: 'prometheus' } });
  expect(rule.spec).toEqual(parse(readFileSync('deploy/alerts/shunt.yaml', 'utf8')));
});

test('dashboards has every dashboard as it is in deploy/grafana, and the label that Grafana’s sidecar looks for', () => {
  const manifests = chart({ 'dashboards.enabled': true, 'dashboards.labels': { folder: 'shunt' } });
  const map = find<Manifest & { readonly data: Readonly<Record<string, string>> }>(
    manifests,
    'ConfigMap',
    'shunt-dashboards',
  );
  expect(map.metadata.labels).toMatchObject({ grafana_dashboard: '1', folder: 'shunt' });
  expect(Object.keys(map.data).toSorted()).toEqual(DASHBOARD_NAMES.map((name) => `shunt-${name}.json`).toSorted());
  for (const name of DASHBOARD_NAMES) expect(JSON.parse(map.data[`shunt-${name}.json`]!)).toEqual(dashboard(name));
  // The API server takes no more than 1 MiB.
  expect(JSON.stringify(map).length).toBeLessThan(1 << 20);
});

test('docs/deploy.md shows a scrape that Prometheus takes', () => {
  const document = readFileSync('docs/deploy.md', 'utf8');
  const [, shown = ''] = /```yaml\n(scrape_configs:[\s\S]*?)```/.exec(document) ?? [];
  const directory = mkdtempSync(join(tmpdir(), 'shunt-scrape-'));
  try {
    // Debian's promtool is built without the discovery of Kubernetes.
    const known = shown.replace(/kubernetes_sd_configs: .*/, 'static_configs: [{ targets: ["192.0.2.1:10377"] }]');
    writeFileSync(join(directory, 'prometheus.yml'), known);
    const args = ['check', 'config', '--syntax-only', join(directory, 'prometheus.yml')];
    expect(execFileSync('promtool', args, { encoding: 'utf8' })).toContain('SUCCESS');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  const [{ job_name: job, relabel_configs: relabel }] = parse(shown).scrape_configs;
  expect(job).toBe('shunt');
  expect(relabel).toContainEqual(expect.objectContaining({ target_label: 'node' }));
});
