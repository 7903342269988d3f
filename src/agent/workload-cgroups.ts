import type { PodObject } from '../core/model/objects.ts';
import { type CgroupAt, cgroupsBelow } from './cgroup-tree.ts';
import { inTurns } from './chunks.ts';
import { type PodsRoot, podPathsBelow, podsRootAt } from './pod-cgroup-paths.ts';
import { findPodsTree } from './pod-cgroups.ts';

/** Who asks: `namespace` is that of its Pods, empty for `node`, `unknown` and `other`. */
export interface Workload {
  readonly namespace: string;
  /** `Deployment/web`. */
  readonly name: string;
}

/** What the node runs outside of Pods. */
const NODE: Workload = Object.freeze({ namespace: '', name: 'node' });

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
/** Looked at in a row: some milliseconds. */
const TURN_DIRECTORIES = 50;
/** Below the cgroup of a Pod are its containers, and below those what they make themselves. */
const POD_DEPTH_MAX = 4;
const NODE_DEPTH_MAX = 8;

/** Whose cgroups these are, as far as they exist. Leaves the event loop its turns. */
export const findWorkloads = async (search: Search): Promise<ReadonlyMap<bigint, FoundCgroup>> => {
  const { wanted } = search;
  const found = new Map<bigint, FoundCgroup>();
  let looks = 0;
  for await (const { id, ...place } of inTurns(candidates(search), TURN_DIRECTORIES)) {
    if (id !== undefined && wanted.has(id)) found.set(id, place);
    if (found.size === wanted.size || ++looks === DIRECTORIES_MAX) break;
  }
  return found;
};

function* candidates({ cgroup, pods }: Search): Generator<FoundCgroup & CgroupAt> {
  const { roots } = findPodsTree(cgroup);
  for (const { cgroupUid, namespace, owner } of pods) {
    const workload = { namespace, name: owner };
    for (const path of podPathsBelow(roots, cgroupUid))
      for (const each of cgroupsBelow(path, POD_DEPTH_MAX)) yield { ...each, workload };
  }
  for (const each of cgroupsBelow(cgroup, NODE_DEPTH_MAX, isOutsidePods(roots))) yield { ...each, workload: NODE };
}

/** A directory for Pods may hold containers that no Pod of ours has (yet): they are nobody's, and not the node's. */
const isOutsidePods =
  (roots: readonly PodsRoot[]) =>
  (name: string, directory: string): boolean =>
    podsRootAt(directory, name) === undefined && !roots.some(({ path }) => path === `${directory}/${name}`);
