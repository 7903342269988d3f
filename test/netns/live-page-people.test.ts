import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLOSED, EMPTY, type LivePage, openLivePage, PAGE, place, text, WEB } from '../helpers/live-page.ts';
import type { Hammer } from '../helpers/socket-shell.ts';

/** The live page for those who read, hear or handle it, with something to show in each of its parts. */

let live: LivePage;
let load: Hammer;

beforeAll(async () => {
  live = await openLivePage('live-people');
  await live.client.hammer('tcp', CLOSED, 80, { count: 40 });
  await live.client.hammer('tcp', EMPTY, 80, { count: 30 });
  load = live.client.startHammer('tcp', WEB, 80, { reset: true, pauseMicros: 4000, ms: 120_000 });
});

afterAll(async () => {
  await load?.stop();
  await live?.[Symbol.asyncDispose]();
});

describe('for people with a keyboard, a screen reader or little room', () => {
  const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

  test.each(['light', 'dark'] as const)('nothing is in the way, in %s', async (colorScheme) => {
    const page = await live.browser.page(place('web'), [], { colorScheme });
    await page.locator('#backends-rows tr').first().waitFor();
    await page.locator('#map .band').first().waitFor({ state: 'attached' });
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
    const page = await live.browser.page(place('web'), [], { viewport: { width: 360, height: 740 } });
    await page.locator('#backends-rows tr').first().waitFor();
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(360);
    await page.context().close();
  });

  test('a Service is chosen with the keyboard alone, and its title has the focus then', async () => {
    const page = await live.browser.page(PAGE, []);
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

test('a list in which a key comes twice does not grow', async () => {
  const page = await live.browser.page(PAGE, []);
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
  const page = await live.browser.page(PAGE, []);
  const band = page.locator('#map .band').first();
  await band.waitFor({ state: 'attached', timeout: 20_000 });
  const titleOf = 'document.querySelector("#map .band title").textContent';
  await page.evaluate('window.bandBefore = document.querySelector("#map .band"); 0');
  const before = await page.evaluate<string>(titleOf);
  await expect.poll(() => page.evaluate<string>(titleOf), { timeout: 20_000 }).not.toBe(before);
  expect(await page.evaluate<boolean>('window.bandBefore === document.querySelector("#map .band")')).toBe(true);
  await page.context().close();
});

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly where: readonly string[];
}
