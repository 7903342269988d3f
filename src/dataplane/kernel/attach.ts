import { existsSync, mkdirSync, unlinkSync } from 'node:fs';
import { closeFd, openPinned, pin } from '../../native/descriptor.ts';
import { errnoOf } from '../../native/kernel-error.ts';
import {
  attachCgroup,
  cgroupIdOfLink,
  detachLink,
  mapIdsOf,
  openProgram,
  programIdOfLink,
  programInfo,
  updateLink,
} from '../../native/program.ts';
import { cgroupId } from './cgroup.ts';
import { linkPath, linksPath } from './pins.ts';
import { PROGRAMS } from './programs.ts';

export interface AttachOptions {
  readonly cgroup: string;
  readonly bpfRoot: string;
}

/**
 * Makes every pinned link run these programs, one atomic step each; attaches those that are missing. Connections are
 * sent to Services last of all, when everything that must watch them is in place.
 */
export const attachAll = (programs: ReadonlyMap<string, number>, options: AttachOptions): void => {
  mkdirSync(linksPath(options.bpfRoot), { recursive: true, mode: 0o700 });
  for (const { program, hook } of PROGRAMS) {
    const fd = programs.get(program) as number;
    const path = linkPath(options.bpfRoot, program);
    if (existsSync(path) && replaceProgram(path, fd, options.cgroup)) continue;
    const link = attachCgroup(fd, options.cgroup, hook);
    try {
      pin(link, path);
    } finally {
      closeFd(link);
    }
  }
};

/**
 * Detached at once: a link whose last pin goes is detached by the kernel some time later, and nothing tells when. Where that
 * is not to be had, as of links to tracepoints, the removal of the pin has to do.
 */
export const removeLink = (path: string): void => {
  const link = openPinned(path);
  try {
    detachLink(link);
  } catch (error) {
    // EOPNOTSUPP by its other name.
    if (errnoOf(error) !== 'ENOTSUP') throw error;
  } finally {
    closeFd(link);
  }
  unlinkSync(path);
};

/** Those whose pinned link is gone, runs another program, or is on another cgroup than it should be. */
export const notAttached = (
  programs: ReadonlyMap<string, number>,
  { cgroup, bpfRoot }: AttachOptions,
): readonly string[] =>
  PROGRAMS.map(({ program }) => program).filter((program) => {
    const path = linkPath(bpfRoot, program);
    if (!existsSync(path)) return true;
    const { id } = programInfo(programs.get(program) as number);
    return !withFd(openPinned(path), (link) => programIdOfLink(link) === id && isOn(link, cgroup));
  });

/** Ids of all maps that the pinned links' programs read. */
export const mapIdsInForce = (bpfRoot: string): ReadonlySet<number> => {
  const ids = new Set<number>();
  for (const { program } of PROGRAMS) {
    const path = linkPath(bpfRoot, program);
    if (!existsSync(path)) continue;
    for (const id of withFd(openPinned(path), mapIdsOfLink)) ids.add(id);
  }
  return ids;
};

/** False, and the pin is gone: the link is on another cgroup, or on one that was removed. */
const replaceProgram = (path: string, program: number, cgroup: string): boolean =>
  withFd(openPinned(path), (link) => {
    if (isOn(link, cgroup)) {
      try {
        updateLink(link, program);
        return true;
      } catch (error) {
        if (errnoOf(error) !== 'ENOLINK') throw error;
      }
    }
    unlinkSync(path);
    return false;
  });

const isOn = (link: number, cgroup: string): boolean => cgroupIdOfLink(link) === cgroupId(cgroup);

const mapIdsOfLink = (link: number): readonly number[] => {
  const programId = programIdOfLink(link);
  if (programId === 0) return [];
  return withFd(openProgram(programId), mapIdsOf);
};

const withFd = <T>(fd: number, use: (fd: number) => T): T => {
  try {
    return use(fd);
  } finally {
    closeFd(fd);
  }
};
