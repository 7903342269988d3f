import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CONNECTION_WAYS, LAYOUT_HASH, MAPS } from '../../abi/layout.gen.ts';
import { type RecordMemory, recordMemory } from '../../abi/memory.ts';
import type { Capacity } from '../../core/plan/transaction.ts';
import { ShuntError } from '../../errors.ts';
import { closeFd } from '../../native/descriptor.ts';
import { errnoOf } from '../../native/kernel-error.ts';
import type { BpfMap } from '../../native/map.ts';
import { unmapMemory } from '../../native/memory.ts';
import { type BpfObject, openObject } from '../../native/object.ts';
import { liftMemoryLock } from '../../native/system.ts';
import { LentMemory } from './lent-memory.ts';
import { PROGRAMS } from './programs.ts';
import {
  LENT_TABLES,
  type LentMemories,
  type LentTable,
  MAPPED_TABLES,
  type MappedTable,
  type Memories,
} from './tables.ts';

export type MapName = keyof typeof MAPS;
export const MAP_NAMES = Object.keys(MAPS) as readonly MapName[];

/** What this kernel can do, as far as the programs differ. Found by trying, the richest first. */
export interface Features {
  /** bpf_set_retval (5.18): connections are refused with ECONNREFUSED; without it they are left to kube-proxy. */
  readonly setRetval: boolean;
  /** Compare-and-swap (5.12). */
  readonly atomics: boolean;
}

const CANDIDATES: readonly Features[] = [
  { setRetval: true, atomics: true },
  { setRetval: false, atomics: true },
  { setRetval: false, atomics: false },
];

/**
 * Programs in the kernel and the tables that they read. Nothing is attached by loading, and nothing that was attached or
 * pinned goes by closing; but `memory` and `lent` do.
 */
export interface Loaded {
  readonly features: Features;
  readonly maps: Readonly<Record<MapName, BpfMap>>;
  readonly memory: Memories;
  readonly lent: LentMemories;
  /** By program name: its file descriptor. */
  readonly programs: ReadonlyMap<string, number>;
  readonly close: () => void;
}

export interface LoadOptions {
  /** Existing tables to go on with; the others are made new. */
  readonly reuse: Partial<Record<MapName, BpfMap>>;
  readonly capacity: Capacity;
  /** Places in the `connections` table, if that is made new. A power of two, CONNECTION_WAYS at least. */
  readonly connections: number;
  /** `KernelOptions.clientSalt`. */
  readonly clientSalt?: number;
  /** The variant that is in force already; otherwise they are tried, the richest first. */
  readonly features?: Features;
}

/** @throws ShuntError SHUNT_E_LOAD when this kernel takes no variant of the programs; the verifier's words are in it. */
export const load = (options: LoadOptions): Loaded => {
  liftLimits();
  let failure: unknown;
  for (const features of options.features === undefined ? CANDIDATES : [options.features]) {
    const object = openObject(readObject(features), 'shunt');
    try {
      prepare(object, options, features);
      failure = failureOf(() => object.load());
      if (failure === undefined) return describe(object, features);
    } catch (error) {
      object.close();
      throw error;
    }
    object.close();
    // An unknown instruction or helper. Anything else, such as want of memory, is no reason to do with less.
    if (errnoOf(failure) !== 'EINVAL') break;
  }
  // Of the plainest variant: the others may have failed for what it does without.
  throw new ShuntError('SHUNT_E_LOAD', { reason: reasonOf(failure) }, { cause: failure });
};

/** The same while other work goes on: the verifier takes its time, on another thread. */
export const loadAside = async (options: LoadOptions & { readonly features: Features }): Promise<Loaded> => {
  const object = openObject(readObject(options.features), 'shunt');
  try {
    prepare(object, options, options.features);
    await object.loadAside();
    return describe(object, options.features);
  } catch {
    object.close();
    // Fails for the same reason, and has the words of it.
    return load(options);
  }
};

const failureOf = (call: () => void): unknown => {
  try {
    call();
    return undefined;
  } catch (error) {
    return error;
  }
};

/** Before 5.11 maps count as locked memory. Later kernels do not mind the limit, so neither do we if it stays. */
const liftLimits = (): void => {
  try {
    liftMemoryLock();
  } catch (error) {
    if (errnoOf(error) !== 'EPERM') throw error;
  }
};

const prepare = (object: BpfObject, options: LoadOptions, features: Features): void => {
  const { reuse, capacity, connections, clientSalt = 0 } = options;
  const sizes: Partial<Record<MapName, number>> = {
    ...capacity,
    service_stats: capacity.services,
    backend_stats: capacity.backends,
    connections: connections / CONNECTION_WAYS,
    exchanges: connections / CONNECTION_WAYS,
  };
  for (const name of MAP_NAMES) {
    const existing = reuse[name];
    const size = sizes[name];
    if (existing !== undefined) object.reuseMap(name, existing);
    else if (size !== undefined) object.setMapSize(name, size);
  }
  setSets(object, reuse.connections?.info.maxEntries ?? connections / CONNECTION_WAYS);
  object.setConstant('client_salt', new Uint8Array(Uint32Array.of(clientSalt).buffer));
  checkLayout(object);
  object.setConstant('can_set_retval', Uint8Array.of(features.setRetval ? 1 : 0));
};

/** For an object of other programs that read the same tables. */
export const prepareReusing = (object: BpfObject, maps: Loaded['maps']): void => {
  for (const name of MAP_NAMES) object.reuseMap(name, maps[name]);
  setSets(object, maps.connections.info.maxEntries);
  checkLayout(object);
};

const setSets = (object: BpfObject, sets: number): void =>
  object.setConstant('connection_set_mask', new Uint8Array(Uint32Array.of(sets - 1).buffer));

const describe = (object: BpfObject, features: Features): Loaded => {
  using opened = new DisposableStack();
  opened.use(object);
  const maps = Object.fromEntries(MAP_NAMES.map((name) => [name, opened.use(object.map(name))])) as Loaded['maps'];
  for (const name of MAP_NAMES) checkSizes(name, maps[name]);
  const programs = new Map(
    PROGRAMS.map(({ program }) => [program, opened.adopt(object.program(program), (fd) => closeFd(fd))]),
  );
  const memory = mapMemories(maps, MAPPED_TABLES);
  for (const { bytes } of Object.values(memory)) opened.adopt(bytes.buffer as ArrayBuffer, unmapMemory);
  const lent = lendMemories(maps, LENT_TABLES);
  for (const each of Object.values(lent)) opened.adopt(each, () => each.close());
  const all = opened.move();
  return { features, maps, memory, lent, programs, close: () => all.dispose() };
};

export const mapMemories = <Name extends MappedTable | LentTable>(
  maps: Readonly<Record<Name, BpfMap>>,
  names: readonly Name[],
): Record<Name, RecordMemory> =>
  Object.fromEntries(
    names.map((name) => [name, recordMemory(maps[name].mmap(true), MAPS[name].valueSize, maps[name].info.maxEntries)]),
  ) as Record<Name, RecordMemory>;

export const lendMemories = <Name extends LentTable>(
  maps: Readonly<Record<Name, BpfMap>>,
  names: readonly Name[],
): Record<Name, LentMemory> =>
  Object.fromEntries(names.map((name) => [name, new LentMemory(maps[name], name)])) as Record<Name, LentMemory>;

/** An object that was built of other records would read other bytes than the agent writes. */
const checkLayout = (object: BpfObject): void => {
  try {
    object.setConstant(`layout_${LAYOUT_HASH.slice(0, 12)}`, Uint8Array.of(1));
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    throw new ShuntError('SHUNT_E_OBJECT', { layout: LAYOUT_HASH.slice(0, 12) }, { cause: error });
  }
};

/** The last line of defence before bytes are written: names of reused pins may lie, sizes in the kernel do not. */
const checkSizes = (name: MapName, map: BpfMap): void => {
  const { keySize, valueSize } = map.info;
  const want = MAPS[name];
  if (keySize !== want.keySize || valueSize !== want.valueSize)
    throw new ShuntError('SHUNT_E_LAYOUT', {
      table: name,
      have: `${keySize}+${valueSize}`,
      want: `${want.keySize}+${want.valueSize}`,
    });
};

const readObject = ({ atomics }: Features): Uint8Array => readBuilt(atomics ? 'shunt.bpf.o' : 'shunt-5.10.bpf.o');

/** An object that `make build` made of bpf/. */
export const readBuilt = (name: string): Uint8Array => {
  try {
    return readFileSync(builtPath(name));
  } catch (error) {
    throw new ShuntError('SHUNT_E_NOT_BUILT', { file: name, directory: builtDirectory() }, { cause: error });
  }
};

export const builtPath = (name: string): string => join(builtDirectory(), name);

const builtDirectory = (): string =>
  process.env.SHUNT_BPF_DIR ?? fileURLToPath(new URL('../../../build/bpf/', import.meta.url));

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
