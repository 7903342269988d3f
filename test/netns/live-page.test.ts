import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askAgent } from '../../src/cli/admin.ts';
import { type Decision, renderExplain } from '../../src/core/explain.ts';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import type { Pod } from '../../src/demo/pod.ts';
import { METRICS } from '../../src/observe/registry.ts';
import { type AgentProcess, startAgentProcess } from '../helpers/agent-process.ts';
import { TestBrowser } from '../helpers/browser.ts';
import { ObjectDirectory } from '../helpers/object-directory.ts';
import { backend, endpoint, OUR_NODE, pod, route, service, slice } from '../helpers/objects.ts';
import { retryUntil } from '../helpers/retry.ts';
import { type Hammer, openShell, type SocketShell } from '../helpers/socket-shell.ts';
import { SERVER_PORT } from '../helpers/stage.ts';

/** The live page of a real agent, in a real browser, while real connections are made. */

const METRICS_ADDRESS = '127.0.0.1:10377';
const PAGE = 'http://127.0.0.1:10378/';
const WEB = '10.96.0.1';
const CLOSED = '10.96.0.3';
const EMPTY = '10.96.0.4';
/** Words of docs/operations.md. */
const SEEN_WITHIN_MS = 2000;

let node: EmbeddedNode;
let pods: Readonly<Record<'client' | 'stable' | 'canary', Pod>>;
let client: SocketShell;
let objects: ObjectDirectory;
let agent: AgentProcess;
let browser: TestBrowser;

beforeAll(async () => {
  node = await createNode({ name: 'live-page' });
  const [own, stable, canary] = await Promise.all([
    node.addPod('client', { uid: 'u-client' }),
    node.addPod('stable'),
    node.addPod('canary'),
  ]);
  pods = { client: own, stable, canary };
  for (const each of [stable, canary]) await (await openShell(each)).serve('tcp', '*', SERVER_PORT, each.name);
  client = await openShell(own);
  objects = new ObjectDirectory();
  objects.write('pods', pod({ name: 'client', cgroupUid: 'u-client', owner: 'Deployment/checkout' }));
  objects.write(
    'services',
    ...answered('web', WEB, stable),
    ...answered('web-canary', '10.96.0.2', canary),
    service({ name: 'closed', clusterIPs: [CLOSED] }),
    slice([endpoint(stable.address4)], { name: 'closed-1', service: 'closed', ports: [CLOSED_PORT] }),
    service({ name: 'empty', clusterIPs: [EMPTY] }),
  );
  share(10);
  agent = await startAgent();
  browser = await TestBrowser.open(node);
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await agent?.[Symbol.asyncDispose]();
  await node?.close();
  objects?.[Symbol.dispose]();
});

const CLOSED_PORT = { name: 'http', protocol: 'TCP', port: 1, nodePort: 0 } as const;

const answered = (name: string, clusterIP: string, { address4 }: Pod): readonly ClusterObject[] => [
  service({ name, clusterIPs: [clusterIP] }),
  slice([endpoint(address4)], { name: `${name}-1`, service: name }),
];

/** Of the canary, in percent. */
const share = (percent: number): void =>
  objects.write('route', route({ backends: [weighed('web', 100 - percent), weighed('web-canary', percent)] }));

const weighed = (name: string, weight: number) => backend(name, { weight });

const startAgent = (): Promise<AgentProcess> =>
  startAgentProcess(node, { source: objects.path, flags: ['--listen', METRICS_ADDRESS, '--ui', 'on'] }).ready();

/** `shop/SERVICE/http/TCP`. */
const place = (name: string): string => `${PAGE}#service=shop/${name}/http/TCP`;

const text = async (page: Page, selector: string): Promise<string> =>
  (await page.locator(selector).textContent()) ?? '';

const fact = (page: Page, label: string): Promise<string> => text(page, `[data-fact="${label}"] dd`);

/** Of a Service, as `/metrics` has it; of a failure all reasons together. */
const metric = (exposition: string, name: string, of: string): number => {
  const series = new RegExp(`^${name}\\{namespace="shop",service="${of}",port="80",protocol="TCP".*\\} (\\S+)$`, 'gm');
  return [...exposition.matchAll(series)].reduce((sum, [, value]) => sum + Number(value), 0);
};

describe('the live page', () => {
  let said: string[];
  let page: Page;
  let load: Hammer;

  beforeAll(async () => {
    load = client.startHammer('tcp', WEB, 80, { reset: true, pauseMicros: 4000, ms: 120_000 });
    said = [];
    page = await browser.page(place('web'), said);
  });

  afterAll(() => load?.stop());

  test('says which node it is, and that all is in force', async () => {
    await page.locator('#health[data-level="well"]').waitFor();
    expect(await text(page, '#health')).toBe('All in force');
    expect(await text(page, '#node')).toBe(OUR_NODE.name);
    expect(await page.title()).toBe(`${OUR_NODE.name} – Shunt`);
  });

  test('shows a change of shares within two seconds, and what became of it', async () => {
    const wanted = async (): Promise<readonly string[]> =>
      (await page.locator('#backends-rows td:nth-child(3)').allTextContents()).toSorted();
    await expect.poll(wanted, { timeout: 10_000 }).toEqual(['10 %', '90 %']);
    for (const [percent, shown] of [
      [50, ['50 %', '50 %']],
      [5, ['5 %', '95 %']],
      [25, ['25 %', '75 %']],
    ] as const) {
      const startMs = performance.now();
      share(percent);
      await expect.poll(wanted, { timeout: 10_000, interval: 20 }).toEqual(shown);
      expect(performance.now() - startMs).toBeLessThan(SEEN_WITHIN_MS);
    }
    // Some hundred connections later: 25 % within 10, which is more than four standard deviations.
    const canary = page.locator('#backends-rows tr', { hasText: pods.canary.address4 }).locator('td').nth(2);
    await expect
      .poll(() => text(page, '#backends-note'), { timeout: 10_000 })
      .toMatch(/ [4-9]\d\d connections| \d,\d{3} connections/);
    expect(Math.abs(Number.parseFloat((await canary.textContent()) ?? '') - 25)).toBeLessThan(10);
  });

  test('draws who talks to whom, and says the same in a table', async () => {
    await page.locator('.map-card summary').click();
    const cells = page.locator('#map-rows tr > *');
    const wanted = ['shop/Deployment/checkout', 'shop/web:80', expect.stringMatching(/^\d+$/), '0 %'];
    await expect.poll(() => cells.allTextContents(), { timeout: 30_000 }).toEqual(wanted);
    expect(await page.locator('#map .band').count()).toBe(1);
    expect(await page.locator('#map .node-name').allTextContents()).toEqual(['checkout', 'web:80']);
  });

  test('keeps a history, in charts and in a table', async () => {
    await page.locator('#minutes summary').click();
    const rate = page.locator('#minutes-rows tr:first-child td:nth-child(2)');
    await expect.poll(async () => Number(await rate.textContent()), { timeout: 20_000 }).toBeGreaterThan(50);
    const label = page.locator('#charts svg').first();
    expect(await label.getAttribute('aria-label')).toMatch(/^Connections a second\. connections: now \d+, lowest/);
    const line = page.locator('#charts .line.main').first();
    await expect.poll(() => line.getAttribute('d'), { timeout: 20_000 }).toMatch(/^M[\d.]+ [\d.]+L/);
  });

  test('lists connections as they happen, and says what it leaves out', async () => {
    await page.locator('#events-only').fill('shop/empty');
    await page.locator('#events-from').fill('shop/client');
    await expect.poll(() => text(page, '#events-note'), { timeout: 10_000 }).toContain('Nothing has happened yet.');
    await client.hammer('tcp', EMPTY, 80, { count: 3 });
    const lines = page.locator('#events li');
    await expect.poll(() => lines.count(), { timeout: 10_000 }).toBe(3);
    expect(await lines.first().textContent()).toMatch(
      /^[\d:.]{12}rejected no endpointshop\/client→shop\/empty 10\.96\.0\.4:80$/,
    );
    expect(await text(page, '#events-note')).toMatch(/^Every event is shown\. Counted since [\d:]{8}\.$/);
    await page.locator('#events-pause').click();
    await client.hammer('tcp', EMPTY, 80, { count: 3 });
    expect(await text(page, '#events-note')).toBe('Paused.');
    await page.locator('#events-pause').click();
    await page.locator('#events-only').fill('');
    await page.locator('#events-outcome').selectOption('established');
    await expect.poll(() => lines.count(), { timeout: 10_000 }).toBeGreaterThan(10);
    expect(await lines.first().textContent()).toContain('shop/web 10.96.0.1:80');
  });

  test('explains an address as `shunt explain` does', async () => {
    const asked = { address: WEB, port: '80', protocol: 'TCP', client: 'shop/client' };
    await page.locator('#explain-address').fill(`${WEB}:80`);
    await page.locator('#explain-client').fill('shop/client');
    await page.locator('#explain-form button').click();
    const answer = page.locator('#explain-lines');
    await answer.waitFor();
    const decision = await askAgent<Decision>(agent.socket, '/v1/explain', asked);
    expect(await answer.textContent()).toBe(renderExplain(decision).join('\n'));
    expect(await answer.textContent()).toContain('25.00 %');
    await page.locator('#explain-address').fill('10.96.0.1');
    await page.locator('#explain-form button').click();
    await expect.poll(() => text(page, '#explain-trouble')).toContain('Give an address and a port');
  });

  test('has the counts of /metrics, and rates that follow from them', async () => {
    const metrics = await browser.page(`http://${METRICS_ADDRESS}/metrics`, []);
    const scrape = async (): Promise<string> => {
      await metrics.reload();
      return text(metrics, 'body');
    };
    const rate = page.locator('#services-rows tr', { hasText: 'web:80' }).locator('td').first();
    const [before, startMs] = [await scrape(), performance.now()];
    await new Promise((resolve) => setTimeout(resolve, 6000));
    const [after, shown, endMs] = [await scrape(), Number(await rate.textContent()), performance.now()];
    const { name } = METRICS.attempted;
    const measured = ((metric(after, name, 'web') - metric(before, name, 'web')) * 1000) / (endMs - startMs);
    expect(measured).toBeGreaterThan(50);
    expect(Math.abs(shown / measured - 1)).toBeLessThan(0.25);

    await load.stop();
    await client.hammer('tcp', CLOSED, 80, { count: 40 });
    await client.hammer('tcp', EMPTY, 80, { count: 30 });
    for (const [of, least] of [
      ['web', { Connections: 100 }],
      ['closed', { Connections: 40, Failed: 40 }],
      ['empty', { 'Refused by Shunt': 30 }],
    ] as const) {
      await page.goto(place(of));
      await retryUntil(
        async () => {
          const exposition = await scrape();
          for (const [label, metricName] of COUNTED) {
            const counted = metric(exposition, metricName, of);
            expect(await fact(page, label), `${label} of ${of}`).toBe(counted.toLocaleString('en-US'));
            expect(counted).toBeGreaterThanOrEqual((least as Record<string, number>)[label] ?? 0);
          }
          return true;
        },
        { timeoutMs: 10_000, intervalMs: 200 },
      );
    }
    await metrics.close();
  });

  test('breaks no rule of its Content-Security-Policy, and makes no error', () => {
    expect(said).toEqual([]);
  });
});

const COUNTED = [
  ['Connections', METRICS.attempted.name],
  ['Failed', METRICS.failed.name],
  ['Refused by Shunt', METRICS.rejected.name],
] as const;

describe('for people with a keyboard, a screen reader or little room', () => {
  const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

  test.each(['light', 'dark'] as const)('nothing is in the way, in %s', async (colorScheme) => {
    const page = await browser.page(place('web'), [], { colorScheme });
    await page.locator('#backends-rows tr').first().waitFor();
    for (const summary of await page.locator('main summary').all()) await summary.click();
    await page.locator('#explain-address').fill(`${WEB}:80`);
    await page.locator('#explain-form button').click();
    await page.locator('#explain-lines').waitFor();
    await page.evaluate(AXE);
    const found = await page.evaluate<readonly Violation[]>(
      'axe.run().then(({ violations }) => violations.map(({ id, impact, nodes }) => ({ id, impact, where: nodes.map(({ target }) => String(target)) })))',
    );
    expect(found.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([]);
    await page.context().close();
  });

  test('360 pixels are wide enough', async () => {
    const page = await browser.page(place('web'), [], { viewport: { width: 360, height: 740 } });
    await page.locator('#backends-rows tr').first().waitFor();
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(360);
    await page.context().close();
  });

  test('a Service is chosen with the keyboard alone, and its title has the focus then', async () => {
    const page = await browser.page(PAGE, []);
    await page.locator('#services-rows a').first().waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate<string>('document.activeElement.className')).toBe('skip');
    await page.locator('#search').focus();
    await page.keyboard.type('CLOSED');
    await expect.poll(() => page.locator('#services-rows tr').count()).toBe(1);
    expect(await text(page, '#services-note')).toContain('1 of 4 Service ports');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await expect.poll(() => text(page, '#detail-title')).toBe('shop/closed:80');
    expect(await page.evaluate<string>('document.activeElement.id')).toBe('detail-title');
    await page.context().close();
  });
});

test('a page says so when its agent has gone, and goes on with the next one, also while that is starting', async () => {
  const page = await browser.page(PAGE, []);
  await page.locator('#health[data-level="well"]').waitFor();
  await expect.poll(() => text(page, '#events-note'), { timeout: 10_000 }).toContain('Every event is shown.');
  expect(await agent.stop()).toBe(0);
  await expect
    .poll(() => text(page, '#health'), { timeout: 10_000 })
    .toMatch(/^The agent has not answered since [\d:]{8}; trying again$/);
  const starting = {
    code: 'SHUNT_E_STARTING',
    message: 'the agent is starting: its tables are not open yet',
    help: '',
  };
  await page.route('**/api/**', (given) => given.fulfill({ status: 503, json: { error: starting } }));
  await expect.poll(() => text(page, '#events-note'), { timeout: 10_000 }).toContain(starting.message);
  await expect.poll(() => text(page, '#health'), { timeout: 10_000 }).toContain(starting.message);
  agent = await startAgent();
  await page.unroute('**/api/**');
  await expect.poll(() => text(page, '#health'), { timeout: 10_000 }).toBe('All in force');
  await expect.poll(() => text(page, '#events-note'), { timeout: 10_000 }).toContain('Every event is shown.');
  await client.hammer('tcp', EMPTY, 80, { count: 1 });
  await expect.poll(() => page.locator('#events li').count(), { timeout: 10_000 }).toBeGreaterThan(0);
  await page.context().close();
});

test('a page is loaded anew when the agent behind it is of another version, and has another page', async () => {
  const page = await browser.page(place('web'), []);
  await page.locator('#health[data-level="well"]').waitFor();
  const overview = await page.evaluate<object>('fetch("/api/overview").then((answer) => answer.json())');
  const loaded = page.waitForEvent('load', { timeout: 10_000 });
  await page.route('**/api/overview*', (given) => given.fulfill({ json: { ...overview, version: '99.0.0' } }));
  await loaded;
  await expect.poll(() => text(page, '#version'), { timeout: 10_000 }).toBe('version 99.0.0');
  expect(page.url()).toBe(place('web'));
  await page.context().close();
});

test('a list in which a key comes twice does not grow', async () => {
  const page = await browser.page(PAGE, []);
  const texts = `import('/dom.js').then(({ element, keep, setText }) => {
    const list = element('ul');
    for (const items of [['a', 'a', 'b'], ['a', 'a', 'b'], ['b', 'a', 'a']])
      keep(list, items, { keyOf: (item) => item, make: () => element('li'), update: setText });
    return Array.from(list.children, ({ textContent }) => textContent);
  })`;
  expect(await page.evaluate<readonly string[]>(texts)).toEqual(['b', 'a', 'a']);
  await page.context().close();
});

test('a map that is drawn anew stays the same under the pointer', async () => {
  const page = await browser.page(PAGE, []);
  const load = client.startHammer('tcp', WEB, 80, { reset: true, pauseMicros: 4000, ms: 60_000 });
  const band = page.locator('#map .band').first();
  await band.waitFor({ state: 'attached', timeout: 20_000 });
  const titleOf = 'document.querySelector("#map .band title").textContent';
  await page.evaluate('window.bandBefore = document.querySelector("#map .band"); 0');
  const before = await page.evaluate<string>(titleOf);
  await expect.poll(() => page.evaluate<string>(titleOf), { timeout: 20_000 }).not.toBe(before);
  expect(await page.evaluate<boolean>('window.bandBefore === document.querySelector("#map .band")')).toBe(true);
  await load.stop();
  await page.context().close();
});

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly where: readonly string[];
}
