import { encodeEndings } from '../../abi/codec.ts';
import { closeFd } from '../../native/descriptor.ts';
import type { BpfMap } from '../../native/map.ts';
import { type BpfObject, openObject } from '../../native/object.ts';
import { endSockets, probeEndSockets } from '../../native/socket.ts';
import { attachWalk, readWalk } from '../../native/walk.ts';
import type { Ended, SocketEnding, StaleSocket } from '../dataplane.ts';
import { readBuilt } from './load.ts';

/** The programs of bpf/endings.bpf.c, and what this kernel makes of them. They run when asked, and are attached to nothing. */
export interface Endings {
  readonly by: SocketEnding;
  /** Records of `connections_overflow` of UDP sockets, one behind the other. */
  readOverflow(): Promise<Uint8Array>;
  end(sockets: readonly StaleSocket[], netnsDirectory: string): Promise<Ended>;
  close(): void;
}

/** `overflow` is the table `connections_overflow`; `wanted` is for tests, which want the lesser ways too. */
export const openEndings = (overflow: BpfMap, wanted?: SocketEnding): Endings => {
  const { targets, walks, close } = loadRichest(overflow, wanted);
  const end = walks.get(END_SOCKETS);
  const list = walks.get(LIST_OVERFLOW);
  const by = wanted ?? probe(targets, end);
  return {
    by,
    readOverflow: async () => (list === undefined ? NOTHING : readWalk(list)),
    end: async (sockets, directory) =>
      by === 'none' ? NOBODY : endAll(sockets, directory, targets, by === 'bpf' ? end : undefined),
    close,
  };
};

const END_SOCKETS = 'shunt_end_sockets';
const LIST_OVERFLOW = 'shunt_list_overflow';
type Program = typeof END_SOCKETS | typeof LIST_OVERFLOW;

const ALL = [LIST_OVERFLOW, END_SOCKETS] as const;
const CANDIDATES: readonly (readonly Program[])[] = [ALL, [LIST_OVERFLOW], []];

const NOTHING = new Uint8Array(0);
const NOBODY: Ended = Object.freeze({ sockets: [], failure: undefined });

interface Loaded {
  readonly targets: BpfMap;
  /** Links of the programs that this kernel takes. */
  readonly walks: ReadonlyMap<Program, number>;
  readonly close: () => void;
}

/** Whatever a kernel refuses here is no reason not to run: connected UDP sockets then keep what they have. */
const loadRichest = (overflow: BpfMap, wanted: SocketEnding | undefined): Loaded => {
  let failure: unknown;
  for (const programs of CANDIDATES) {
    if (wanted !== undefined && wanted !== 'bpf' && programs.includes(END_SOCKETS)) continue;
    try {
      return load(programs, overflow);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
};

const load = (programs: readonly Program[], overflow: BpfMap): Loaded => {
  using opened = new DisposableStack();
  const object = opened.use(openObject(readBuilt('endings.bpf.o'), 'endings'));
  for (const program of ALL) object.setAutoload(program, programs.includes(program));
  object.load();
  const targets = opened.use(object.map('endings'));
  const walks = new Map<Program, number>();
  for (const program of programs) {
    const link = attach(object, program, program === LIST_OVERFLOW ? overflow : undefined);
    walks.set(program, opened.adopt(link, closeFd));
  }
  const all = opened.move();
  return { targets, walks, close: () => all.dispose() };
};

/** The link keeps the program. */
const attach = (object: BpfObject, program: Program, over: BpfMap | undefined): number => {
  const fd = object.program(program);
  try {
    return attachWalk(fd, over);
  } finally {
    closeFd(fd);
  }
};

const probe = (targets: BpfMap, end: number | undefined): SocketEnding => {
  if (end !== undefined && works(targets, end)) return 'bpf';
  return works(targets, undefined) ? 'netlink' : 'none';
};

/** It cannot be tried without a loopback interface, for example; then it is not relied upon. */
const works = (targets: BpfMap, end: number | undefined): boolean => {
  try {
    return probeEndSockets(targets, end);
  } catch {
    return false;
  }
};

/** As many at a time as there is room for. */
const endAll = async (
  sockets: readonly StaleSocket[],
  directory: string,
  targets: BpfMap,
  end: number | undefined,
): Promise<Ended> => {
  const ended: StaleSocket[] = [];
  let failure: unknown;
  for (let from = 0; from < sockets.length; from += targets.info.maxEntries) {
    const some = sockets.slice(from, from + targets.info.maxEntries);
    setTargets(targets, some);
    try {
      await endSockets(directory, targets, end);
    } catch (error) {
      failure ??= error;
    }
    const left = cookiesLeft(targets);
    ended.push(...some.filter(({ cookie }) => !left.has(cookie)));
  }
  return { sockets: ended, failure };
};

const setTargets = (targets: BpfMap, sockets: readonly StaleSocket[]): void => {
  const { keys, count } = targets.readAll();
  if (count > 0) targets.delete(keys, count);
  const cookies = BigUint64Array.from(sockets, ({ cookie }) => BigInt(cookie));
  targets.update(new Uint8Array(cookies.buffer), encodeEndings(sockets), sockets.length);
};

const cookiesLeft = (targets: BpfMap): ReadonlySet<number> => {
  const { keys } = targets.readAll();
  return new Set(Array.from(new BigUint64Array(keys.buffer, keys.byteOffset, keys.byteLength / 8), Number));
};
