import { writeSync } from 'node:fs';
import { emitKeypressEvents } from 'node:readline';
import { ENTER, LEAVE } from './screen.ts';
import type { Terminal, TerminalListener, Terminals } from './terminal.ts';

/** The terminal of this process. */
export const processTerminals: Terminals = {
  get isThere() {
    return process.stdin.isTTY === true && process.stdout.isTTY === true && process.env.TERM !== 'dumb';
  },
  open: (listener) => new ProcessTerminal(listener),
};

interface KeyPress {
  readonly name?: string;
  readonly ctrl?: boolean;
}

class ProcessTerminal implements Terminal {
  readonly #listener: TerminalListener;
  #isEntered = false;

  constructor(listener: TerminalListener) {
    this.#listener = listener;
    const { stdin, stdout } = process;
    // However the process ends, but by SIGKILL, the terminal is given back.
    process.on('exit', this.#leave);
    process.on('SIGHUP', this.#end);
    process.on('SIGTSTP', this.#suspend);
    process.on('SIGCONT', this.#resume);
    emitKeypressEvents(stdin);
    stdin.on('keypress', this.#press);
    stdin.on('end', this.#end);
    stdin.on('error', this.#end);
    stdout.on('error', this.#end);
    stdout.on('resize', this.#resize);
    this.#enter();
    stdin.resume();
  }

  size() {
    const { columns, rows } = process.stdout;
    return { width: columns || 80, height: rows || 24 };
  }

  write(text: string): void {
    if (this.#isEntered) process.stdout.write(text);
  }

  close(): void {
    const { stdin, stdout } = process;
    this.#leave();
    process.off('exit', this.#leave);
    process.off('SIGHUP', this.#end);
    process.off('SIGTSTP', this.#suspend);
    process.off('SIGCONT', this.#resume);
    stdin.off('keypress', this.#press);
    stdin.off('end', this.#end);
    stdout.off('resize', this.#resize);
    stdin.pause();
    // What a terminal that hung up says after this is nobody's concern any more: its listeners for errors stay.
  }

  readonly #enter = (): void => {
    if (this.#isEntered) return;
    this.#isEntered = true;
    process.stdin.setRawMode(true);
    process.stdout.write(ENTER);
  };

  /** At once, past all buffers: the process may end right after it. */
  readonly #leave = (): void => {
    if (!this.#isEntered) return;
    this.#isEntered = false;
    try {
      writeSync(process.stdout.fd, LEAVE);
      process.stdin.setRawMode(false);
    } catch {
      // It hung up: nobody is left to give it back to.
    }
  };

  /** In raw mode Ctrl-Z is a key like any other. */
  readonly #press = (text: string | undefined, { name = '', ctrl = false }: KeyPress): void => {
    if (ctrl && name === 'z') this.#suspend();
    else this.#listener.onKey({ name, ctrl, text: text ?? '' });
  };

  readonly #suspend = (): void => {
    this.#leave();
    process.kill(process.pid, 'SIGSTOP');
  };

  readonly #resume = (): void => {
    this.#enter();
    this.#listener.onResize();
  };

  readonly #resize = (): void => this.#listener.onResize();

  readonly #end = (): void => this.#listener.onEnd();
}
