import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { run } from './command.ts';
import { Conversation } from './conversation.ts';
import { NODE } from './kubernetes/cluster.ts';
import type { EventsAnswer } from './kubernetes/events.ts';
import type { EventsOrder, ServerSettings } from './kubernetes/server.ts';
import { BPFFS, cgroupRoot, OWN_PREFIX } from './node.ts';
import type { KubernetesFigures, KubernetesSettings } from './results.ts';

const SHUNT = fileURLToPath(new URL('../bin/shunt', import.meta.url));
const SERVER = fileURLToPath(new URL('./kubernetes/server.ts', import.meta.url));
const READY = 'ready: everything that existed at the start is in force';
/** Between two of its timer's turns, which is what the agent's own metric of its event loop counts. */
const LOOP_INTERVAL_MS = 10;

/**
 * The agent as a Pod runs it, against an API server over TLS: what it takes until everything is in force, how fast changes
 * get into the kernel afterwards, and for how long its event loop stood still. Its programs are attached to an empty cgroup.
 */
export const measureKubernetes = async (
  settings: KubernetesSettings,
  watchList: boolean,
  signal: AbortSignal,
): Promise<KubernetesFigures> => {
  await using cleanup = new AsyncDisposableStack();
  const server = startServer({ ...settings, watchList });
  cleanup.use(server);
  const { port, ca } = JSON.parse(await server.read()) as { port: number; ca: string };
  const directory = await mkdtemp(join(tmpdir(), `${OWN_PREFIX}kubernetes-`));
  cleanup.defer(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'ca.crt'), ca);
  await writeFile(join(directory, 'token'), 'token');
  const cgroup = join(await cgroupRoot(), `${OWN_PREFIX}kubernetes`);
  await mkdir(cgroup);
  cleanup.defer(() => rmdir(cgroup));
  const bpfRoot = join(BPFFS, `${OWN_PREFIX}kubernetes`);
  cleanup.defer(() => run(SHUNT, ['unload', '--bpf-root', bpfRoot]).then(() => undefined));

  const agent = new Agent({ directory, port, cgroup, bpfRoot });
  cleanup.defer(() => agent.stop());
  await agent.logged(READY);
  const { cpuS } = await agent.figures();
  await sleep(settings.restMs, undefined, { signal });
  const synced = await agent.figures();

  const order: EventsOrder = { events: settings.events, perSecond: settings.perSecond, bpfRoot };
  const events = async (): Promise<EventsAnswer> => {
    signal.throwIfAborted();
    return JSON.parse(await server.ask(JSON.stringify(order))) as EventsAnswer;
  };
  const changes = await events();
  const changed = await agent.figures();
  // From here on a scrape may make it larger. The first tells of the time until now, the second ends its own.
  const syncBlockMs = await agent.loopBlockMs();
  await agent.loopBlockMs();
  await events();
  const eventBlockMs = await agent.loopBlockMs();
  return {
    watchList,
    cpuS,
    syncedMiB: synced.residentMiB,
    changedMiB: changed.residentMiB,
    anonymousMiB: changed.anonymousMiB,
    peakMiB: changed.peakMiB,
    changes,
    cpuPerEventUs: ((changed.cpuS - synced.cpuS) * 1e6) / settings.events,
    syncBlockMs,
    eventBlockMs,
  };
};

const startServer = (settings: ServerSettings): Conversation =>
  new Conversation(spawn(process.execPath, [SERVER, JSON.stringify(settings)], { stdio: ['pipe', 'pipe', 'inherit'] }));

interface Where {
  /** Holds `ca.crt` and `token`. */
  readonly directory: string;
  readonly port: number;
  readonly cgroup: string;
  readonly bpfRoot: string;
}

interface ProcessFigures {
  readonly residentMiB: number;
  readonly anonymousMiB: number;
  readonly peakMiB: number;
  /** User and system time of all threads. */
  readonly cpuS: number;
}

type Line = Readonly<Record<string, unknown>>;

/** `shunt run` where a Pod has its service account. */
class Agent {
  readonly #child: ChildProcess;
  readonly #lines: Line[] = [];
  readonly #ended: Promise<unknown>;
  #heard = Promise.withResolvers<void>();

  constructor({ directory, port, cgroup, bpfRoot }: Where) {
    const flags = Object.entries({
      cgroup,
      'bpf-root': bpfRoot,
      socket: join(directory, 'admin.sock'),
      listen: '127.0.0.1:0',
      'node-name': NODE,
      'log-format': 'json',
      'log-level': 'info',
    }).flatMap(([name, value]) => [`--${name}`, value]);
    this.#child = spawn('unshare', ['--mount', 'sh', '-c', IN_POD, 'sh', directory, SHUNT, 'run', ...flags], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(port) },
    });
    this.#ended = once(this.#child, 'close').then(() => this.#hear());
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const parsed = JSON.parse(line) as Line;
      // There is one for each change.
      if (parsed.msg !== 'applied') this.#lines.push(parsed);
      this.#hear();
    });
  }

  async logged(message: string): Promise<Line> {
    for (let at = 0; ; at++) {
      while (at === this.#lines.length) {
        if (this.#child.exitCode !== null) throw new Error(`the agent ended before it logged "${message}"`);
        await this.#heard.promise;
      }
      const line = this.#lines[at];
      if (line?.msg === message) return line;
    }
  }

  async figures(): Promise<ProcessFigures> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8');
    const mebibytes = (field: string): number => {
      const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
      return Number((Number(kibibytes) / 1024).toFixed(1));
    };
    const times = (await readFile(`/proc/${this.#child.pid}/stat`, 'utf8')).split(') ').at(-1)?.split(' ') ?? [];
    return {
      residentMiB: mebibytes('VmRSS'),
      anonymousMiB: mebibytes('RssAnon'),
      peakMiB: mebibytes('VmHWM'),
      cpuS: (Number(times[11]) + Number(times[12])) / TICKS_PER_S,
    };
  }

  /** The longest time that its event loop stood still since the last call. */
  async loopBlockMs(): Promise<number> {
    const { address } = await this.logged('serving metrics');
    const text = await (await fetch(`http://${address}/metrics`)).text();
    const maxS = /^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(text)?.[1];
    return Number(maxS) * 1000 - LOOP_INTERVAL_MS;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#ended;
  }

  #hear(): void {
    this.#heard.resolve();
    this.#heard = Promise.withResolvers();
  }
}

/** USER_HZ of proc(5), the same on all platforms that Node runs on. */
const TICKS_PER_S = 100;

/** Mounts of its own: the service account lies where the kubelet puts it, and nobody else sees it there. */
const IN_POD = `
  directory=$1; shift
  mount -t tmpfs none "$(readlink -f /var/run)"
  mkdir -p /var/run/secrets/kubernetes.io/serviceaccount
  cp "$directory/ca.crt" "$directory/token" /var/run/secrets/kubernetes.io/serviceaccount
  exec "$@"`;
