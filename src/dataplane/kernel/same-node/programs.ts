import { existsSync } from 'node:fs';
import { SAME_NODE_MAPS } from '../../../abi/layout.gen.ts';
import { closeFd, pin } from '../../../native/descriptor.ts';
import { BpfMap } from '../../../native/map.ts';
import { openObject } from '../../../native/object.ts';
import { attachCgroup, attachMessages, attachTracepoint } from '../../../native/program.ts';
import { attachWalk } from '../../../native/walk.ts';
import { type Loaded, prepareReusing, readBuilt } from '../load.ts';
import { createSet } from '../pins.ts';
import { linkIn, removeLinkIn, removeSameNode } from './pins.ts';

export type SameNodeMap = keyof typeof SAME_NODE_MAPS;
const MAP_NAMES = Object.keys(SAME_NODE_MAPS) as readonly SameNodeMap[];

/**
 * Its tables, the link of its walk, and the program that counts what was redirected for whoever asked; `path` is where
 * all of it is pinned.
 */
export interface Joining {
  readonly path: string;
  readonly maps: Readonly<Record<SameNodeMap, BpfMap>>;
  readonly walk: number;
  readonly callers: number;
  /** Whether reads are seen: it costs every socket of the node something. Somebody may have taken the link away. */
  readonly isWatching: boolean;
  watch(isWatching: boolean): void;
  readonly close: () => void;
}

export interface JoiningOptions {
  readonly bpfRoot: string;
  readonly cgroup: string;
  /** The tables of all connections: redirected bytes count for the Service that was asked. */
  readonly tables: Loaded['maps'];
  /** Pinned tables to go on with, and whose links run this version's programs from then on. */
  readonly path?: string;
}

/**
 * Loads the programs of bpf/same-node.bpf.c and attaches them: what makes candidates last, and what watches readers only
 * where there are tables to go on with. Sockets that are joined already keep the program by which they were, with the same tables.
 */
export const attachJoining = ({ bpfRoot, cgroup, tables, path }: JoiningOptions): Joining => {
  using opened = new DisposableStack();
  const object = opened.use(openObject(readBuilt('same-node.bpf.o'), 'same-node'));
  prepareReusing(object, tables);
  if (path !== undefined) for (const name of MAP_NAMES) reuse(object, path, name);
  object.load();
  // Until everything is attached: whoever tries again must not find, or leave, half of it.
  using undone = new DisposableStack();
  const kept = undone.use(new DisposableStack());
  const maps = Object.fromEntries(MAP_NAMES.map((name) => [name, kept.use(object.map(name))])) as Joining['maps'];
  const program = (name: string): number => opened.adopt(object.program(name), closeFd);
  const place = path ?? createSet(bpfRoot, (directory) => pinAll(maps, directory), 'same-node').path;
  if (path === undefined) undone.defer(() => removeSameNode(place));
  const walk = kept.adopt(attachWalk(program('shunt_same_node_walk'), maps.candidates), closeFd);
  pinLink(walk, place, 'walk');
  const callers = kept.adopt(object.program('shunt_same_node_callers'), closeFd);
  const read = kept.adopt(object.program('shunt_same_node_read'), closeFd);
  const watch = (isWatching: boolean): void => (isWatching ? attachReads(read, place) : removeLinkIn(place, 'read'));
  // Of pinned tables some sockets may be joined.
  watch(path !== undefined);
  attachMessages(program('shunt_same_node_message'), maps.joined);
  const establish = program('shunt_same_node_establish');
  pinLink(opened.adopt(attachCgroup(establish, cgroup, 'sockops'), closeFd), place, 'establish');
  undone.move();
  return {
    path: place,
    maps,
    walk,
    callers,
    get isWatching() {
      return existsSync(linkIn(place, 'read'));
    },
    watch,
    close: () => kept.dispose(),
  };
};

const attachReads = (program: number, path: string): void => {
  const link = attachTracepoint(program);
  try {
    pinLink(link, path, 'read');
  } finally {
    closeFd(link);
  }
};

/** In the place of the last version's: for a moment both watch. A socket whose read they both count stays with TCP. */
const pinLink = (link: number, path: string, name: string): void => {
  removeLinkIn(path, name);
  pin(link, linkIn(path, name));
};

const reuse = (object: ReturnType<typeof openObject>, path: string, name: SameNodeMap): void => {
  using map = BpfMap.openPinned(`${path}/${name}`);
  object.reuseMap(name, map);
};

const pinAll = (maps: Joining['maps'], directory: string): void => {
  for (const name of MAP_NAMES) maps[name].pin(`${directory}/${name}`);
};
