import { statSync } from 'node:fs';

/** A cgroup's id is its directory's inode number (kernfs), as the kernel reports it of a link. */
export const cgroupId = (path: string): number => statSync(path).ino;
