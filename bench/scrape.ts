import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { removeCgroup } from '../src/demo/cgroup.ts';
import { Agent, makeAgentPlace, NODE_NAME, replaceObjects } from './agent.ts';
import { run } from './command.ts';
import { type GeneratedService, generateServices, writeManifests } from './generate.ts';
import { inCgroup } from './node.ts';
import type { MemoryFigures, ScrapeFigures, ScrapeSettings } from './results.ts';
import { median } from './statistics.ts';

const ASK = fileURLToPath(new URL('./scrape-ask.ts', import.meta.url));
/** Of the interval at which the agent looks how late its event loop is. */
const LOOP_INTERVAL_MS = 10;
const PAUSE_MS = 300;
/** Whose cgroup it is, is found out every 10 seconds, and so is what memory can be given back. */
const NAMED_MS = 30_000;

/**
 * What a scrape costs `shunt run` where many Services are used, each by so many containers of workloads of their own. By
 * 16, there are more pairs than have series of their own, and as many as the kernel tells apart.
 */
export const measureScrape = async (
  settings: ScrapeSettings,
  containers: number,
  signal: AbortSignal,
): Promise<ScrapeFigures> => {
  await using cleanup = new AsyncDisposableStack();
  const place = await makeAgentPlace('scrape', cleanup);
  const services = generateServices(settings);
  await writeManifests(place.objects, services, 'json');
  await writePods(place.objects, containers);
  const agent = new Agent(place.objects, place);
  cleanup.defer(() => agent.stop());
  await agent.ready();
  cleanup.defer(() => removeCgroup(join(place.cgroup, PODS)));
  await ask(place.cgroup, services.slice(0, settings.usedServices), containers);

  const { address } = await agent.logged('serving metrics');
  const scrape = async (): Promise<string> => (await fetch(`http://${address}/metrics`, { signal })).text();
  // Nobody has scraped it yet, so nothing tells when.
  await sleep(NAMED_MS, undefined, { signal });
  const before = await agent.figures();
  const idleMsPerMs = await idle(agent, signal);

  const [cpuMs, blockMs]: [number[], number[]] = [[], []];
  const after: MemoryFigures[] = [];
  let text = await scrape();
  for (let round = 0; round < settings.scrapes; round++) {
    // Something goes on between two scrapes.
    await ask(place.cgroup, services.slice(0, settings.askedBetween), 1);
    await sleep(PAUSE_MS, undefined, { signal });
    const [startedMs, cpuBeforeMs] = [performance.now(), await agent.cpuMs()];
    text = await scrape();
    // The event loop is looked at by the next scrape.
    const usedMs = (await agent.cpuMs()) - cpuBeforeMs;
    cpuMs.push(usedMs - idleMsPerMs * (performance.now() - startedMs));
    blockMs.push(blockOf(text));
    // What it lends itself for a moment is given back by then.
    await sleep(PAUSE_MS, undefined, { signal });
    after.push(await agent.figures());
  }
  return {
    containers,
    cpuMs: rounded(median(cpuMs)),
    // The first tells of what was before.
    blockMs: rounded(median(blockMs.slice(1))),
    worstBlockMs: rounded(Math.max(...blockMs.slice(1))),
    before,
    grownMiB: rounded(median(after.map(({ anonymousMiB }) => anonymousMiB)) - before.anonymousMiB),
    most: after.reduce((most, figures) => (figures.residentMiB > most.residentMiB ? figures : most)),
    series: text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length,
    bytes: text.length,
  };
};

const blockOf = (text: string): number =>
  Number(/^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(text)?.[1]) * 1000 - LOOP_INTERVAL_MS;

const PODS = 'kubepods.slice';

const containerCgroup = (cgroup: string, number: number): string =>
  `${cgroup}/${PODS}/kubepods-besteffort.slice/kubepods-besteffort-poduid_${number}.slice/cri-containerd-x.scope`;

/** Each of a workload of its own. */
const writePods = (objects: string, containers: number): Promise<void> => {
  const items = Array.from({ length: containers }, (_, number) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `asker-${number}`,
      namespace: 'team-00',
      uid: `uid-${number}`,
      ownerReferences: [{ kind: 'StatefulSet', name: `asker-${number}`, controller: true }],
    },
    spec: { nodeName: NODE_NAME },
  }));
  return replaceObjects(join(objects, 'pods.json'), items);
};

/** In a network namespace with nothing in it: nothing leaves, and each attempt is counted. */
const ask = async (cgroup: string, services: readonly GeneratedService[], containers: number): Promise<void> => {
  const addresses = services.map(({ address }) => address);
  const port = String(services[0]?.port);
  for (let number = 0; number < containers; number++) {
    const container = containerCgroup(cgroup, number);
    await mkdir(container, { recursive: true });
    const [shell = '', ...join] = inCgroup(container);
    await run(shell, [...join, 'unshare', '--net', process.execPath, ASK, port, ...addresses]);
  }
};

const IDLE_MS = 5000;

/** CPU time of the agent for each millisecond in which nobody asks it anything. */
const idle = async (agent: Agent, signal: AbortSignal): Promise<number> => {
  const [startedMs, cpuMs] = [performance.now(), await agent.cpuMs()];
  await sleep(IDLE_MS, undefined, { signal });
  return ((await agent.cpuMs()) - cpuMs) / (performance.now() - startedMs);
};

const rounded = (value: number): number => Number(value.toFixed(1));
