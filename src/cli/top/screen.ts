import type { Terminal } from './terminal.ts';

/** Alternate screen, no cursor, no line wrap (xterm's control sequences, DECSET). */
export const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J';
export const LEAVE = '\x1b[?7h\x1b[?25h\x1b[0m\x1b[?1049l';

/** Writes only the lines that changed: a slow line shows them at once. */
export class Screen {
  readonly #terminal: Pick<Terminal, 'write'>;
  #shown: readonly string[] = [];

  constructor(terminal: Pick<Terminal, 'write'>) {
    this.#terminal = terminal;
  }

  paint(lines: readonly string[]): void {
    const written = changesBetween(this.#shown, lines);
    this.#shown = lines;
    if (written !== '') this.#terminal.write(written);
  }

  /** The terminal has another size, or had other things on it. */
  clear(): void {
    this.#shown = [];
    this.#terminal.write('\x1b[2J');
  }
}

/** A line is erased before it is written: after its last column the cursor would still stand on that. */
const changesBetween = (before: readonly string[], after: readonly string[]): string =>
  Array.from({ length: Math.max(before.length, after.length) }, (_, row) =>
    (before[row] ?? '') === (after[row] ?? '') ? '' : `\x1b[${row + 1};1H\x1b[2K${after[row] ?? ''}`,
  ).join('');
