import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, readFileSync } from 'node:fs';

/** Where `scripts/apiserver/build` leaves the programs, or SHUNT_KUBE_BIN. */
const BIN = process.env.SHUNT_KUBE_BIN ?? 'build/apiserver';

/** A server program that writes its log to a file, and that does not outlive this process. */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #log: string;
  readonly #ended: Promise<unknown>;

  constructor(name: string, args: readonly string[], log: string) {
    const path = `${BIN}/${name}`;
    if (!existsSync(path)) throw new Error(`${path} is missing: run scripts/apiserver/build`);
    const output = openSync(log, 'a');
    this.#name = name;
    this.#log = log;
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', path, ...args], { stdio: ['ignore', output, output] });
    this.#ended = once(this.#child, 'close');
  }

  /** Throws with the end of the log when it has ended. */
  checkAlive(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) return;
    const log = readFileSync(this.#log, 'utf8').split('\n').slice(-20).join('\n');
    throw new Error(`${this.#name} ended:\n${log}`);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#child.kill(signal);
    await this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop('SIGKILL');
  }
}
