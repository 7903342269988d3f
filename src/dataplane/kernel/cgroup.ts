import { existsSync, statSync } from 'node:fs';

/** A cgroup's id is its directory's inode number (kernfs), as the kernel reports it of a link; undefined if it is gone. */
export const cgroupId = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino;

/** Only directories of cgroup v2 have this file, the root as well (cgroups(7)). */
export const isCgroup = (path: string): boolean => existsSync(`${path}/cgroup.controllers`);
