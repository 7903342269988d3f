import { BPFFS, bpfRootsOf, removeBpfRoot } from './bpffs.ts';
import { cgroupRoot, cgroupsOf, removeCgroup } from './cgroup.ts';
import { namespacesOf, removeNamespaces } from './namespace.ts';
import { settleAll } from './settle.ts';

/** `shunt-<pid of the creator>-<random>`: who made a thing can be seen from its name alone. */
export const nodeName = (random: string): string => `shunt-${process.pid}-${random}`;

/**
 * Removes everything that bears the name of a node, whoever made it and however far that came. One part that cannot
 * be removed does not keep the others.
 */
export const removeNode = async (name: string): Promise<void> => {
  await settleAll([
    // Processes first: a namespace lives as long as one is in it.
    removeCgroup(`${cgroupRoot()}/${name}`).finally(async () => removeNamespaces(await namespacesOf(`${name}-`))),
    removeBpfRoot(`${BPFFS}/${name}`),
  ]);
};

/**
 * Removes nodes whose creator is dead, and returns their names. A pid that was given to another process since keeps
 * them until that one ends, too.
 */
export const cleanStaleNodes = async (): Promise<readonly string[]> => {
  const things = [
    ...(await namespacesOf('shunt-')),
    ...cgroupsOf(cgroupRoot(), 'shunt-'),
    ...(await bpfRootsOf('shunt-')),
  ];
  const names = new Set(things.flatMap((thing) => /^shunt-\d+-[0-9a-f]{8}/.exec(thing) ?? []));
  const stale = [...names].filter((name) => !isAlive(Number(name.split('-')[1])));
  await settleAll(stale.map(removeNode));
  return stale;
};

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};
