import { type FSWatcher, statSync, watch } from 'node:fs';

/** Hints that names came or went in some directories. Losing one costs time and nothing else: who uses it looks anyway. */
export class DirectoryWatch {
  readonly #onHint: () => void;
  readonly #watchers = new Map<string, Watched>();

  constructor(onHint: () => void) {
    this.#onHint = onHint;
  }

  /** Watches exactly these from now on. What cannot be watched is tried again by the next call. */
  follow(paths: readonly string[]): void {
    for (const [path, { identity }] of this.#watchers) {
      // A watch of a directory that was removed hears nothing of the next one of its name.
      if (!paths.includes(path) || identityOf(path) !== identity) this.#drop(path);
    }
    for (const path of paths) if (!this.#watchers.has(path)) this.#add(path);
  }

  #add(path: string): void {
    const identity = identityOf(path);
    try {
      const watcher = watch(path, { persistent: false }, (event) => event === 'rename' && this.#onHint());
      watcher.on('error', () => this.#drop(path));
      this.#watchers.set(path, { watcher, identity });
    } catch {
      // Gone, or too many are watched (fs.inotify.max_user_watches).
    }
  }

  #drop(path: string): void {
    this.#watchers.get(path)?.watcher.close();
    this.#watchers.delete(path);
  }
}

interface Watched {
  readonly watcher: FSWatcher;
  readonly identity: string;
}

/** A file system may use the number of an inode again. Empty when there is none of that name. */
const identityOf = (path: string): string => {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    return found === undefined ? '' : `${found.dev} ${found.ino} ${found.birthtimeNs}`;
  } catch {
    return '';
  }
};
