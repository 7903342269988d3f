import { findCgroupRoot } from '../agent/cgroup-root.ts';
import type { Parts } from './parts.ts';

/** What there is of Shunt on this node without an agent, as far as whoever asks can see. */
export interface Presence {
  readonly found: boolean;
  /** What could not be looked at, and why. */
  readonly unseen: readonly string[];
  /** What was: `/sys/fs/bpf`, `cgroup /sys/fs/cgroup`. */
  readonly looked: readonly string[];
}

/** In the BPF file system, and at the cgroup that it is attached to where nobody says otherwise. */
export const lookForShunt = async (parts: Pick<Parts, 'loadedRoots' | 'host'>): Promise<Presence> => {
  const seen = [await atPins(parts), await atCgroup(parts)];
  return {
    found: seen.some(({ found }) => found),
    unseen: seen.flatMap(({ unseen }) => unseen),
    looked: seen.flatMap(({ looked }) => looked),
  };
};

const BPF_FILES = '/sys/fs/bpf';

const atPins = ({ loadedRoots }: Pick<Parts, 'loadedRoots'>): Promise<Presence> =>
  look(BPF_FILES, async () => (await loadedRoots()).length > 0);

const atCgroup = async (parts: Pick<Parts, 'host'>): Promise<Presence> => {
  const host = await parts.host();
  const root = findCgroupRoot(host.read('/proc/self/mountinfo') ?? '', host.inode);
  if (root === undefined) return hidden('no cgroup v2 is mounted here');
  if (!root.isMachines) return hidden(`${root.path} is the root of a cgroup namespace alone, as in a container`);
  return look(`cgroup ${root.path}`, async () => (await host.attached(root.path)).some(({ own }) => own));
};

const look = async (what: string, isThere: () => Promise<boolean>): Promise<Presence> => {
  try {
    return { found: await isThere(), unseen: [], looked: [what] };
  } catch (error) {
    return hidden(`${what}: ${(error as Error).message}`);
  }
};

const hidden = (why: string): Presence => ({ found: false, unseen: [why], looked: [] });
