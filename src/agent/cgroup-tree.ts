import { type Dirent, readdirSync, statSync } from 'node:fs';

/** Cgroups come and go while we look. */
export interface CgroupAt {
  readonly path: string;
  /** Undefined: it has gone. */
  readonly id: bigint | undefined;
}

/**
 * A cgroup and those below it, level by level, each looked at when it is its turn; `depth`: levels below the first one.
 * `isWay`: whether to look at a directory of that name, and below it.
 */
export function* cgroupsBelow(
  path: string,
  depth: number,
  isWay: (name: string, directory: string) => boolean = () => true,
): Generator<CgroupAt> {
  let level = [path];
  for (let left = depth; left >= 0 && level.length > 0; left--) {
    const next: string[] = [];
    for (const directory of level) {
      const id = cgroupId(directory);
      yield { path: directory, id };
      if (id === undefined || left === 0) continue;
      for (const name of namesIn(directory)) if (isWay(name, directory)) next.push(`${directory}/${name}`);
    }
    level = next;
  }
}

/** The number of its inode. */
export const cgroupId = (path: string): bigint | undefined => statOfDirectory(path)?.ino;

/** With 64 bits: an id has more than a number holds. */
export const statOfDirectory = (path: string) => {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    return found?.isDirectory() ? found : undefined;
  } catch {
    return undefined;
  }
};

/** Of the directories in it. */
export const namesIn = (path: string): readonly string[] => {
  let entries: readonly Dirent[];
  try {
    entries = readdirSync(path, { withFileTypes: true });
  } catch {
    return [];
  }
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
};
