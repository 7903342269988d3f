import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { AgentStatus } from '../agent/view.ts';
import { agentAnswers, askAgent } from '../cli/admin.ts';
import type { Decision } from '../core/explain/decision.ts';
import { ShuntError } from '../errors.ts';
import { pause } from './pause.ts';
import type { Spawner } from './process.ts';
import type { Counts } from './tally.ts';

export interface AgentSettings {
  /** Directory of objects. */
  readonly source: string;
  readonly cgroup: string;
  readonly bpfRoot: string;
  readonly socket: string;
  readonly nodeName: string;
  /** UNIX socket of the live page, or `off`. */
  readonly ui: string;
}

/** Where its metrics are, in the network of the node alone. */
export const METRICS = '127.0.0.1:10377';

const READY_WITHIN_MS = 15_000;
const IN_FORCE_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 5;
const LOG_LINES_MAX = 20;
/** The kernel holds shares in steps of 2^-32. */
const SHARE_PRECISION = 1e-6;

/** The agent, `shunt run`, as a process in the network of the node; it can be killed and started again. */
export class AgentProcess {
  readonly settings: AgentSettings;
  readonly #place: Spawner;
  readonly #signal: AbortSignal;
  readonly #log: string[] = [];
  #child: ChildProcessByStdio<null, Readable, Readable> | undefined;

  constructor(place: Spawner, settings: AgentSettings, signal: AbortSignal) {
    this.#place = place;
    this.settings = settings;
    this.#signal = signal;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Its last lines. */
  get log(): readonly string[] {
    return this.#log;
  }

  /** Resolves when everything the objects ask for is in force. */
  async start(): Promise<AgentStatus> {
    const child = this.#place.spawn(process.execPath, [mainPath, ...argumentsOf(this.settings)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: withoutSettings(process.env),
    }) as ChildProcessByStdio<null, Readable, Readable>;
    this.#child = child;
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on('line', (line) => this.#keep(line));
    }
    return this.#wait('starting the agent', READY_WITHIN_MS, async () => {
      if (child.exitCode !== null) throw failure('starting the agent', this.#log.at(-1) ?? `exit ${child.exitCode}`);
      if (!(await agentAnswers(this.settings.socket))) return undefined;
      // While it opens its tables it answers that it is starting.
      const status = await this.status().catch(ignoreStarting);
      return status?.ready ? status : undefined;
    });
  }

  /** `kill -9`: resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  answers(): Promise<boolean> {
    return agentAnswers(this.settings.socket);
  }

  status(): Promise<AgentStatus> {
    return askAgent<AgentStatus>(this.settings.socket, '/v1/status');
  }

  explain(address: string, port: number): Promise<Decision> {
    return askAgent<Decision>(this.settings.socket, '/v1/explain', { address, port: String(port), protocol: 'TCP' });
  }

  /**
   * Waits until the kernel's tables give an address exactly these shares (0..1, by `ADDRESS:PORT` of the endpoint), and
   * returns when that change was applied, in milliseconds since the epoch.
   */
  async inForce(address: string, port: number, shares: Counts): Promise<number> {
    return this.#wait('waiting for a change to reach the kernel', IN_FORCE_WITHIN_MS, async () => {
      const { kernel } = await this.explain(address, port);
      if (kernel === undefined || !kernel.agrees || !isSame(kernel.shares, shares)) return undefined;
      return (await this.status()).lastChange?.atMs;
    });
  }

  async #wait<T>(step: string, withinMs: number, look: () => Promise<T | undefined>): Promise<T> {
    const deadlineMs = performance.now() + withinMs;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (performance.now() > deadlineMs) throw failure(step, `not done after ${withinMs / 1000} s`);
      await pause(LOOK_EVERY_MS, this.#signal);
    }
  }

  #keep(line: string): void {
    this.#log.push(line);
    if (this.#log.length > LOG_LINES_MAX) this.#log.shift();
  }
}

/** As this file is: TypeScript in a checkout, JavaScript when built. */
export const mainPath: string = join(import.meta.dirname, '..', `main${extname(import.meta.filename)}`);

const argumentsOf = ({ source, cgroup, bpfRoot, socket, nodeName, ui }: AgentSettings): readonly string[] => [
  'run',
  ...['--source', `file:${source}`],
  ...['--cgroup', cgroup],
  ...['--bpf-root', bpfRoot],
  ...['--socket', socket],
  ...['--node-name', nodeName],
  ...['--listen', METRICS],
  ...['--ui', ui],
  ...['--log-format', 'json'],
];

/** The person's own settings are for their own agent. */
const withoutSettings = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => {
  const kept = new Set(['SHUNT_SHIM', 'SHUNT_BPF_DIR']);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('SHUNT_') || kept.has(name)));
};

const ignoreStarting = (error: unknown): undefined => {
  if (error instanceof ShuntError && error.code === 'SHUNT_E_AGENT_ANSWER') return undefined;
  throw error;
};

const isSame = (have: Counts, want: Counts): boolean => {
  const names = Object.keys(want);
  return (
    names.length === Object.keys(have).length &&
    names.every((name) => Math.abs((have[name] ?? Number.NaN) - (want[name] ?? 0)) < SHARE_PRECISION)
  );
};

const failure = (step: string, detail: string): ShuntError => new ShuntError('SHUNT_E_DEMO', { step, detail });
