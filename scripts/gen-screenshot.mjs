/**
 * Makes docs/images/live-page.png, the picture of the live page in README.md: of a demo that has run for some minutes, with
 * a canary and a Service that refuses. Takes four minutes, and root.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';

const OUTPUT = 'docs/images/live-page.png';
const SIZE = { width: 1280, height: 890 };
const CHOSEN = '#service=demo/register/http/TCP';
const WEIGHTS = { v1: 80, v2: 20 };
const BILLING = '10.96.0.4';
/** Charts show three minutes at first. */
const SHOWN_MS = 170_000;
/** Bands and observed shares. */
const LOOK_MS = 62_000;

const main = async () => {
  const demo = spawn('bin/shunt', ['demo', '--ui', '--keep'], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const { url, client, shares } = await placesIn(demo);
    const asking = setInterval(() => askFor(client, BILLING), 250);
    writeFileSync(shares, withWeights(readFileSync(shares, 'utf8')));
    await sleep(SHOWN_MS - LOOK_MS);
    await draw(`${url}${CHOSEN}`);
    clearInterval(asking);
    console.log(`${OUTPUT}  ${Math.round(readFileSync(OUTPUT).length / 1000)} kB`);
  } finally {
    demo.kill('SIGTERM');
  }
};

/** What the demo says at its end: where the page is, how to be its client, and which file has the shares. */
const placesIn = async ({ stdout }) => {
  const places = {};
  for await (const line of createInterface({ input: stdout })) {
    places.url ??= /(http:\/\/127\.0\.0\.1:\d+\/) .*the live page/.exec(line)?.[1];
    places.client ??= /(\/\S+\/client) curl/.exec(line)?.[1];
    places.shares ??= /(\/\S+-shares\.yaml)/.exec(line)?.[1];
    if (places.url && places.client && places.shares) return places;
  }
  throw new Error('the demo ended before it could be looked at');
};

const askFor = (client, address) =>
  spawn(client, ['curl', '-s', '-o', '/dev/null', `http://${address}/`], { stdio: 'ignore' });

const withWeights = (text) =>
  Object.entries(WEIGHTS).reduce(
    (all, [version, weight]) => all.replace(new RegExp(`(-${version}-\\*"?\\n\\s*weight:) \\d+`), `$1 ${weight}`),
    text,
  );

const draw = async (url) => {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({ viewport: SIZE, colorScheme: 'light' });
    await page.goto(url);
    await sleep(LOOK_MS);
    mkdirSync('docs/images', { recursive: true });
    await page.screenshot({ path: OUTPUT });
  } finally {
    await browser.close();
  }
};

await main();
