import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askAgent } from '../../src/cli/admin.ts';
import { type Decision, renderExplain } from '../../src/core/explain.ts';
import { METRICS } from '../../src/observe/registry.ts';
import { CLOSED, EMPTY, type LivePage, METRICS_ADDRESS, openLivePage, place, text, WEB } from '../helpers/live-page.ts';
import { OUR_NODE } from '../helpers/objects.ts';
import { retryUntil } from '../helpers/retry.ts';
import type { Hammer } from '../helpers/socket-shell.ts';

/** What the live page shows while real connections are made. */

/** Words of docs/operations.md. */
const SEEN_WITHIN_MS = 2000;

let live: LivePage;

beforeAll(async () => {
  live = await openLivePage('live-page');
});

afterAll(() => live?.[Symbol.asyncDispose]());

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
    load = live.client.startHammer('tcp', WEB, 80, { reset: true, pauseMicros: 4000, ms: 120_000 });
    said = [];
    page = await live.browser.page(place('web'), said);
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
      live.share(percent);
      await expect.poll(wanted, { timeout: 10_000, interval: 20 }).toEqual(shown);
      expect(performance.now() - startMs).toBeLessThan(SEEN_WITHIN_MS);
    }
    // Some hundred connections later: 25 % within 10, which is more than four standard deviations.
    const canary = page.locator('#backends-rows tr', { hasText: live.pods.canary.address4 }).locator('td').nth(2);
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
    await live.client.hammer('tcp', EMPTY, 80, { count: 3 });
    const lines = page.locator('#events li');
    await expect.poll(() => lines.count(), { timeout: 10_000 }).toBe(3);
    expect(await lines.first().textContent()).toMatch(
      /^[\d:.]{12}rejected no endpointshop\/client→shop\/empty 10\.96\.0\.4:80$/,
    );
    expect(await text(page, '#events-note')).toMatch(/^Every event is shown\. Counted since [\d:]{8}\.$/);
    await page.locator('#events-pause').click();
    await live.client.hammer('tcp', EMPTY, 80, { count: 3 });
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
    const decision = await askAgent<Decision>(live.agent.socket, '/v1/explain', asked);
    expect(await answer.textContent()).toBe(renderExplain(decision).join('\n'));
    expect(await answer.textContent()).toContain('25.00 %');
    await page.locator('#explain-address').fill('10.96.0.1');
    await page.locator('#explain-form button').click();
    await expect.poll(() => text(page, '#explain-trouble')).toContain('Give an address and a port');
  });

  test('has the counts of /metrics, and rates that follow from them', async () => {
    const metrics = await live.browser.page(`http://${METRICS_ADDRESS}/metrics`, []);
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
    await live.client.hammer('tcp', CLOSED, 80, { count: 40 });
    await live.client.hammer('tcp', EMPTY, 80, { count: 30 });
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
