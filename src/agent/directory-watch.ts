import { type FSWatcher, watch } from 'node:fs';

/** Hints that names came or went in some directories. Losing one costs time and nothing else: who uses it looks anyway. */
export class DirectoryWatch {
  readonly #onHint: () => void;
  readonly #watchers = new Map<string, FSWatcher>();

  constructor(onHint: () => void) {
    this.#onHint = onHint;
  }

  /** Watches exactly these from now on. What cannot be watched is tried again by the next call. */
  follow(paths: readonly string[]): void {
    for (const path of this.#watchers.keys()) if (!paths.includes(path)) this.#drop(path);
    for (const path of paths) if (!this.#watchers.has(path)) this.#add(path);
  }

  #add(path: string): void {
    try {
      const watcher = watch(path, { persistent: false }, (event) => event === 'rename' && this.#onHint());
      watcher.on('error', () => this.#drop(path));
      this.#watchers.set(path, watcher);
    } catch {
      // Gone, or too many are watched (fs.inotify.max_user_watches).
    }
  }

  #drop(path: string): void {
    this.#watchers.get(path)?.close();
    this.#watchers.delete(path);
  }
}
