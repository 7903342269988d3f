import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { findPodsTree } from '../../agent/pod-cgroups.ts';
import type { Host } from './host.ts';

/** The file part of a Host: this machine. */
export const machine = (): Pick<Host, 'read' | 'exists' | 'inode' | 'podsTree' | 'link' | 'processes'> => ({
  read: (path) => attempt(() => readFileSync(path, 'utf8')),
  exists: existsSync,
  inode: (path) => attempt(() => statSync(path).ino),
  podsTree: findPodsTree,
  link: (path) => attempt(() => readlinkSync(path)),
  processes: () =>
    readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .map((id) => attempt(() => readFileSync(`/proc/${id}/comm`, 'utf8'))?.trim() ?? ''),
});

/** A process may end, and a file may be forbidden, while we look. */
const attempt = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch {
    return undefined;
  }
};
