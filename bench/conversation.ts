import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Spawner } from '../src/demo/process.ts';

/** A program that answers each line written to it with one line, and ends when its input does. */
export class Conversation implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    // Its end shows as the end of its output, where `read` reports it.
    child.stdin.on('error', () => {});
  }

  async ask(line: string): Promise<string> {
    this.#child.stdin.write(`${line}\n`);
    return this.read();
  }

  /** Many questions in one go: they are written before the first answer is awaited. */
  async askAll(lines: readonly string[]): Promise<void> {
    this.#child.stdin.write(lines.map((line) => `${line}\n`).join(''));
    for (let answer = 0; answer < lines.length; answer++) await this.read();
  }

  async read(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`${this.#child.spawnargs.join(' ').slice(0, 200)} ended (its reason is above)`);
    return value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin.end();
    await ended;
  }
}

/** With a program that is started in a Pod. */
export const converseIn = (pod: Spawner, [program = '', ...args]: readonly string[]): Conversation =>
  new Conversation(
    pod.spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] }) as ChildProcessByStdio<Writable, Readable, null>,
  );
