import { realpathSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Client } from '../core/model/desired.ts';
import { ROOT_INODE } from './cgroup-root.ts';
import { cgroupId, namesIn, statOfDirectory } from './cgroup-tree.ts';
import { leadsToPods, type PodsRoot, podParents, podPathsBelow, podsRootAt } from './pod-cgroup-paths.ts';

/** Where Pods' cgroups are looked for. */
export interface PodsTree {
  /** Directories like `kubepods.slice`; empty: none was found below the cgroup that was given. */
  readonly roots: readonly PodsRoot[];
  /** More directories than are looked into stand between that cgroup and its Pods, if there are any. */
  readonly cut: boolean;
}

/** Of a search away from `kube…` directories: a kubelet's cgroup root may have any name. */
const DIRECTORIES_MAX = 500;
const DEPTH_MAX = 4;

/** Looks below a cgroup, but never below a directory with Pods. Blocks for some milliseconds at worst. */
export const findPodsTree = (cgroup: string): PodsTree => {
  const near = search(cgroup, leadsToPods);
  return near.roots.length > 0 ? near : search(cgroup, () => true);
};

/** The level of a directory below the root of cgroup v2, which is 0; undefined where that cannot be seen from here. */
export const cgroupLevel = (path: string): number | undefined => {
  const real = realPath(path);
  const own = statOfDirectory(real);
  for (let level = 0, at = real, found = own; found !== undefined && found.dev === own?.dev; level++) {
    if (found.ino === BigInt(ROOT_INODE)) return level;
    if (at === '/') break;
    at = dirname(at);
    found = statOfDirectory(at);
  }
  return undefined;
};

/** bpf_get_current_ancestor_cgroup_id is asked for one level at a time, by the bits of a word of 16. */
export const LEVEL_MAX = 15;

/** `level` is that of `cgroup`. Undefined: there is none (yet). It may be deeper than can be used: `LEVEL_MAX`. */
export const findPodCgroup = (
  tree: Pick<PodsTree, 'roots'>,
  uid: string,
  { cgroup, level }: { readonly cgroup: string; readonly level: number },
): Client | undefined => {
  const found = cgroupOfPod(tree, uid);
  return found && { cgroup: found.id, level: level + stepsBetween(cgroup, found.path) };
};

/** Undefined: there is none (yet). */
export const cgroupOfPod = (
  { roots }: Pick<PodsTree, 'roots'>,
  uid: string,
): { readonly path: string; readonly id: bigint } | undefined => {
  for (const path of podPathsBelow(roots, uid)) {
    const id = cgroupId(path);
    if (id !== undefined) return { path, id };
  }
  return undefined;
};

/** Existing directories in which cgroups of new Pods appear. */
export const watchedDirectories = ({ roots }: Pick<PodsTree, 'roots'>): readonly string[] =>
  roots.flatMap(podParents).filter((path) => cgroupId(path) !== undefined);

/** Level by level, so that what is near is found before the search ends. */
const search = (cgroup: string, isWay: (name: string) => boolean): PodsTree => {
  const own = podsRootAt(dirname(cgroup), basename(cgroup));
  if (own !== undefined) return { roots: [own], cut: false };
  const roots: PodsRoot[] = [];
  let left = DIRECTORIES_MAX;
  let level = [cgroup];
  for (let depth = 0; depth < DEPTH_MAX && level.length > 0; depth++) {
    const next: string[] = [];
    for (const directory of level) {
      if (left-- === 0) return { roots, cut: true };
      for (const name of namesIn(directory)) {
        const root = podsRootAt(directory, name);
        if (root !== undefined) roots.push(root);
        else if (isWay(name)) next.push(`${directory}/${name}`);
      }
    }
    level = next;
  }
  return { roots, cut: false };
};

const stepsBetween = (above: string, below: string): number =>
  below
    .slice(above.length)
    .split('/')
    .filter((part) => part !== '').length;

/** The way up to the root is by names. */
const realPath = (path: string): string => {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
};
