import { watch as watchNode } from 'node:fs';
import { normalize } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterObject, Complaint, Origin } from '../core/model/objects.ts';
import { ShuntError } from '../errors.ts';
import { FileTree } from './file/tree.ts';
import { TreeWatch, type WatchDirectory, type WatchFailure } from './file/watch.ts';
import type { Source, SourceSink } from './source.ts';

export interface FileSourceOptions {
  /** A file, or a directory whose *.yaml, *.yml and *.json are taken, those in directories below as well. */
  readonly path: string;
  /** How long it must be quiet before changes are read: editors write in several steps. */
  readonly debounceMs?: number;
  /** Changes are read after this time even when it never is quiet. */
  readonly waitMaxMs?: number;
  /** A file that changed less than `debounceMs` ago is read later, but after this time even if it is still being written. */
  readonly writingMaxMs?: number;
  /** The whole tree is looked at this often: inotify loses events, and knows nothing of some file systems. */
  readonly rescanMs?: number;
  /** How soon an unreadable path is tried again. */
  readonly retryMs?: number;
  readonly watchDirectory?: WatchDirectory;
}

/**
 * The objects in files, watched. What cannot be read changes nothing: an invalid object, and every object of a file
 * that cannot be parsed, keeps its last good state; a path that vanishes as a whole is trouble, not an empty cluster.
 */
export const fileSource = (options: FileSourceOptions): Source => new FileSource(options);

/** The objects in files as they are now, and everything there is to say about them. */
export const readOnce = async (path: string): Promise<Objects> => {
  const tree = new FileTree({ root: normalize(path), quietMs: 0, writingMaxMs: 0 });
  await tree.look([tree.root]);
  const objects = tree.catalog.takeEvents().flatMap((event) => (event.type === 'put' ? [event.object] : []));
  return { objects, complaints: tree.complaints(), originOf: (object) => tree.catalog.originOf(object) };
};

export interface Objects {
  readonly objects: readonly ClusterObject[];
  readonly complaints: readonly Complaint[];
  /** Where an object stands, named as complaints name it: `Service shop/cart`. */
  originOf(object: string): Origin | undefined;
}

class FileSource implements Source {
  readonly name: string;
  readonly #tree: FileTree;
  readonly #watch: TreeWatch;
  readonly #debounceMs: number;
  readonly #waitMaxMs: number;
  readonly #rescanMs: number;
  readonly #retryMs: number;
  readonly #hints = new Set<string>();
  #hintedSinceMs = 0;
  #sink: SourceSink | undefined;
  #timer: NodeJS.Timeout | undefined;
  #rescan: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #synced = false;
  #trouble: string | undefined;
  #told: { readonly complaints: readonly Complaint[]; readonly whole: boolean } | undefined;

  constructor(options: FileSourceOptions) {
    this.name = `file:${options.path}`;
    this.#debounceMs = options.debounceMs ?? 50;
    this.#tree = new FileTree({
      root: normalize(options.path),
      // The clocks of timers and of files do not tick together.
      quietMs: this.#debounceMs - 1,
      writingMaxMs: options.writingMaxMs ?? 5000,
    });
    this.#waitMaxMs = options.waitMaxMs ?? 500;
    this.#rescanMs = options.rescanMs ?? 10_000;
    this.#retryMs = options.retryMs ?? 1000;
    this.#watch = new TreeWatch({
      root: this.#tree.root,
      watchDirectory: options.watchDirectory ?? ((path, listener) => watchNode(path, listener)),
      onHint: (path) => this.#hint(path),
    });
  }

  /** Resolves after the first look: then everything was told, or trouble, and the path is tried again. */
  async start(sink: SourceSink): Promise<void> {
    this.#sink = sink;
    this.#rescan = setInterval(() => this.#hint(this.#tree.root), this.#rescanMs);
    this.#hints.add(this.#tree.root);
    await this.#look();
  }

  async stop(): Promise<void> {
    this.#sink = undefined;
    clearTimeout(this.#timer);
    clearInterval(this.#rescan);
    this.#watch.close();
    await this.#looking;
  }

  originOf(object: string): Origin | undefined {
    return this.#tree.catalog.originOf(object);
  }

  #hint(path: string): void {
    if (this.#hints.size === 0) {
      this.#hintedSinceMs = performance.now();
    }
    this.#hints.add(path);
    this.#schedule(this.#debounceMs);
  }

  #schedule(delayMs: number): void {
    if (this.#sink === undefined || this.#looking !== undefined) {
      return;
    }
    clearTimeout(this.#timer);
    const leftMs = this.#hintedSinceMs + this.#waitMaxMs - performance.now();
    this.#timer = setTimeout(() => void this.#look(), Math.max(0, Math.min(delayMs, leftMs)));
  }

  /** One at a time; what is hinted at meanwhile is looked at next. */
  async #look(): Promise<void> {
    this.#looking = this.#lookOnce();
    await this.#looking;
    this.#looking = undefined;
    if (this.#hints.size > 0) {
      this.#schedule(this.#debounceMs);
    }
  }

  async #lookOnce(): Promise<void> {
    const paths = [...this.#hints];
    this.#hints.clear();
    let later: readonly string[];
    try {
      later = await this.#tree.look(paths);
      // The first time nothing is told before everything is.
      while (!this.#synced && later.length > 0 && this.#sink !== undefined) {
        await sleep(this.#debounceMs);
        later = await this.#tree.look(later);
      }
    } catch (error) {
      this.#tellTrouble(error as Error);
      this.#retry();
      return;
    }
    if (this.#sink !== undefined) {
      const failure = this.#watch.follow(this.#tree.directories);
      this.#tell(this.#sink);
      this.#tellTrouble(failure && this.#aboutWatch(failure));
      for (const path of later) {
        this.#hint(path);
      }
    }
  }

  #aboutWatch(failure: WatchFailure): ShuntError {
    return new ShuntError('SHUNT_E_SOURCE_WATCH', { ...failure, seconds: this.#rescanMs / 1000 });
  }

  #retry(): void {
    if (this.#sink !== undefined) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#hint(this.#tree.root), this.#retryMs);
    }
  }

  #tell(sink: SourceSink): void {
    const events = this.#tree.catalog.takeEvents();
    const complaints = this.#tree.complaints();
    const whole = this.#tree.isWhole();
    if (events.length > 0 || complaints !== this.#told?.complaints || whole !== this.#told.whole) {
      this.#told = { complaints, whole };
      sink.onChange(events, complaints, whole);
    }
    if (!this.#synced) {
      this.#synced = true;
      sink.onSynced();
    }
  }

  /** The same trouble once, until it is over. */
  #tellTrouble(error: Error | undefined): void {
    if (this.#trouble !== error?.message) {
      this.#trouble = error?.message;
      this.#sink?.onTrouble(error);
    }
  }
}
