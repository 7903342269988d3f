import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { CallArguments, CallName, CallResult, ResultLine } from './calls.ts';
import type { ApiServerOptions } from './server.ts';

const ENDING_MS = 3000;

export type Spawn = (command: string, args: readonly string[], options: object) => ChildProcess;

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

/**
 * Starts the server in a process of its own, which may be on another network: `spawn` is what starts processes there.
 * Ends when its input is closed, so also with this process.
 */
export const startApiServerProcess = async (
  options: Omit<ApiServerOptions, 'chaos'> = {},
  spawnIt: Spawn = spawn,
): Promise<ApiServerProcess> => {
  const child = spawnIt(process.execPath, [MAIN, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const server = new ApiServerProcess(child);
  await server.started();
  return server;
};

export class ApiServerProcess implements AsyncDisposable {
  /** Holds `ca.crt` and `token`, as the directory of a service account does. */
  readonly directory = mkdtempSync(`${tmpdir()}/shunt-api-server-`);
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #hello = Promise.withResolvers<{ readonly port: number; readonly ca: string }>();
  #port = 0;
  #calls = 0;

  constructor(child: ChildProcess) {
    if (child.stdout === null || child.stdin === null) throw new Error('an API server needs pipes');
    this.#child = child;
    child.stdin.on('error', () => {});
    this.#ended = once(child, 'close').then(() => this.#fail());
    createInterface({ input: child.stdout }).on('line', (line) => this.#take(JSON.parse(line)));
  }

  get port(): number {
    return this.#port;
  }

  /** By which a process in a cluster finds it. */
  get env(): Readonly<Record<string, string>> {
    return { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(this.#port) };
  }

  async started(): Promise<void> {
    const { port, ca } = await this.#hello.promise;
    this.#port = port;
    writeFileSync(`${this.directory}/ca.crt`, ca);
    writeFileSync(`${this.directory}/token`, 'first');
  }

  /** Calls are carried out one by one, in order. */
  call<Name extends CallName>(name: Name, ...args: CallArguments<Name>): Promise<CallResult<Name>> {
    this.#calls += 1;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(this.#calls, waiting);
    this.#child.stdin?.write(`${JSON.stringify({ id: this.#calls, call: name, args })}\n`);
    return waiting.promise as Promise<CallResult<Name>>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.end();
    // A connection that was made to stall may keep it.
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), ENDING_MS);
    await this.#ended;
    clearTimeout(timer);
    rmSync(this.directory, { recursive: true, force: true });
  }

  #take(line: ResultLine | { readonly port: number; readonly ca: string }): void {
    if ('port' in line) {
      this.#hello.resolve(line);
      return;
    }
    const waiting = this.#waiting.get(line.id);
    this.#waiting.delete(line.id);
    if (line.error === undefined) waiting?.resolve(line.result);
    else waiting?.reject(new Error(line.error));
  }

  #fail(): void {
    const error = new Error('the API server has ended');
    this.#hello.reject(error);
    for (const { reject } of this.#waiting.values()) reject(error);
  }
}
