import { existsSync, rmdirSync, statSync } from 'node:fs';
import { closeFd } from '../../native/descriptor.ts';
import { removeLink } from './attach.ts';
import { lockRoot } from './lock.ts';
import { linkPath, linksPath, list, listSets, removeSet, removeUnfinished } from './pins.ts';
import { PROGRAMS } from './programs.ts';
import { withRights } from './rights.ts';
import { drainAllSameNode } from './same-node/drain.ts';
import { forgetPassed } from './same-node/passed.ts';

export interface Unloaded {
  /** Programs that were attached. */
  readonly programs: readonly string[];
  /** Directories of tables. */
  readonly sets: readonly string[];
}

/**
 * Takes Shunt off the node. First sockets that are joined are parted, which takes a second or more. Then no connection is
 * sent to a backend any more, then nothing is watched, then the tables go; open connections go on, but a UDP socket among
 * them hears its backend under the backend's own address.
 *
 * @throws ShuntError SHUNT_E_LOCKED while an agent works there, unless forced; SHUNT_E_RIGHTS.
 */
export const unload = async (bpfRoot: string, force: boolean): Promise<Unloaded> => {
  const found = withRights(bpfRoot, () => statSync(bpfRoot, { throwIfNoEntry: false }));
  if (found === undefined) return { programs: [], sets: [] };
  const lock = force ? undefined : lockRoot(bpfRoot);
  try {
    await drainAllSameNode(bpfRoot);
    return removeAll(bpfRoot);
  } finally {
    if (lock !== undefined) closeFd(lock);
  }
};

const removeAll = (bpfRoot: string): Unloaded => {
  const programs = list(linksPath(bpfRoot)).toSorted((a, b) => rank(b) - rank(a));
  for (const program of programs) removeLink(linkPath(bpfRoot, program));
  const sets = listSets(bpfRoot).map(({ path }) => path);
  for (const path of sets) removeSet(path);
  removeUnfinished(bpfRoot);
  forgetPassed(bpfRoot);
  for (const directory of [linksPath(bpfRoot), bpfRoot]) {
    if (existsSync(directory) && list(directory).length === 0) rmdirSync(directory);
  }
  return { programs, sets };
};

/** In the order of attaching; -1 for programs of other versions. */
const rank = (program: string): number => PROGRAMS.findIndex((own) => own.program === program);
