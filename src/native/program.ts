import { argumentsOf, UINT32_MAX } from './arguments.ts';
import { ATTACH_TYPES, type AttachType } from './attach-type.ts';
import { adopt, checkDescriptor } from './descriptor.ts';
import type { BpfMap } from './map.ts';
import { call } from './shim.ts';

export interface ProgramInfo {
  readonly id: number;
  /** At most 15 characters, cut by the kernel. */
  readonly name: string;
  /** `enum bpf_prog_type`. */
  readonly type: number;
  /** A hash of its instructions, as 16 hex digits. */
  readonly tag: string;
  /** Both count only while statistics are enabled. */
  readonly runCount: number;
  readonly runTimeNs: number;
}

export const programInfo = (fd: number): ProgramInfo => {
  checkDescriptor('programInfo', 'fd', fd);
  const out = new BigUint64Array(6);
  call('programInfo', fd, out);
  const [id = 0n, type = 0n, runCount = 0n, runTimeNs = 0n, tag = 0n] = out;
  return {
    id: Number(id),
    name: programName(fd),
    type: Number(type),
    tag: tag.toString(16).padStart(16, '0'),
    runCount: Number(runCount),
    runTimeNs: Number(runTimeNs),
  };
};

/** BPF_OBJ_NAME_LEN: the name and a NUL. */
const NAME_BYTES = 16;

const programName = (fd: number): string => {
  const name = new Uint8Array(NAME_BYTES);
  const length = call('programName', fd, name, name.length);
  return Buffer.from(name.buffer, 0, length).toString('utf8');
};

/** The maps that a program uses, among them those of its constants and globals. */
export const mapIdsOf = (programFd: number): number[] => {
  checkDescriptor('programMapIds', 'programFd', programFd);
  return readIds((ids) => call('programMapIds', programFd, ids, ids.length));
};

/** A descriptor to be closed with `closeFd`; ENOENT when there is no such program (any more). */
export const openProgram = (id: number): number =>
  adopt(call('programFdById', argumentsOf('programFdById').integer('id', id, 1, UINT32_MAX)));

/** Runs a `SEC("syscall")` program once. It may change the context. Returns what it returned, a C `int`. */
export const programRun = (programFd: number, context: Uint8Array): number => {
  checkDescriptor('programRun', 'programFd', programFd);
  const check = argumentsOf('programRun');
  check.bytes('context', context);
  check.integer('length of the context', context.length, 1, CONTEXT_BYTES_MAX);
  return call('programRun', programFd, context, context.length) | 0;
};

const CONTEXT_BYTES_MAX = 2 ** 16 - 1;

/**
 * Attaches a program to a cgroup, beside whatever is attached there already. Returns the descriptor of the link, to be
 * closed with `closeFd`; closing the last one detaches, unless the link is pinned.
 */
export const attachCgroup = (programFd: number, cgroupPath: string, attachType: AttachType): number => {
  const check = argumentsOf('attachCgroup');
  checkDescriptor('attachCgroup', 'programFd', programFd);
  check.text('cgroupPath', cgroupPath);
  return adopt(call('attachCgroup', programFd, cgroupPath, check.choice('attachType', attachType, ATTACH_TYPES)));
};

/** Attaches a `SEC("tp_btf/...")` program to its tracepoint; returns the link, as `attachCgroup`. */
export const attachTracepoint = (programFd: number): number =>
  adopt(call('attachTracepoint', checkDescriptor('attachTracepoint', 'programFd', programFd)));

/** Has a `SEC("sk_msg")` program judge what is sent by the sockets that are put into the map from now on. */
export const attachMessages = (programFd: number, map: BpfMap): void => {
  checkDescriptor('attachMessages', 'programFd', programFd);
  call('attachMessages', programFd, checkDescriptor('attachMessages', 'map', map.fd));
};

/** Puts another program of the same type in the place of a link's. Each connection sees the old one or the new one. */
export const updateLink = (linkFd: number, programFd: number): void => {
  checkDescriptor('linkUpdate', 'linkFd', linkFd);
  call('linkUpdate', linkFd, checkDescriptor('linkUpdate', 'programFd', programFd));
};

/**
 * Ends an attachment at once; the link stays, and so does its pin. When the last name of a link goes instead, the kernel
 * detaches it a moment later.
 */
export const detachLink = (linkFd: number): void => {
  call('linkDetach', checkDescriptor('linkDetach', 'linkFd', linkFd));
};

/** Which program a link runs now. */
export const programIdOfLink = (linkFd: number): number =>
  call('linkProgramId', checkDescriptor('linkProgramId', 'linkFd', linkFd));

/** The inode number of the directory of the cgroup that a link is on; 0 once that cgroup is gone. */
export const cgroupIdOfLink = (linkFd: number): number =>
  call('linkCgroupId', checkDescriptor('linkCgroupId', 'linkFd', linkFd));

/** The programs attached to this very cgroup, in the order in which they run; not those of its ancestors. */
export const cgroupPrograms = (cgroupPath: string, attachType: AttachType): number[] => {
  const check = argumentsOf('cgroupPrograms');
  check.text('cgroupPath', cgroupPath);
  const type = check.choice('attachType', attachType, ATTACH_TYPES);
  return readIds((ids) => call('cgroupPrograms', cgroupPath, type, ids, ids.length));
};

/** The kernel allows 64 programs at a cgroup and as many maps in a program. */
const IDS_EXPECTED = 64;

/** Calls that write what fits and return how many there are; there may be more each time. */
const readIds = (read: (ids: Uint32Array) => number): number[] => {
  for (let room = IDS_EXPECTED; ; ) {
    const ids = new Uint32Array(room);
    const count = read(ids);
    if (count <= room) return Array.from(ids.subarray(0, count));
    room = count;
  }
};
