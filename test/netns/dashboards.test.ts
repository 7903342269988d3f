import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import { type AgentProcess, startAgentProcess } from '../helpers/agent-process.ts';
import { type AskingPanel, DASHBOARD_NAMES, dashboard, panelsOf } from '../helpers/dashboards.ts';
import { manifestOf, ObjectDirectory } from '../helpers/object-directory.ts';
import { OUR_NODE, policy, service } from '../helpers/objects.ts';
import { type Prometheus, type Sample, startPrometheus } from '../helpers/prometheus.ts';
import { retryUntil } from '../helpers/retry.ts';
import { type Hammer, openShell } from '../helpers/socket-shell.ts';
import { type Actor, openActors, PORTS, SERVER_PORT, serviceWith } from '../helpers/stage.ts';

/** A real Prometheus scrapes a real agent under traffic, and is asked whatever the dashboards ask. */

const WEB = '10.96.0.1';
const EMPTY = '10.96.0.2';
const CLOSED = '10.96.0.3';
const METRICS_ADDRESS = '127.0.0.1:10377';

/** Panels some of whose questions have no answer here, and why. All questions of all others must have one. */
const WITHOUT_ANSWER: Readonly<Record<string, string>> = {
  'Writes status': 'the source is a directory, which takes no status',
  'Status writes': 'the source is a directory, which takes no status',
  'Watches: last bookmark': 'the source is a directory, which has no watches',
  'Watches: ended requests': 'the source is a directory, which has no watches',
  'Watches: read anew': 'the source is a directory, which has no watches',
  'Went by TCP all the same': 'no Pod asks to be joined, so that none falls back',
};

const QUESTIONS = DASHBOARD_NAMES.flatMap((name) =>
  panelsOf(dashboard(name)).flatMap((panel) =>
    panel.targets.map(({ expr }, index) => ({ name, title: panel.title, panel, expr, index })),
  ),
);

let node: EmbeddedNode;
let agent: AgentProcess;
let objects: ObjectDirectory;
let prometheus: Prometheus;
let load: readonly Hammer[];
let actors: Readonly<Record<'client' | 'v1' | 'v2', Actor>>;
let changes: NodeJS.Timeout;

beforeAll(async () => {
  node = await createNode({ name: 'dashboards' });
  actors = await openActors(node, ['client', 'v1', 'v2']);
  for (const { shell, pod } of [actors.v1, actors.v2]) {
    await shell.serve('tcp', '*', SERVER_PORT, pod.name);
    await shell.serve('udp', '*', SERVER_PORT, pod.name);
  }
  objects = new ObjectDirectory();
  objects.write('empty', service({ name: 'empty', clusterIPs: [EMPTY], ports: PORTS }));
  objects.write('measured', policy([], { firstResponseTime: 'Measure' }));
  objects.write('closed', ...serviceWith('closed', [CLOSED], [actors.v1], { port: 1 }));
  move();
  const flags = ['--listen', METRICS_ADDRESS];
  agent = await startAgentProcess(node, { source: objects.path, flags }).ready();
  prometheus = await startPrometheus(node, { address: METRICS_ADDRESS, node: OUR_NODE.name });
  load = await startLoad();
  changes = setInterval(move, 700);
});

afterAll(async () => {
  clearInterval(changes);
  for (const hammer of load ?? []) await hammer.stop();
  await prometheus?.[Symbol.asyncDispose]();
  await agent?.[Symbol.asyncDispose]();
  objects?.[Symbol.dispose]();
  await node?.close();
});

/** The Service goes from one server to the other, or to both, as the controller of EndpointSlices would write it. */
let moves = 0;
const move = (): void => {
  moves += 1;
  const servers = [[actors.v1], [actors.v1, actors.v2]][moves % 2] ?? [];
  const annotations = { 'endpoints.kubernetes.io/last-change-trigger-time': new Date().toISOString() };
  const manifests = serviceWith('web', [WEB], servers)
    .map(manifestOf)
    .map((manifest) => ({ ...manifest, metadata: { ...(manifest as { metadata: object }).metadata, annotations } }));
  objects.writeText('web', manifests.map((manifest) => JSON.stringify(manifest)).join('\n---\n'));
};

const startLoad = async (): Promise<readonly Hammer[]> => {
  const options = { ms: 120_000, pauseMicros: 20_000 };
  const asked = [
    ['tcp', WEB, 80],
    ['udp-unconnected', WEB, 80],
    ['tcp', EMPTY, 80],
    ['tcp', CLOSED, 80],
    // A port that the Service does not have.
    ['tcp', WEB, 81],
    // Of the others the server speaks first, and they ask nothing.
    ['tcp', WEB, 80, { keep: true }],
  ] as const;
  return Promise.all(
    asked.map(async ([kind, address, port, more]) =>
      (await openShell(actors.client.pod)).startHammer(kind, address, port, { ...options, ...more }),
    ),
  );
};

const asGrafanaAsks = (query: string): string =>
  query
    .replaceAll('$__rate_interval', '10s')
    .replaceAll('$node', OUR_NODE.name)
    .replaceAll('$namespace', 'shop')
    .replaceAll('$service', 'web|closed|empty');

/** Quantiles of nothing are no answer. */
const answered = (samples: readonly Sample[]): boolean =>
  samples.length > 0 && samples.every(({ value: [, value] }) => value !== 'NaN');

describe.each(DASHBOARD_NAMES)('%s', (name) => {
  const questions = QUESTIONS.filter((question) => question.name === name);

  test.each(questions.filter(({ title }) => !(title in WITHOUT_ANSWER)))(
    '$title ($index) has data',
    async ({ expr }) => {
      const query = asGrafanaAsks(expr);
      await retryUntil(async () => answered(await prometheus.query(query)), { timeoutMs: 15_000, intervalMs: 200 });
    },
  );

  test('its variables have values', async () => {
    for (const { definition = '', type } of dashboard(name).templating.list) {
      if (type !== 'query') continue;
      const [, selector = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(asGrafanaAsks(definition)) ?? [];
      expect(await prometheus.labelValues(selector, label)).not.toEqual([]);
    }
  });
});

test('questions without an answer are asked right all the same, and at least one of each panel has none', async () => {
  const unanswered = new Set<string>();
  for (const { title, expr } of QUESTIONS.filter((question) => question.title in WITHOUT_ANSWER)) {
    if (!answered(await prometheus.query(asGrafanaAsks(expr)))) unanswered.add(title);
  }
  expect([...unanswered].toSorted()).toEqual(Object.keys(WITHOUT_ANSWER).toSorted());
});

test('the numbers are those of the traffic', async () => {
  const failing = `sum by (reason) (rate(shunt_service_connections_failed_total{service="closed"}[10s])) > 0`;
  expect((await prometheus.query(failing)).map(({ metric }) => metric.reason)).toEqual(['refused']);
  const verdicts = await prometheus.query(asGrafanaAsks(exprOf('node', 'Verdicts')));
  const names = verdicts.map(({ metric }) => metric.verdict);
  expect(names).toEqual(expect.arrayContaining(['refused_no_endpoint', 'refused_no_port']));
});

test('every alert can be evaluated, and those are on their way that should be', async () => {
  // The last of them has to pass its limit over five minutes.
  await vi.waitFor(async () => {
    const { groups } = await prometheus.ask<{ groups: readonly { rules: readonly RuleState[] }[] }>('rules');
    const rules = groups.flatMap(({ rules }) => rules);
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
    const active = rules.filter(({ state }) => state !== 'inactive').map(({ name }) => name);
    expect(active.toSorted()).toEqual(['ShuntConnectsFail', 'ShuntNoEndpoint', 'ShuntPortRefused']);
  }, WAITING);
});

const WAITING = { timeout: 30_000, interval: 200 };

interface RuleState {
  readonly name: string;
  readonly health: string;
  readonly state: 'inactive' | 'pending' | 'firing';
}

const exprOf = (name: (typeof DASHBOARD_NAMES)[number], title: AskingPanel['title']): string =>
  QUESTIONS.find((question) => question.name === name && question.title === title)?.expr ?? '';
