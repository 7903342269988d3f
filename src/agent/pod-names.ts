import type { Cluster } from '../core/cluster.ts';
import { cgroupsBelow } from './cgroup-tree.ts';
import type { Clock } from './clock.ts';
import { cgroupOfPod, findPodsTree, type PodsTree } from './pod-cgroups.ts';

export interface PodNamesOptions {
  /** The agent's: only Pods below it are served. */
  readonly cgroup: string;
  /** Name of this node. */
  readonly node: string;
  readonly clock: Clock;
  readonly cluster: Pick<Cluster, 'pods'>;
}

/** Whoever is not found is looked for this often, together with all others. */
const LOOK_MS = 1000;
/** Processes beside Pods are many, and never found. */
const FORGET_MS = 10_000;
/** Levels below a Pod's cgroup: containers, and what they have inside. */
const DEPTH = 3;

/** Whose a cgroup is, for those who want a name. Nothing is followed: it looks when it is asked for one that it does not know. */
export class PodNames {
  readonly #options: PodNamesOptions;
  #podsById: ReadonlyMap<bigint, string> = new Map();
  #strangers = new Set<bigint>();
  #lookedMs = Number.NEGATIVE_INFINITY;
  #forgotMs = Number.NEGATIVE_INFINITY;

  constructor(options: PodNamesOptions) {
    this.#options = options;
  }

  /** `NAMESPACE/POD`. */
  podOf(cgroup: bigint): string | undefined {
    const known = this.#podsById.get(cgroup);
    if (known !== undefined || cgroup === 0n || !this.#mayLook(cgroup)) return known;
    this.#podsById = this.#look();
    const found = this.#podsById.get(cgroup);
    if (found === undefined) this.#strangers.add(cgroup);
    return found;
  }

  #mayLook(cgroup: bigint): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#forgotMs >= FORGET_MS) {
      this.#forgotMs = nowMs;
      this.#strangers = new Set();
    }
    if (this.#strangers.has(cgroup) || nowMs - this.#lookedMs < LOOK_MS) return false;
    this.#lookedMs = nowMs;
    return true;
  }

  #look(): ReadonlyMap<bigint, string> {
    const { cgroup, node, cluster } = this.#options;
    const tree = findPodsTree(cgroup);
    const found = new Map<bigint, string>();
    for (const [key, pod] of cluster.pods) {
      if (pod.node === node) for (const id of cgroupIds(tree, pod.cgroupUid)) found.set(id, key);
    }
    return found;
  }
}

/** Of a Pod, its containers and what they have made. */
const cgroupIds = (tree: PodsTree, uid: string): readonly bigint[] => {
  const own = cgroupOfPod(tree, uid);
  return own === undefined ? [] : [...cgroupsBelow(own.path, DEPTH)].flatMap(({ id }) => id ?? []);
};
