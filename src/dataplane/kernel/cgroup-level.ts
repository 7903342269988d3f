import { statSync } from 'node:fs';
import { closeFd } from '../../native/descriptor.ts';
import { openObject } from '../../native/object.ts';
import { attachWalk, readWalk } from '../../native/walk.ts';
import { readBuilt } from './load.ts';

/** struct place of bpf/cgroups.bpf.c. */
const PLACE_BYTES = 16;

/**
 * How deep a cgroup lies below the root of cgroup v2, as the kernel says it, whatever can be seen from here. Only of those
 * that this process is in; undefined of others, and where the kernel does not tell.
 */
export const kernelCgroupLevel = async (path: string): Promise<number | undefined> => {
  const wanted = statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
  try {
    return wanted === undefined ? undefined : (await ownCgroups()).get(wanted);
  } catch {
    // Its one user can do without, and says so.
    return undefined;
  }
};

/** Levels by id: of the cgroup of this process, and of each one above it. */
const ownCgroups = async (): Promise<ReadonlyMap<bigint, number>> => {
  using opened = new DisposableStack();
  const object = opened.use(openObject(readBuilt('cgroups.bpf.o'), 'cgroups'));
  object.load();
  const program = opened.adopt(object.program('shunt_list_cgroups'), closeFd);
  const places = await readWalk(opened.adopt(attachWalk(program), closeFd));
  const levels = new Map<bigint, number>();
  for (let at = 0; at + PLACE_BYTES <= places.length; at += PLACE_BYTES) {
    levels.set(places.readBigUInt64LE(at), Number(places.readBigUInt64LE(at + 8)));
  }
  return levels;
};
