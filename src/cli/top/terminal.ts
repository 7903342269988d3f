import type { Size } from './look.ts';
import type { Key } from './view.ts';

/** A terminal that is ours from `open` to `close`: each key comes at once, and the screen is the alternate one. */
export interface Terminal {
  size(): Size;
  write(text: string): void;
  /** May be called again; what was shown before comes back. */
  close(): void;
}

export interface TerminalListener {
  onKey(key: Key): void;
  /** Everything must be painted anew. */
  onResize(): void;
  /** It hung up. */
  onEnd(): void;
}

export interface Terminals {
  /** Whether keys can be read and a screen be painted. */
  readonly isThere: boolean;
  open(listener: TerminalListener): Terminal;
}
