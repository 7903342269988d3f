export interface CgroupRoot {
  readonly path: string;
  /** False: it is the root of a cgroup namespace, and processes outside of that are not below it. */
  readonly isMachines: boolean;
}

/**
 * Where cgroup v2 is mounted whole, from the text of /proc/self/mountinfo (proc_pid_mountinfo(5)): pure or hybrid.
 * `inodeOf` gives the inode number of a directory.
 */
export const findCgroupRoot = (
  mountinfo: string,
  inodeOf: (path: string) => number | undefined,
): CgroupRoot | undefined => {
  for (const line of mountinfo.split('\n')) {
    const [mount = '', type = ''] = line.split(' - ');
    const [, , , root, escaped] = mount.split(' ');
    if (!type.startsWith('cgroup2 ') || root !== '/' || escaped === undefined) continue;
    const path = unescapeMount(escaped);
    return { path, isMachines: inodeOf(path) === ROOT_INODE };
  }
  return undefined;
};

/** A namespace shows any cgroup as its root, but with its own number; the first one of all has this (fs/kernfs/dir.c). */
export const ROOT_INODE = 1;

/** Space, tab, line break and backslash stand in octal there. */
const unescapeMount = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
