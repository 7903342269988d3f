import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DASHBOARD_NAMES, dashboard, panelsOf } from '../helpers/dashboards.ts';
import { namedIn, unknownIn } from '../helpers/promql.ts';

const DASHBOARDS = DASHBOARD_NAMES.map((name) => ({ name, ...dashboard(name) }));
const PANELS = DASHBOARDS.flatMap((each) => panelsOf(each).map((panel) => ({ name: each.name, ...panel })));

test('deploy/grafana is what scripts/dashboards says', () => {
  expect(execFileSync('node', ['scripts/gen-dashboards.mjs', '--check'], { encoding: 'utf8' })).toBe('');
});

test.each(DASHBOARDS)('$name: Grafana finds all that it needs', ({ uid, title, schemaVersion, templating, panels }) => {
  expect({ uid, title }).toEqual({ uid: expect.stringMatching(/^shunt-/), title: expect.stringMatching(/^Shunt \/ /) });
  expect(schemaVersion).toBeGreaterThanOrEqual(38);
  const ids = panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const [datasource, ...queries] = templating.list;
  expect(datasource).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' });
  expect(queries.map(({ name }) => name)).toContain('node');
  for (const { datasource } of [...queries, ...PANELS]) expect(datasource?.uid).toBe(`\${datasource}`);
});

test.each(DASHBOARDS)('$name: no two panels lie over each other, none beside the page', ({ panels }) => {
  const places = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`),
  );
  expect(new Set(places).size).toBe(places.length);
  expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24);
});

test.each(DASHBOARDS)('$name: variables ask for labels that exist, and queries for variables that do', (each) => {
  const variables = each.templating.list.filter(({ type }) => type === 'query');
  for (const { definition = '', query } of variables) {
    expect((query as { query: string }).query).toBe(definition);
    const [, selector = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(definition) ?? [];
    expect(unknownIn(`sum by (${label}) (${selector})`)).toEqual([]);
  }
  const asked = [...panelsOf(each).flatMap(({ targets }) => targets.map(({ expr }) => expr))].join();
  const used = new Set([...asked.matchAll(/\$(?!__)(\w+)/g)].map(([, name]) => name));
  expect([...used].toSorted()).toEqual(variables.map(({ name }) => name).toSorted());
});

test.each(PANELS)('$name, $title: has a unit and a description, and asks for what exists', (panel) => {
  expect(panel.description).toMatch(/^[A-Z0-9].{9,}\.$/);
  expect(UNITS).toContain(panel.fieldConfig.defaults.unit);
  for (const { expr, legendFormat = '' } of panel.targets) {
    expect(unknownIn(expr)).toEqual([]);
    const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label);
    expect(namedIn(expr).grouped).toEqual(expect.arrayContaining(named));
  }
});

test('every metric of Shunt that has a unit is shown in that unit', () => {
  const seconds = PANELS.filter(({ targets }) =>
    targets.some(({ expr }) => /_seconds(_bucket|_sum|_total)?\{/.test(expr)),
  );
  const others = seconds.filter(({ fieldConfig }) => fieldConfig.defaults.unit !== 's').map(({ title }) => title);
  // Seconds of CPU in a second are a share.
  expect(others).toEqual(['CPU']);
});

test('the dashboards lead to each other by their tag', () => {
  for (const { tags, links } of DASHBOARDS) expect(links).toMatchObject([{ tags, type: 'dashboards' }]);
  expect(readFileSync('docs/operations.md', 'utf8')).toContain('(../deploy/grafana)');
});

/** Of Grafana: https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options/ */
const UNITS = ['short', 's', 'bytes', 'Bps', 'cps', 'ops', 'pps', 'percentunit', 'bool_yes_no'];
