import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { AgentStatus, BackendView, ServiceView } from '../../src/agent/view.ts';
import { askAgent } from '../../src/cli/admin.ts';
import type { EmbeddedNode } from '../../src/demo/node.ts';
import { OUR_NODE } from './objects.ts';
import { retryUntil } from './retry.ts';

export const SHUNT = fileURLToPath(new URL('../../bin/shunt', import.meta.url));

/** One line of the agent's log. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface AgentProcessOptions {
  /** A file or directory of objects. */
  readonly source: string;
  /** Of the admin API; one of its own if not given. */
  readonly socket?: string | undefined;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** `shunt run` as a user starts it, on a test node. Ends with the node, too. */
export const startAgentProcess = (node: EmbeddedNode, options: AgentProcessOptions): AgentProcess => {
  const { source, flags = [] } = options;
  const directory = mkdtempSync(`${tmpdir()}/shunt-agent-`);
  const socket = options.socket ?? `${directory}/admin.sock`;
  const where = { source: `file:${source}`, cgroup: node.cgroup, 'bpf-root': node.bpfRoot, socket };
  const settings = { ...where, 'node-name': OUR_NODE.name, listen: 'off', 'log-format': 'json' };
  const own = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const args = ['run', ...own, ...flags];
  return new AgentProcess(
    node.spawn(SHUNT, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...options.env } }),
    directory,
    socket,
  );
};

export class AgentProcess implements AsyncDisposable {
  readonly socket: string;
  readonly log: LogLine[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #directory: string;
  #stderr = '';

  constructor(child: ChildProcess, directory: string, socket: string) {
    if (child.stdout === null || child.stderr === null) throw new Error('an agent needs pipes');
    this.#child = child;
    this.#directory = directory;
    this.socket = socket;
    this.#ended = once(child, 'close').finally(() => rmSync(directory, { recursive: true, force: true }));
    createInterface({ input: child.stdout }).on('line', (line) => this.log.push(JSON.parse(line)));
    child.stderr.on('data', (text) => {
      this.#stderr += text;
    });
  }

  /** Resolves with the first line, from `from` on, whose message begins so. */
  async logged(message: string, from = 0, timeoutMs = 10_000): Promise<LogLine> {
    return retryUntil(
      () => {
        const line = this.log.slice(from).find(({ msg }) => msg.startsWith(message));
        if (line === undefined) throw new Error(`not logged: ${message}; ${this.trace()}`);
        return line;
      },
      { timeoutMs, intervalMs: 5 },
    );
  }

  /** Everything that existed at the start is in force. */
  async ready(): Promise<this> {
    await this.logged('ready:');
    return this;
  }

  status(): Promise<AgentStatus> {
    return askAgent(this.socket, '/v1/status');
  }

  async services(): Promise<readonly ServiceView[]> {
    return (await askAgent<{ services: readonly ServiceView[] }>(this.socket, '/v1/services')).services;
  }

  async backends(): Promise<readonly BackendView[]> {
    return (await askAgent<{ backends: readonly BackendView[] }>(this.socket, '/v1/backends')).backends;
  }

  /** What the process holds of the machine. */
  resources(): { readonly fds: number; readonly rssMb: number } {
    const proc = `/proc/${this.#child.pid}`;
    const rssKb = Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`${proc}/status`, 'utf8'))?.[1]);
    return { fds: readdirSync(`${proc}/fd`).length, rssMb: rssKb / 1024 };
  }

  /** As a machine out of memory does. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** As an init system does. Returns the exit status. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.ended();
  }

  /** Resolves with the exit status when it has ended. */
  async ended(): Promise<number | null> {
    await this.#ended;
    return this.#child.exitCode;
  }

  /** What it said last, for messages of failed tests. */
  trace(): string {
    return [...this.log.slice(-5).map((line) => JSON.stringify(line)), this.#stderr].join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
