import { afterAll, beforeAll, expect, test } from 'vitest';
import { EMPTY, type LivePage, openLivePage, PAGE, place, text } from '../helpers/live-page.ts';

/** The live page while the agent behind it goes, comes again, or is another one. */

let live: LivePage;

beforeAll(async () => {
  live = await openLivePage('live-agents');
});

afterAll(() => live?.[Symbol.asyncDispose]());

test('a page says so when its agent has gone, and goes on with the next one, also while that is starting', async () => {
  const page = await live.browser.page(PAGE, []);
  await page.locator('#health[data-level="well"]').waitFor();
  await expect.poll(() => text(page, '#events-note'), { timeout: 10_000 }).toContain('Every event is shown.');
  expect(await live.agent.stop()).toBe(0);
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
  await live.startAgent();
  await page.unroute('**/api/**');
  await expect.poll(() => text(page, '#health'), { timeout: 10_000 }).toBe('All in force');
  await expect.poll(() => text(page, '#events-note'), { timeout: 10_000 }).toContain('Every event is shown.');
  await live.client.hammer('tcp', EMPTY, 80, { count: 1 });
  await expect.poll(() => page.locator('#events li').count(), { timeout: 10_000 }).toBeGreaterThan(0);
  await page.context().close();
});

test('a page is loaded anew when the agent behind it is of another version, and has another page', async () => {
  const page = await live.browser.page(place('web'), []);
  await page.locator('#health[data-level="well"]').waitFor();
  const overview = await page.evaluate<object>('fetch("/api/overview").then((answer) => answer.json())');
  const loaded = page.waitForEvent('load', { timeout: 10_000 });
  await page.route('**/api/overview*', (given) => given.fulfill({ json: { ...overview, version: '99.0.0' } }));
  await loaded;
  await expect.poll(() => text(page, '#version'), { timeout: 10_000 }).toBe('version 99.0.0');
  expect(page.url()).toBe(place('web'));
  await page.context().close();
});
