import { basename, sep } from 'node:path';
import type { Complaint } from '../../core/model/objects.ts';
import { ShuntError } from '../../errors.ts';
import { type Catalog, createCatalog, EMPTY } from './catalog.ts';
import { createLoadContext, type FileLoad, loadFile } from './load.ts';
import { type FileLook, isObjectsName, isOverwritten, type Scan, scan, UNSETTLED } from './scan.ts';

export interface FileTreeOptions {
  readonly root: string;
  /** A file that changed less than this ago is being written. */
  readonly quietMs: number;
  /** What is being written is read after this time all the same. */
  readonly writingMaxMs: number;
}

/** What is known of the files below one path. */
export class FileTree {
  readonly root: string;
  readonly catalog: Catalog = createCatalog();
  readonly #quietMs: number;
  readonly #writingMaxMs: number;
  readonly #context = createLoadContext();
  /** File to the stamp it had when it was read last. */
  readonly #stamps = new Map<string, string>();
  readonly #directories = new Map<string, string>();
  readonly #unreadable = new Map<string, string>();
  #writingSinceMs: number | undefined;
  #unreadableRevision = 0;
  #complaints: { readonly revision: number; readonly list: readonly Complaint[] } | undefined;
  #whole = false;

  constructor({ root, quietMs, writingMaxMs }: FileTreeOptions) {
    this.root = root;
    this.#quietMs = quietMs;
    this.#writingMaxMs = writingMaxMs;
  }

  get directories(): ReadonlyMap<string, string> {
    return this.#directories;
  }

  /**
   * Reads what changed at and below these paths, and returns what must be looked at again soon: half a YAML file is mostly
   * a valid one, so what is being written is left for later. So are then files that have gone, because their objects may
   * be on their way to another file. Throws SHUNT_E_SOURCE when the root is not there to be read.
   */
  async look(paths: readonly string[]): Promise<readonly string[]> {
    const scopes = paths.includes(this.root) ? [this.root] : paths;
    const scans = new Map<string, Scan>();
    for (const scope of scopes) {
      scans.set(scope, await this.#scan(scope));
    }
    const writing = this.#beingWritten([...scans.values()]);
    const mayWait = this.#mayWait(writing.length > 0);
    const later = new Set(mayWait ? writing : []);
    const isWaiting = later.size > 0;
    for (const [scope, found] of scans) {
      replaceBelow(this.#directories, scope, found.directories);
      this.#unreadableRevision += replaceBelow(this.#unreadable, scope, found.unreadable);
      for (const file of this.#goneBelow(scope, found)) {
        isWaiting ? later.add(file) : this.#forget(file);
      }
      for (const [file, look] of found.files) {
        if (later.has(file) || !this.#isChanged(file, look)) {
          continue;
        }
        const load = await loadFile(file, look.bytes, this.#context);
        if (mayWait && isOverwritten(file, look)) {
          later.add(file);
        } else {
          this.#take(file, look, load);
        }
      }
    }
    return [...later];
  }

  /** The same list until something about it changes. */
  complaints(): readonly Complaint[] {
    const revision = this.catalog.revision + this.#unreadableRevision;
    if (this.#complaints?.revision !== revision) {
      const unreadable = Array.from(this.#unreadable, ([path, reason]) => aboutUnreadable(path, reason));
      this.#complaints = { revision, list: [...unreadable, ...this.catalog.complaints()] };
    }
    return this.#complaints.list;
  }

  /** Whether all that is there could be read at least once. What it said then is known from then on. */
  isWhole(): boolean {
    this.#whole ||= this.#unreadable.size === 0 && this.catalog.isWhole();
    return this.#whole;
  }

  async #scan(scope: string): Promise<Scan> {
    const found = await scan(scope);
    if (scope !== this.root) {
      return isObjectsName(basename(scope)) ? found : { ...found, files: without(found.files, scope) };
    }
    const reason = found.unreadable.get(scope);
    if (reason !== undefined || (found.files.size === 0 && found.directories.size === 0)) {
      throw new ShuntError('SHUNT_E_SOURCE', { path: scope, reason: reason ?? 'no such file or directory' });
    }
    return found;
  }

  #isChanged(file: string, { stamp }: FileLook): boolean {
    return stamp === UNSETTLED || stamp !== this.#stamps.get(file);
  }

  #beingWritten(scans: readonly Scan[]): readonly string[] {
    const nowMs = Date.now();
    return (
      scans
        .flatMap(({ files }) => [...files])
        // The age of a time stamp from the future is unknown.
        .filter(([file, look]) => Math.abs(nowMs - look.modifiedMs) < this.#quietMs && this.#isChanged(file, look))
        .map(([file]) => file)
    );
  }

  /** Whether what is being written may be left for later once more. */
  #mayWait(isWriting: boolean): boolean {
    const sinceMs = this.#writingSinceMs ?? performance.now();
    const isOver = performance.now() - sinceMs >= this.#writingMaxMs;
    this.#writingSinceMs = isWriting && !isOver ? sinceMs : undefined;
    return !isOver;
  }

  #goneBelow(scope: string, found: Scan): readonly string[] {
    const known = this.#stamps.has(scope) ? [scope] : [...this.#stamps.keys()].filter((file) => isBelow(file, scope));
    const isHidden = (file: string) => [...found.unreadable.keys()].some((path) => isBelow(file, path));
    return known.filter((file) => !found.files.has(file) && !isHidden(file));
  }

  #take(file: string, look: FileLook, load: FileLoad): void {
    this.#stamps.set(file, load.outcome === 'unreadable' && load.passing ? UNSETTLED : look.stamp);
    switch (load.outcome) {
      case 'content':
        this.catalog.set(file, load.content);
        return;
      case 'unreadable':
        this.catalog.keep(file, this.#aboutKept(file, load.complaint));
        return;
      case 'empty':
        this.#keepEmpty(file);
        return;
      case 'gone':
        this.#forget(file);
    }
  }

  /**
   * A program that rewrites a file in place empties it first, and a disk that was full leaves it so: whatever it held or
   * was to hold is not meant to be gone.
   */
  #keepEmpty(file: string): void {
    if (this.catalog.has(file) && this.catalog.count(file) === 0) {
      this.catalog.set(file, EMPTY);
      return;
    }
    const message = 'is empty; delete the file to remove its objects';
    const origin = { file, line: 1 };
    this.catalog.keep(file, this.#aboutKept(file, { severity: 'warning', object: file, path: '', message, origin }));
  }

  #aboutKept(file: string, complaint: Complaint): Complaint {
    const count = this.catalog.count(file);
    if (count === 0) return complaint;
    const kept = count === 1 ? 'its object stays as it was' : `its ${count} objects stay as they were`;
    return { ...complaint, message: `${complaint.message}; ${kept} read before` };
  }

  #forget(file: string): void {
    this.#stamps.delete(file);
    this.catalog.delete(file);
  }
}

const aboutUnreadable = (path: string, reason: string): Complaint => ({
  severity: 'error',
  object: path,
  path: '',
  message: `cannot be read: ${reason}`,
  origin: { file: path, line: 1 },
});

const isBelow = (path: string, scope: string): boolean =>
  path === scope || path.startsWith(scope.endsWith(sep) ? scope : scope + sep) || scope === '.';

/** Returns how many changed. */
const replaceBelow = (known: Map<string, string>, scope: string, found: ReadonlyMap<string, string>): number => {
  let changes = 0;
  for (const path of known.keys()) {
    if (isBelow(path, scope) && !found.has(path)) {
      known.delete(path);
      changes++;
    }
  }
  for (const [path, value] of found) {
    changes += known.get(path) === value ? 0 : 1;
    known.set(path, value);
  }
  return changes;
};

const without = <Value>(map: ReadonlyMap<string, Value>, key: string): ReadonlyMap<string, Value> =>
  new Map([...map].filter(([candidate]) => candidate !== key));
