import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, makeAgentPlace, replaceFile } from './agent.ts';
import { generateServices, writeManifests } from './generate.ts';
import type { MemoryResult, MemorySettings } from './results.ts';

const SCRAPE_PAUSE_MS = 200;
/** After that the agent has given back what it will (src/native/release.ts looks every 10 s). */
const SETTLE_MS = 12_000;

/**
 * What the agent takes, as users start it, on a directory of objects: when everything is in force, after scrapes, and
 * after changes of one file each. Its programs are attached to an empty cgroup of its own.
 */
export const measureMemory = async (
  settings: MemorySettings,
  signal: AbortSignal,
): Promise<Pick<MemoryResult, 'synced' | 'scraped' | 'changed'>> => {
  await using cleanup = new AsyncDisposableStack();
  const place = await makeAgentPlace('memory', cleanup);
  const [file = ''] = await writeManifests(place.objects, generateServices(settings), 'json');
  const agent = new Agent(place.objects, place);
  cleanup.defer(() => agent.stop());

  await agent.ready();
  await sleep(SETTLE_MS, undefined, { signal });
  const synced = await agent.figures();

  const address = (await agent.logged('serving metrics')).address;
  for (let scrape = 0; scrape < settings.scrapes; scrape++) {
    await (await fetch(`http://${address}/metrics`, { signal })).text();
    await sleep(SCRAPE_PAUSE_MS, undefined, { signal });
  }
  await sleep(SETTLE_MS, undefined, { signal });
  const scraped = await agent.figures();

  const text = await readFile(file, 'utf8');
  for (let change = 0; change < settings.changes; change++) {
    signal.throwIfAborted();
    const applied = agent.next('applied');
    await replaceFile(file, change % 2 === 0 ? text.replace(READY, NOT_READY) : text);
    await applied;
  }
  await sleep(SETTLE_MS, undefined, { signal });
  return { synced, scraped, changed: await agent.figures() };
};

/** The first endpoint of a file comes and goes. */
const READY = '"ready":true,"serving":true';
const NOT_READY = '"ready":false,"serving":false';
