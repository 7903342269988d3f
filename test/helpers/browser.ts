import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { namespacePath } from '../../src/demo/namespace.ts';
import type { EmbeddedNode } from '../../src/demo/node.ts';

/** Chromium in the network of a test node, from which nothing leads out: no packet of it is ever on the machine's own. */
export class TestBrowser implements AsyncDisposable {
  readonly #browser: Browser;
  readonly #directory: string;

  private constructor(browser: Browser, directory: string) {
    this.#browser = browser;
    this.#directory = directory;
  }

  static async open({ netns }: Pick<EmbeddedNode, 'netns'>): Promise<TestBrowser> {
    const directory = mkdtempSync(join(tmpdir(), 'shunt-browser-'));
    const executablePath = join(directory, 'chromium');
    // It is told what to do through pipes, which lead into any network.
    writeFileSync(executablePath, `#!/bin/sh\nexec nsenter --net=${namespacePath(netns)} -- /usr/bin/chromium "$@"\n`);
    chmodSync(executablePath, 0o700);
    try {
      const env = { ...process.env, HOME: directory };
      return new TestBrowser(await chromium.launch({ executablePath, args: [...FLAGS], env }), directory);
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** What the page says to its console, violations of its Content-Security-Policy too, goes to `said`. */
  async page(url: string, said: string[], options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.#browser.newContext({ reducedMotion: 'reduce', ...options });
    const page = await context.newPage();
    page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => said.push(`error: ${error.message}`));
    await page.goto(url);
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Root has no sandbox here, and nothing is asked for that the page does not ask for. */
const FLAGS = [
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-domain-reliability',
  '--disable-sync',
  '--no-first-run',
  '--no-pings',
  '--dns-prefetch-disable',
] as const;
