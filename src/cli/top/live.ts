import { layout, pageOf } from './layout.ts';
import type { Look } from './look.ts';
import { EMPTY, type Model, noteReading, noteTrouble } from './model.ts';
import { pause } from './pause.ts';
import { isAway, type Read } from './reading.ts';
import { Screen } from './screen.ts';
import type { Terminal, Terminals } from './terminal.ts';
import { type Key, press, rowsOf, type View } from './view.ts';

export interface LiveOptions {
  readonly terminals: Terminals;
  readonly read: Read;
  readonly look: Look;
  readonly view: View;
  readonly intervalMs: number;
  /** Resolves when somebody asks to end it. */
  readonly stopped: Promise<unknown>;
}

/**
 * Shows readings until a key, a signal or the end of the terminal ends it. An agent that does not answer is waited for;
 * any other error is thrown, and by then the terminal is as it was before.
 */
export const live = async (options: LiveOptions): Promise<void> => {
  const view = new Live(options);
  try {
    await view.run();
  } finally {
    view.close();
  }
};

class Live {
  readonly #options: LiveOptions;
  readonly #terminal: Terminal;
  readonly #screen: Screen;
  readonly #ending = new AbortController();
  #model: Model = EMPTY;
  #view: View;
  #bug: unknown;

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#view = options.view;
    this.#terminal = options.terminals.open({
      onKey: (key) => this.#guard(() => this.#press(key)),
      onResize: () => this.#guard(() => this.#repaint()),
      onEnd: () => this.#ending.abort(),
    });
    this.#screen = new Screen(this.#terminal);
    options.stopped.then(() => this.#ending.abort());
  }

  async run(): Promise<void> {
    const { intervalMs } = this.#options;
    const { signal } = this.#ending;
    this.#paint();
    while (!signal.aborted) {
      const startedMs = performance.now();
      await this.#read();
      if (!signal.aborted) this.#paint();
      await pause(Math.max(0, startedMs + intervalMs - performance.now()), signal);
    }
    if (this.#bug !== undefined) throw this.#bug;
  }

  close(): void {
    this.#terminal.close();
  }

  async #read(): Promise<void> {
    const { signal } = this.#ending;
    try {
      this.#model = noteReading(this.#model, await this.#options.read(signal));
    } catch (error) {
      if (signal.aborted) return;
      if (!isAway(error)) throw error;
      this.#model = noteTrouble(this.#model, error.message);
    }
  }

  #press(key: Key): void {
    const rows = rowsOf(this.#model.rates?.ports ?? [], this.#view).length;
    const view = press(this.#view, key, { rows, page: pageOf(this.#terminal.size()) });
    if (view === 'quit') {
      this.#ending.abort();
      return;
    }
    this.#view = view;
    this.#paint();
  }

  #paint(): void {
    this.#screen.paint(layout(this.#model, this.#view, this.#options.look, this.#terminal.size()));
  }

  #repaint(): void {
    this.#screen.clear();
    this.#paint();
  }

  /** Nobody would catch what is thrown to the terminal. */
  #guard(act: () => void): void {
    try {
      if (!this.#ending.signal.aborted) act();
    } catch (error) {
      this.#bug = error;
      this.#ending.abort();
    }
  }
}
