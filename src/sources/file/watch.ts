import type { FSWatcher, WatchListener } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** `fs.watch`, or in tests one that loses events. */
export type WatchDirectory = (path: string, listener: WatchListener<string>) => Pick<FSWatcher, 'close' | 'on'>;

interface Watched {
  readonly identity: string;
  readonly watcher: Pick<FSWatcher, 'close' | 'on'>;
}

/**
 * Watches every directory of a tree, and the directory above its root: a file that is replaced by renaming, or a root
 * that is a symbolic link, changes there. What it tells are hints; looking is up to the caller.
 */
export class TreeWatch {
  readonly #root: string;
  readonly #watchDirectory: WatchDirectory;
  readonly #onHint: (path: string) => void;
  readonly #onTrouble: (path: string, reason: string) => void;
  readonly #watched = new Map<string, Watched>();
  #failing = false;

  constructor(options: {
    readonly root: string;
    readonly watchDirectory: WatchDirectory;
    /** Something at or below this path may have changed. */
    readonly onHint: (path: string) => void;
    readonly onTrouble: (path: string, reason: string) => void;
  }) {
    this.#root = options.root;
    this.#watchDirectory = options.watchDirectory;
    this.#onHint = options.onHint;
    this.#onTrouble = options.onTrouble;
  }

  /**
   * Watches exactly these directories from now on, and hints at those that are new: they may have changed since they
   * were looked at.
   */
  follow(directories: ReadonlyMap<string, string>): void {
    const wanted = new Map([[dirname(this.#root), ABOVE], ...directories]);
    for (const [path, { identity }] of this.#watched) {
      if (wanted.get(path) !== identity) {
        this.#drop(path);
      }
    }
    const failures = [...wanted].flatMap(([path, identity]) =>
      this.#watched.has(path) ? [] : (this.#add(path, identity) ?? []),
    );
    // Said once, not at every look, until everything could be watched again.
    if (failures[0] !== undefined && !this.#failing) {
      this.#onTrouble(failures[0].path, failures[0].reason);
    }
    this.#failing = failures.length > 0;
  }

  close(): void {
    for (const path of this.#watched.keys()) {
      this.#drop(path);
    }
  }

  #add(path: string, identity: string): { readonly path: string; readonly reason: string } | undefined {
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
