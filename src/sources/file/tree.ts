import { basename, sep } from 'node:path';
import type { Complaint } from '../../core/model/objects.ts';
import { ShuntError } from '../../errors.ts';
import { type Catalog, createCatalog } from './catalog.ts';
import { createLoadContext, loadFile } from './load.ts';
import { type FileLook, isObjectsName, type Scan, scan, UNSETTLED } from './scan.ts';

/** What is known of the files below one path. */
export class FileTree {
  readonly root: string;
  readonly catalog: Catalog = createCatalog();
  readonly #context = createLoadContext();
  /** File to the stamp it had when it was read last. */
  readonly #stamps = new Map<string, string>();
  readonly #directories = new Map<string, string>();
  readonly #unreadable = new Map<string, string>();

  constructor(root: string) {
    this.root = root;
  }

  get directories(): ReadonlyMap<string, string> {
    return this.#directories;
  }

  /** Reads what changed at and below these paths. Throws SHUNT_E_SOURCE when the root is not there to be read. */
  async look(paths: readonly string[]): Promise<void> {
    const scopes = paths.includes(this.root) ? [this.root] : paths;
    for (const scope of scopes) {
      const found = await this.#scan(scope);
      replaceBelow(this.#directories, scope, found.directories);
      replaceBelow(this.#unreadable, scope, found.unreadable);
      this.#forgetGone(scope, found);
      for (const [file, look] of found.files) {
        if (look.stamp === UNSETTLED || look.stamp !== this.#stamps.get(file)) {
          await this.#load(file, look);
        }
      }
    }
  }

  complaints(): readonly Complaint[] {
    const unreadable = Array.from(this.#unreadable, ([path, reason]) => aboutUnreadable(path, reason));
    return [...unreadable, ...this.catalog.complaints()];
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

  #forgetGone(scope: string, found: Scan): void {
    const known = this.#stamps.has(scope) ? [scope] : [...this.#stamps.keys()].filter((file) => isBelow(file, scope));
    const isHidden = (file: string) => [...found.unreadable.keys()].some((path) => isBelow(file, path));
    for (const file of known) {
      if (!found.files.has(file) && !isHidden(file)) {
        this.#forget(file);
      }
    }
  }

  async #load(file: string, look: FileLook): Promise<void> {
    const load = await loadFile(file, look.bytes, this.#context);
    this.#stamps.set(file, look.stamp);
    switch (load.outcome) {
      case 'content':
        this.catalog.set(file, load.content);
        return;
      case 'unreadable':
        this.catalog.keep(file, this.#aboutKept(file, load.complaint));
        return;
      case 'empty':
        this.#keepEmptied(file);
        return;
      case 'gone':
        this.#forget(file);
    }
  }

  /** A program that rewrites a file in place empties it first; a moment later it has its objects again. */
  #keepEmptied(file: string): void {
    if (this.catalog.count(file) === 0) {
      this.catalog.set(file, { entries: [], complaints: [] });
      return;
    }
    const message = 'is empty; delete the file to remove its objects';
    const origin = { file, line: 1 };
    this.catalog.keep(file, this.#aboutKept(file, { severity: 'warning', object: file, path: '', message, origin }));
  }

  #aboutKept(file: string, complaint: Complaint): Complaint {
    const count = this.catalog.count(file);
    return count === 0 ? complaint : { ...complaint, message: `${complaint.message} (last good state kept: ${count})` };
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

const replaceBelow = (known: Map<string, string>, scope: string, found: ReadonlyMap<string, string>): void => {
  for (const path of known.keys()) {
    if (isBelow(path, scope) && !found.has(path)) {
      known.delete(path);
    }
  }
  for (const [path, value] of found) {
    known.set(path, value);
  }
};

const without = <Value>(map: ReadonlyMap<string, Value>, key: string): ReadonlyMap<string, Value> =>
  new Map([...map].filter(([candidate]) => candidate !== key));
