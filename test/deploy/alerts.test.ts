import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { namedIn, unknownIn } from '../helpers/promql.ts';

const RULES = 'deploy/alerts/shunt.yaml';
const TESTS = readdirSync('deploy/alerts/tests').map((name) => `deploy/alerts/tests/${name}`);
const OPERATIONS = readFileSync('docs/operations.md', 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<'summary' | 'description' | 'runbook', string>>;
}

interface RuleTest {
  readonly name: string;
  readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts: readonly object[] }[];
}

const { groups } = parse(readFileSync(RULES, 'utf8')) as {
  groups: readonly { name: string; rules: readonly Rule[] }[];
};
const alerts = groups.flatMap(({ rules }) => rules);
const names = alerts.map(({ alert }) => alert);
const [, chapter = ''] = /\n## Alerts\n([\s\S]*?)\n## /.exec(OPERATIONS) ?? [];
const sections = chapter
  .split('\n### ')
  .slice(1)
  .map((text) => ({ name: text.split('\n', 1)[0] ?? '', text }));

test('promtool takes the rules', () => {
  expect(promtool('check', 'rules', '--lint=all', '--lint-fatal', RULES)).toContain(`${alerts.length} rules found`);
});

test.each(TESTS)('%s: each alert fires when it should, and only then', (path) => {
  expect(promtool('test', 'rules', path)).toContain('SUCCESS');
});

test('each alert is tested with what makes it fire and with what does not', () => {
  const tests = TESTS.flatMap((path) => (parse(readFileSync(path, 'utf8')) as { tests: readonly RuleTest[] }).tests);
  const cases = tests.flatMap(({ alert_rule_test }) => alert_rule_test);
  const having = (fires: boolean) =>
    cases.filter(({ exp_alerts }) => exp_alerts.length > 0 === fires).map(({ alertname }) => alertname);
  expect(having(true).toSorted()).toEqual(names.toSorted());
  expect(having(false).toSorted()).toEqual(names.toSorted());
});

describe.each(alerts)('$alert', ({ alert, expr, labels, annotations }) => {
  test('asks for metrics and labels that exist', () => {
    expect(unknownIn(expr)).toEqual([]);
  });

  test('says who is concerned, by which severity, and names its section', () => {
    expect(labels).toEqual({ severity: expect.stringMatching(/^(critical|warning|info)$/) });
    expect(annotations).toEqual({
      summary: expect.stringMatching(/\.$/),
      description: expect.stringMatching(/\.$/),
      runbook: `docs/operations.md#${alert.toLowerCase()}`,
    });
  });
});

test('docs/operations.md has a section for each alert, in their order, and none for others', () => {
  expect(sections.map(({ name }) => name)).toEqual(names);
});

test.each(sections)('the section $name says what it means, what to look at and what to do', ({ text }) => {
  expect([...text.matchAll(/^\*\*(.*?):\*\* \S.{20,}/gm)].map(([, what]) => what)).toEqual(['Means', 'Look at', 'Do']);
});

describe('what a query names is found', () => {
  test.each([
    ['rate(shunt_changes_total[5m]) > 1', { metrics: ['shunt_changes_total'], selected: [], grouped: [] }],
    [
      'sum by (node) (a{b="c}",d!~"e"}) / on (f) g offset 5m',
      {
        metrics: ['a', 'g'],
        selected: [
          { metric: 'a', label: 'b' },
          { metric: 'a', label: 'd' },
        ],
        grouped: ['node', 'f'],
      },
    ],
  ])('%s', (query, named) => {
    expect(namedIn(query)).toEqual(named);
  });

  test.each([
    ['shunt_change_total', ['shunt_change_total']],
    ['shunt_objects{sort="Pod"}', ['shunt_objects{sort}']],
    ['sum by (service) (shunt_objects)', ['service']],
    ['shunt_apply_duration_seconds', ['shunt_apply_duration_seconds']],
    ['shunt_service_rtt_seconds', ['shunt_service_rtt_seconds']],
    ['shunt_service_rtt_seconds_bucket', ['shunt_service_rtt_seconds_bucket']],
    ['sum by (le) (shunt_apply_duration_seconds_count)', ['le']],
    ['vector(1)', ['no metric']],
  ])('and so is what does not exist: %s', (query, wrong) => {
    expect(unknownIn(query)).toEqual(wrong);
  });
});

/** What it printed. Throws with its own words when it fails. */
const promtool = (...args: readonly string[]): string => {
  try {
    return execFileSync('promtool', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`promtool ${args.join(' ')}:\n${stdout ?? ''}${stderr ?? String(error)}`);
  }
};
