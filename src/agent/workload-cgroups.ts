import { opendir, stat } from 'node:fs/promises';
import type { PodObject } from '../core/model/objects.ts';
import { isCgroupUid, type PodsRoot, podPaths, podsRootAt } from './pod-cgroup-paths.ts';
import { findPodsTree } from './pod-cgroups.ts';

/** Who asks: `namespace` is that of its Pods, empty for `node`, `unknown` and `other`. */
export interface Workload {
  readonly namespace: string;
  /** `Deployment/web`. */
  readonly name: string;
}

/** What the node runs outside of Pods. */
export const NODE: Workload = Object.freeze({ namespace: '', name: 'node' });

export interface FoundCgroup {
  readonly workload: Workload;
  readonly path: string;
}

export interface Search {
  /** Only what lies below it connects through us. */
  readonly cgroup: string;
  /** Of this node. */
  readonly pods: readonly PodObject[];
  /** Ids that nobody knows yet. */
  readonly wanted: ReadonlySet<bigint>;
}

/** Of directories that are looked at in one search: a full node has some 110 Pods with 3 containers each. */
const DIRECTORIES_MAX = 4000;
/** Below the cgroup of a Pod are its containers, and below those what they make themselves. */
const POD_DEPTH_MAX = 4;
const NODE_DEPTH_MAX = 8;

/** Whose cgroups these are, as far as they exist. Leaves the event loop its turns. */
export const findWorkloads = async ({ cgroup, pods, wanted }: Search): Promise<ReadonlyMap<bigint, FoundCgroup>> => {
  const { roots } = findPodsTree(cgroup);
  const found = new Map<bigint, FoundCgroup>();
  const budget = { left: DIRECTORIES_MAX };
  const walk = (path: string, depth: number, walkDown: (name: string, directory: string) => boolean, by: Workload) =>
    look({
      path,
      depth,
      walkDown,
      budget,
      visit: (id, at) => wanted.has(id) && found.set(id, { workload: by, path: at }),
    });
  for (const { cgroupUid, namespace, owner } of pods) {
    if (found.size === wanted.size) return found;
    if (!isCgroupUid(cgroupUid)) continue;
    for (const root of roots)
      for (const path of podPaths(root, cgroupUid))
        await walk(path, POD_DEPTH_MAX, () => true, { namespace, name: owner });
  }
  if (found.size < wanted.size) await walk(cgroup, NODE_DEPTH_MAX, isOutsidePods(roots), NODE);
  return found;
};

export const isCgroupThere = async (path: string, id: bigint): Promise<boolean> => (await idOf(path)) === id;

/** A directory for Pods may hold containers that no Pod of ours has (yet): they are nobody's, and not the node's. */
const isOutsidePods =
  (roots: readonly PodsRoot[]) =>
  (name: string, directory: string): boolean =>
    podsRootAt(directory, name) === undefined && !roots.some(({ path }) => path === `${directory}/${name}`);

interface Look {
  readonly path: string;
  readonly depth: number;
  readonly walkDown: (name: string, directory: string) => boolean;
  readonly budget: { left: number };
  readonly visit: (id: bigint, path: string) => void;
}

/** Level by level. */
const look = async ({ path, depth, walkDown, budget, visit }: Look): Promise<void> => {
  let level = [path];
  for (let at = 0; at <= depth && level.length > 0; at++) {
    const next: string[] = [];
    for (const directory of level) {
      if (budget.left-- <= 0) return;
      const id = await idOf(directory);
      if (id === undefined) continue;
      visit(id, directory);
      for (const name of await directoriesIn(directory))
        if (walkDown(name, directory)) next.push(`${directory}/${name}`);
    }
    level = next;
  }
};

/** The id of a cgroup is the number of its inode. Cgroups come and go while we look. */
const idOf = async (path: string): Promise<bigint | undefined> => {
  try {
    const found = await stat(path, { bigint: true });
    return found.isDirectory() ? found.ino : undefined;
  } catch {
    return undefined;
  }
};

const directoriesIn = async (path: string): Promise<readonly string[]> => {
  const names: string[] = [];
  try {
    for await (const entry of await opendir(path)) if (entry.isDirectory()) names.push(entry.name);
  } catch {
    // It has gone.
  }
  return names;
};
