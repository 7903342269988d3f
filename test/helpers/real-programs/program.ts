import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Pod } from '../../../src/demo/pod.ts';
import { retryUntil } from '../retry.ts';

export type Command = readonly [program: string, ...args: readonly string[]];

/** A program that goes on in a Pod, and ends with it at the latest. What it says is kept. */
export class Program {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly #ended: Promise<unknown>;

  constructor(pod: Pod, [program, ...args]: Command) {
    this.child = pod.spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], cwd: '/' });
    this.#ended = once(this.child, 'close');
    this.child.stdin?.on('error', () => {});
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
  }

  write(text: string): void {
    this.child.stdin?.write(text);
  }

  /** Resolves when it has said so, on either of its outputs. */
  async said(what: RegExp): Promise<void> {
    await retryUntil(() => {
      if (what.test(this.stdout) || what.test(this.stderr)) return true;
      throw new Error(`${this.child.spawnargs.join(' ')} did not say ${what}: ${this.trace()}`);
    }, WAITING);
  }

  /** Resolves when something listens in its network. */
  listens(port: number): Promise<unknown> {
    return untilListening(this, port);
  }

  /** With the status, or the name of the signal that ended it. A program that does not end has failed. */
  async ended(): Promise<number | string | null> {
    const late = setTimeout(() => this.child.kill('SIGKILL'), WAITING.timeoutMs);
    await this.#ended;
    clearTimeout(late);
    return this.child.exitCode ?? this.child.signalCode;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string | null> {
    this.child.kill(signal);
    return this.ended();
  }

  trace(): string {
    return `${this.stdout.slice(-1000)}\n${this.stderr.slice(-2000)}`;
  }
}

const WAITING = { timeoutMs: 40_000, intervalMs: 10 };

/** Runs a program to its end, and returns what it said. Fails if the program does. */
export const run = async (pod: Pod, command: Command, input?: Readable | string): Promise<string> => {
  const program = new Program(pod, command);
  const { stdin } = program.child;
  if (stdin === null) throw new Error('a program needs pipes');
  const fed = typeof input === 'object' ? pipeline(input, stdin).catch(() => {}) : stdin.end(input ?? '');
  const status = await program.ended();
  await fed;
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}: ${program.trace()}`);
  return program.stdout;
};

const untilListening = ({ child }: Program, port: number): Promise<unknown> => {
  const end = new RegExp(`:${port.toString(16).toUpperCase().padStart(4, '0')} 0+:0000 0A`);
  return retryUntil(async () => {
    const [own, ours] = await Promise.all([tablesOf(child.pid), tablesOf('self')]);
    // Until it has entered its network, it shows ours.
    if (own === ours || !end.test(own)) throw new Error(`nothing listens at port ${port}`);
    return true;
  }, WAITING);
};

const tablesOf = async (pid: number | string | undefined): Promise<string> => {
  const tables = ['tcp', 'tcp6'].map((table) => readFile(`/proc/${pid}/net/${table}`, 'utf8').catch(() => ''));
  return (await Promise.all(tables)).join('');
};

export const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

export const sha256OfFile = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
};

/** How many files there are in a directory, and a checksum of them all. */
export const sumOfFiles = async (directory: string): Promise<{ readonly files: number; readonly sums: string }> => {
  const files = (await readdir(directory)).toSorted();
  const sums = await Promise.all(files.map((file) => sha256OfFile(`${directory}/${file}`)));
  return { files: files.length, sums: sha256(sums.join()) };
};
