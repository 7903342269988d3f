import { mkdir } from 'node:fs/promises';
import type { Spawner } from '../../src/demo/process.ts';
import { openShell, type SocketShell } from './socket-shell.ts';

/**
 * In the network of `place`, but in this cgroup, which is made if need be: as in a container of a Pod, whose cgroup is
 * named as the kubelet and a runtime name it.
 */
export const openShellIn = async (place: Spawner, cgroup: string): Promise<SocketShell> => {
  await mkdir(cgroup, { recursive: true });
  return openShell({
    spawn: (command, args = [], options = {}) =>
      place.spawn('sh', ['-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', cgroup, command, ...args], options),
  });
};
