import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { run } from './command.ts';
import { generateServices, writeManifests } from './generate.ts';
import { BPFFS, cgroupRoot, OWN_PREFIX } from './node.ts';
import type { MemoryFigures, MemoryResult, MemorySettings } from './results.ts';

const SHUNT = fileURLToPath(new URL('../bin/shunt', import.meta.url));
const SYNCED = 'ready: everything that existed at the start is in force';
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
  const directory = await mkdtemp(join(tmpdir(), `${OWN_PREFIX}memory-`));
  cleanup.defer(() => rm(directory, { recursive: true }));
  const objects = join(directory, 'objects');
  const [file = ''] = await writeManifests(objects, generateServices(settings), 'json');
  const cgroup = join(await cgroupRoot(), `${OWN_PREFIX}memory`);
  await mkdir(cgroup);
  cleanup.defer(() => rmdir(cgroup));

  const bpfRoot = join(BPFFS, `${OWN_PREFIX}memory`);
  cleanup.defer(() => run(SHUNT, ['unload', '--bpf-root', bpfRoot]).then(() => undefined));
  const agent = new Agent(objects, { cgroup, bpfRoot, socket: join(directory, 'admin.sock') });
  cleanup.defer(() => agent.stop());

  await agent.logged(SYNCED);
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

/** As editors and ConfigMaps do: whoever reads sees the old text or the new. */
const replaceFile = async (file: string, text: string): Promise<void> => {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
};

type Line = Readonly<Record<string, unknown>>;

/** `shunt run` with a log that can be waited for. */
class Agent {
  readonly #child: ChildProcess;
  readonly #lines: Line[] = [];
  readonly #ended: Promise<unknown>;
  #heard = Promise.withResolvers<void>();

  constructor(objects: string, where: { readonly cgroup: string; readonly bpfRoot: string; readonly socket: string }) {
    const settings = {
      source: `file:${objects}`,
      cgroup: where.cgroup,
      'bpf-root': where.bpfRoot,
      socket: where.socket,
      listen: '127.0.0.1:0',
      'node-name': 'node-0000',
      'log-format': 'json',
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    this.#child = spawn(SHUNT, ['run', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#ended = once(this.#child, 'close').then(() => this.#hear());
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.#lines.push(JSON.parse(line) as Line);
      this.#hear();
    });
  }

  /** The first line that says so, whether it is there already or comes. */
  logged(message: string): Promise<Line> {
    return this.#lineFrom(0, message);
  }

  /** The first line that says so from now on. */
  next(message: string): Promise<Line> {
    return this.#lineFrom(this.#lines.length, message);
  }

  async figures(): Promise<MemoryFigures> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8');
    const mebibytes = (field: string): number => {
      const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
      return Number((Number(kibibytes) / 1024).toFixed(1));
    };
    return {
      residentMiB: mebibytes('VmRSS'),
      anonymousMiB: mebibytes('RssAnon'),
      fileMiB: mebibytes('RssFile'),
      peakMiB: mebibytes('VmHWM'),
    };
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#ended;
  }

  async #lineFrom(start: number, message: string): Promise<Line> {
    for (let at = start; ; at++) {
      while (at === this.#lines.length) {
        if (this.#child.exitCode !== null) throw new Error(`the agent ended before it logged "${message}"`);
        await this.#heard.promise;
      }
      const line = this.#lines[at];
      if (line?.msg === message) return line;
    }
  }

  #hear(): void {
    this.#heard.resolve();
    this.#heard = Promise.withResolvers();
  }
}
