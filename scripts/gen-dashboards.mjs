/**
 * Dashboards of Grafana, from scripts/dashboards -> deploy/grafana. `--check` compares with the committed files and
 * writes nothing.
 */
import { fleet } from './dashboards/fleet.mjs';
import { node } from './dashboards/node.mjs';
import { service } from './dashboards/service.mjs';
import { publish } from './generated.mjs';

/** Of Grafana 10.1; later ones take it, and lift it up themselves. */
const SCHEMA_VERSION = 38;
const GRID_WIDTH = 24;
const STAT = { w: 4, h: 4 };
const CHART = { w: 12, h: 8 };
const DATASOURCE = { type: 'prometheus', uid: `\${datasource}` };

const render = ({ uid, title, description, variables, rows }) => ({
  uid,
  title,
  description,
  tags: ['shunt'],
  schemaVersion: SCHEMA_VERSION,
  version: 1,
  editable: true,
  graphTooltip: 1,
  refresh: '30s',
  time: { from: 'now-1h', to: 'now' },
  timezone: '',
  links: [{ title: 'Shunt', type: 'dashboards', tags: ['shunt'], asDropdown: true, includeVars: true, keepTime: true }],
  annotations: { list: [] },
  templating: { list: [DATASOURCE_VARIABLE, ...variables.map(variable)] },
  panels: numbered(Object.entries(rows).flatMap(layOut())),
});

const DATASOURCE_VARIABLE = { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' };

const variable = ({ name, query }) => ({
  name,
  type: 'query',
  datasource: DATASOURCE,
  query: { query, refId: name },
  definition: query,
  refresh: 2,
  sort: 1,
  multi: true,
  includeAll: true,
  allValue: '.*',
  current: { selected: true, text: ['All'], value: ['$__all'] },
});

/** One row below the other, from left to right. */
const layOut = () => {
  let y = 0;
  return ([title, panels]) => {
    const head = { type: 'row', title, collapsed: false, panels: [], gridPos: { x: 0, y, w: GRID_WIDTH, h: 1 } };
    y += 1;
    let x = 0;
    let height = 0;
    const placed = panels.map((panel) => {
      const { w, h } = panel.type === 'stat' ? STAT : CHART;
      if (x + w > GRID_WIDTH) {
        y += height;
        x = 0;
      }
      const gridPos = { x, y, w, h };
      x += w;
      height = h;
      return { ...renderPanel(panel), gridPos };
    });
    y += height;
    return [head, ...placed];
  };
};

const numbered = (panels) => panels.map((panel, index) => ({ id: index + 1, ...panel }));

const renderPanel = ({ type = 'timeseries', title, unit, description, queries, bad }) => ({
  type,
  title,
  description,
  datasource: DATASOURCE,
  fieldConfig: { defaults: { unit, min: 0, ...(type === 'stat' ? colours(bad) : {}) }, overrides: [] },
  options: OPTIONS[type],
  targets: Object.entries(queries).map(([expr, name], index) => ({
    refId: String.fromCharCode('A'.charCodeAt(0) + index),
    datasource: DATASOURCE,
    expr,
    ...(name === '' ? {} : { legendFormat: name }),
    ...(type === 'stat' ? { instant: true, range: false } : { range: true }),
  })),
});

/** Red from `bad` on. */
const colours = (bad) => {
  const plain = { color: bad === undefined ? 'blue' : 'green', value: null };
  const steps = bad === undefined ? [plain] : [plain, { color: 'red', value: bad }];
  return { color: { mode: 'thresholds' }, thresholds: { mode: 'absolute', steps } };
};

const OPTIONS = {
  stat: { colorMode: 'value', graphMode: 'none', reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false } },
  timeseries: {
    legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
    tooltip: { mode: 'multi', sort: 'desc' },
  },
};

publish(
  Object.fromEntries(
    Object.entries({ fleet, service, node }).map(([name, dashboard]) => [
      `deploy/grafana/${name}.json`,
      `${JSON.stringify(render(dashboard), null, 2)}\n`,
    ]),
  ),
);
