import { type BigIntStats, statSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from './load.ts';

/** What is at a path and below it. */
export interface Scan {
  /** In the order of their paths. */
  readonly files: ReadonlyMap<string, FileLook>;
  /** Directory to its identity. */
  readonly directories: ReadonlyMap<string, string>;
  /** Path to the reason; nothing is known about what is below. */
  readonly unreadable: ReadonlyMap<string, string>;
}

export interface FileLook {
  /** Equal stamps, equal contents. */
  readonly stamp: string;
  readonly bytes: number;
  /** By the clock of whoever wrote it. */
  readonly modifiedMs: number;
}

/**
 * Looks at a file, or at a directory and everything below. Directories hold objects in *.yaml, *.yml and *.json; names
 * with a leading dot are skipped: editors' files, `.git`, and the `..data` of a mounted ConfigMap, whose files are there
 * a second time as symbolic links. A path that does not exist is an empty scan.
 */
export const scan = async (path: string): Promise<Scan> => {
  const found: Found = { files: new Map(), directories: new Map(), unreadable: new Map() };
  await visit(path, [], found);
  const byPath = ([a]: readonly [string, FileLook], [b]: readonly [string, FileLook]) => (a < b ? -1 : 1);
  return { ...found, files: new Map([...found.files].sort(byPath)) };
};

/** Whether the file has changed since it was looked at, a while after it changed before; not when it has gone. */
export const isOverwritten = (file: string, look: FileLook): boolean => {
  const stats = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stats !== undefined && (Number(stats.mtimeMs) !== look.modifiedMs || Number(stats.size) !== look.bytes);
};

/** Whether a directory entry may be a file of objects or a directory. */
export const isObjectsName = (name: string): boolean => !name.startsWith('.') && /\.(ya?ml|json)$/.test(name);

interface Found {
  readonly files: Map<string, FileLook>;
  readonly directories: Map<string, string>;
  readonly unreadable: Map<string, string>;
}

const visit = async (path: string, ancestors: readonly string[], found: Found): Promise<void> => {
  try {
    const stats = await stat(path, { bigint: true });
    if (stats.isFile()) {
      found.files.set(path, {
        stamp: stampOf(stats),
        bytes: Number(stats.size),
        modifiedMs: Number(stats.mtimeMs),
      });
    } else if (stats.isDirectory()) {
      const identity = `${stats.dev}:${stats.ino}`;
      // A symbolic link to a directory above would never end.
      if (!ancestors.includes(identity)) {
        await visitDirectory(path, [...ancestors, identity], found);
      }
    }
  } catch (error) {
    if (!isErrno(error)) {
      throw error;
    }
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') {
      found.unreadable.set(path, error.code ?? error.message);
    }
  }
};

const visitDirectory = async (path: string, ancestors: readonly string[], found: Found): Promise<void> => {
  const entries = await readdir(path, { withFileTypes: true });
  found.directories.set(path, ancestors.at(-1) as string);
  // Anything else than a plain file may be, or lead to, a directory.
  const candidates = entries.filter(
    (entry) => !entry.name.startsWith('.') && (!entry.isFile() || isObjectsName(entry.name)),
  );
  await Promise.all(candidates.map(({ name }) => visitEntry(join(path, name), isObjectsName(name), ancestors, found)));
};

const visitEntry = async (path: string, isObjects: boolean, ancestors: readonly string[], found: Found) => {
  await visit(path, ancestors, found);
  if (!isObjects) {
    // A symbolic link to a file of another name.
    found.files.delete(path);
  }
};

/**
 * Time stamps are as coarse as the kernel's tick: a file that changed this moment may change again without showing it,
 * so its stamp equals no other, not even its own, and it is read again.
 */
const stampOf = ({ mtimeNs, ctimeNs, size, ino }: BigIntStats): string => {
  const settledNs = BigInt(Date.now()) * 1_000_000n - SETTLED_NS;
  return mtimeNs < settledNs && ctimeNs < settledNs ? `${mtimeNs} ${ctimeNs} ${size} ${ino}` : UNSETTLED;
};

export const UNSETTLED = '';
const SETTLED_NS = 20_000_000n;
