import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { run } from './command.ts';
import { BPFFS, cgroupRoot, OWN_PREFIX } from './node.ts';
import type { MemoryFigures } from './results.ts';

const SHUNT = fileURLToPath(new URL('../bin/shunt', import.meta.url));
const READY = 'ready: everything that existed at the start is in force';

/** A place for an agent and its objects, below `cgroup` or an empty one. What the agent leaves goes with it. */
export const makeAgentPlace = async (
  name: string,
  cleanup: AsyncDisposableStack,
  cgroup?: string,
): Promise<AgentPlace & { readonly objects: string }> => {
  const { directory, objects } = await makeObjects(name, cleanup);
  const bpfRoot = join(BPFFS, `${OWN_PREFIX}${name}`);
  const attached = cgroup ?? join(await cgroupRoot(), `${OWN_PREFIX}${name}`);
  if (cgroup === undefined) {
    await mkdir(attached);
    cleanup.defer(() => rmdir(attached));
  }
  const socket = join(directory, 'admin.sock');
  // Beside an agent of the machine itself: that one has another socket.
  cleanup.defer(() => run(SHUNT, ['unload', '--bpf-root', bpfRoot, '--socket', socket]).then(() => undefined));
  return { cgroup: attached, bpfRoot, socket, objects };
};

/** A directory, and one in it for objects. */
export const makeObjects = async (
  name: string,
  cleanup: AsyncDisposableStack,
): Promise<{ readonly directory: string; readonly objects: string }> => {
  const directory = await mkdtemp(join(tmpdir(), `${OWN_PREFIX}${name}-`));
  cleanup.defer(() => rm(directory, { recursive: true }));
  const objects = join(directory, 'objects');
  await mkdir(objects);
  return { directory, objects };
};

/** As editors and ConfigMaps do: whoever reads sees the old text or the new. */
export const replaceFile = async (file: string, text: string): Promise<void> => {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
};

/** Objects in the form of the Kubernetes API. */
export const replaceObjects = (file: string, items: readonly object[]): Promise<void> =>
  replaceFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));

type Line = Readonly<Record<string, unknown>>;

export interface AgentPlace {
  readonly cgroup: string;
  readonly bpfRoot: string;
  /** Of its admin API. */
  readonly socket: string;
  /** That it remembers at the lowest cost; as many as by default if not given. */
  readonly connections?: number;
}

/** Of the node that agents are told they run on. */
export const NODE_NAME = 'node-0000';

/** `shunt run` on a directory of objects, with a log that can be waited for. Stopped, it leaves its programs. */
export class Agent {
  readonly #child: ChildProcess;
  readonly #lines: Line[] = [];
  readonly #ended: Promise<unknown>;
  #heard = Promise.withResolvers<void>();

  constructor(objects: string, where: AgentPlace) {
    const settings = {
      source: `file:${objects}`,
      cgroup: where.cgroup,
      'bpf-root': where.bpfRoot,
      socket: where.socket,
      listen: '127.0.0.1:0',
      'node-name': NODE_NAME,
      'log-format': 'json',
      ...(where.connections === undefined ? {} : { connections: String(where.connections) }),
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    this.#child = spawn(SHUNT, ['run', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#ended = once(this.#child, 'close').then(() => this.#hear());
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.#lines.push(JSON.parse(line) as Line);
      this.#hear();
    });
  }

  /** Resolves when everything that existed at the start is in force. */
  async ready(): Promise<void> {
    await this.logged(READY);
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

  /** CPU time of all its threads so far, by the scheduler's own count (Documentation/scheduler/sched-stats.rst). */
  async cpuMs(): Promise<number> {
    const tasks = `/proc/${this.#child.pid}/task`;
    const times = (await readdir(tasks)).map(async (task) => {
      // A thread may have ended.
      const text = await readFile(`${tasks}/${task}/schedstat`, 'utf8').catch(() => '0');
      return Number(text.split(' ')[0]) / 1e6;
    });
    return (await Promise.all(times)).reduce((sum, ms) => sum + ms, 0);
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
