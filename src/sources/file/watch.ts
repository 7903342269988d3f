import type { FSWatcher, WatchListener } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** `fs.watch`, or in tests one that loses events. */
export type WatchDirectory = (path: string, listener: WatchListener<string>) => Pick<FSWatcher, 'close' | 'on'>;

interface Watched {
  readonly identity: string;
  readonly watcher: Pick<FSWatcher, 'close' | 'on'>;
}

export interface WatchFailure {
  readonly path: string;
  readonly reason: string;
}

/**
 * Watches every directory of a tree, and the directory above its root: a file that is replaced by renaming, or a root
 * that is a symbolic link, changes there. What it tells are hints; looking is up to the caller.
 */
export class TreeWatch {
  readonly #root: string;
  readonly #watchDirectory: WatchDirectory;
  readonly #onHint: (path: string) => void;
  readonly #watched = new Map<string, Watched>();

  constructor(options: {
    readonly root: string;
    readonly watchDirectory: WatchDirectory;
    /** Something at or below this path may have changed. */
    readonly onHint: (path: string) => void;
  }) {
    this.#root = options.root;
    this.#watchDirectory = options.watchDirectory;
    this.#onHint = options.onHint;
  }

  /**
   * Watches exactly these directories from now on, and hints at those that are new: they may have changed since they
   * were looked at. Returns the first that cannot be watched, to be tried again by the next call.
   */
  follow(directories: ReadonlyMap<string, string>): WatchFailure | undefined {
    const wanted = new Map([[dirname(this.#root), ABOVE], ...directories]);
    for (const [path, { identity }] of this.#watched) {
      if (wanted.get(path) !== identity) {
        this.#drop(path);
      }
    }
    const failures = [...wanted].flatMap(([path, identity]) =>
      this.#watched.has(path) ? [] : (this.#add(path, identity) ?? []),
    );
    return failures[0];
  }

  close(): void {
    for (const path of this.#watched.keys()) {
      this.#drop(path);
    }
  }

  #add(path: string, identity: string): WatchFailure | undefined {
    try {
      const watcher = this.#watchDirectory(path, (_, name) => this.#hear(path, identity, name));
      watcher.on('error', () => this.#drop(path));
      this.#watched.set(path, { identity, watcher });
      this.#onHint(identity === ABOVE ? this.#root : path);
      return undefined;
    } catch (error) {
      return { path, reason: (error as NodeJS.ErrnoException).code ?? (error as Error).message };
    }
  }

  #drop(path: string): void {
    this.#watched.get(path)?.watcher.close();
    this.#watched.delete(path);
  }

  #hear(directory: string, identity: string, name: string | null): void {
    if (identity === ABOVE) {
      if (name === null || name === basename(this.#root) || name.startsWith('..')) {
        this.#onHint(this.#root);
      }
      return;
    }
    if (name === null || name === basename(directory)) {
      this.#onHint(directory);
    } else if (name.startsWith('..')) {
      // Mounted ConfigMaps change all of their files by replacing the link `..data`.
      this.#onHint(this.#root);
    } else if (!name.startsWith('.')) {
      this.#onHint(join(directory, name));
    }
  }
}

const ABOVE = 'above';
