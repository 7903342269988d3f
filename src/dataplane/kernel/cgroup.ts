import { statSync } from 'node:fs';

/** A cgroup's id is its directory's inode number (kernfs), as the kernel reports it of a link; undefined if it is gone. */
export const cgroupId = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino;
