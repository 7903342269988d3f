import { mkdirSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Capacity, TableReader, Transaction } from '../../core/plan/transaction.ts';
import { ShuntError } from '../../errors.ts';
import { closeFd } from '../../native/descriptor.ts';
import { BpfMap } from '../../native/map.ts';
import { isBpffs, mountBpffs, waitPrograms } from '../../native/system.ts';
import type {
  Callers,
  Dataplane,
  Ended,
  EndedLost,
  ProgramRuns,
  SocketEnding,
  StaleSocket,
  StatsReader,
} from '../dataplane.ts';
import { applyTransaction } from './apply.ts';
import { attachAll, mapIdsInForce, notAttached } from './attach.ts';
import { createCallers } from './callers.ts';
import { isCgroup } from './cgroup.ts';
import { clearRecords } from './clear.ts';
import { type Endings, openEndings } from './endings.ts';
import { KernelEvents } from './events.ts';
import { FIRST_RESPONSE, FirstResponse } from './first-response.ts';
import { copyTables, moveCounters } from './grow.ts';
import { LiveTraffic } from './live.ts';
import { type Features, type Loaded, lendMemories, load, loadAside, MAP_NAMES, type MapName } from './load.ts';
import { lockRoot } from './lock.ts';
import { LostConnections } from './lost.ts';
import { mountsLast } from './mount-namespace.ts';
import { createSet, isOurLayout, listSets, removeSet, removeUnfinished, type TableSet } from './pins.ts';
import { programRuns } from './program-runs.ts';
import { withRights } from './rights.ts';
import { KernelSameNode, type SameNodeOptions } from './same-node/same-node.ts';
import { findStaleSockets } from './stale-sockets.ts';
import { createStatsReader, createTableReader } from './tables.ts';

export interface KernelOptions {
  /** cgroup v2 directory: sockets born below it are ours. */
  readonly cgroup: string;
  /** Directory in a bpffs that nobody else uses. Made, and the bpffs mounted, if missing. */
  readonly bpfRoot: string;
  /** Places in the `connections` table, a power of two. Only for new tables. */
  readonly connections: number;
  /** What new tables hold at first. They grow. */
  readonly capacity: Capacity;
  /** Directory of the pods' network namespaces, where sockets are ended. It need not exist. */
  readonly netns: string;
  /** Found out by trying, if not given. */
  readonly socketEnding?: SocketEnding;
  /** A number of 32 bits that other nodes do not have: their Pods are other clients to `Maglev` than those of this one. */
  readonly clientSalt?: number;
  /** In the place of same-node redirection's own, before which it does not begin. */
  readonly selfTest?: NonNullable<SameNodeOptions['selfTest']>;
}

export interface KernelDataplane extends Dataplane {
  readonly features: Features;
  readonly callers: Callers;
  endLost(): Promise<EndedLost>;
  countLive(): Promise<void>;
}

/**
 * Opens the newest pinned tables that are in force, else the newest that are pinned, or makes new ones, and loads this
 * version's programs for them. Programs that read those tables already are replaced at once, all of them: after a
 * growth that was cut, some may still read and count in others. What reads no tables of ours goes on until `activate`.
 */
export const openKernel = async (options: KernelOptions): Promise<KernelDataplane> => {
  if (!isCgroup(options.cgroup)) throw new ShuntError('SHUNT_E_CGROUP', { path: options.cgroup });
  withRights(options.bpfRoot, () => prepareRoot(options.bpfRoot));
  const lock = lockRoot(options.bpfRoot);
  const kernel = openLocked(options, lock);
  if (kernel.isInForce()) await kernel.activate();
  return kernel;
};

/** What a growth does not touch: it holds connections or counts for the whole node. */
const KEPT_BY_GROWTH = [
  'verdicts',
  'callers',
  'connections',
  'exchanges',
  'connections_overflow',
  'accounts',
  'affinity',
  'socket_affinity',
  'udp_peers',
  'events',
  'event_control',
  'event_stats',
  'event_begins',
] as const;

class Kernel implements KernelDataplane {
  readonly #options: KernelOptions;
  readonly #lock: number;
  #set: TableSet;
  #loaded: Loaded;
  readonly #endings: Endings;
  readonly #lost: LostConnections;
  readonly #live: LiveTraffic;
  readonly events: KernelEvents;
  readonly sameNode: KernelSameNode;
  readonly firstResponse: FirstResponse;
  readonly callers: Callers = createCallers(() => this.#loaded.maps.callers);
  /** Made by this process: as long as nothing is attached, nobody has use for it. */
  readonly #isSetNew: boolean;
  /** Which attached programs are known to read these tables. */
  #attached: 'none' | 'some' | 'all' = 'none';
  /** Other sets may have had readers, and hold counters to be moved. */
  #othersRead = false;
  tables: TableReader;
  stats: StatsReader;

  constructor(options: KernelOptions, lock: number) {
    this.#options = options;
    this.#lock = lock;
    const sets = listSets(options.bpfRoot).filter(isOurLayout);
    const current = sets.find((set) => isRead(options.bpfRoot, set)) ?? sets[0];
    const reuse = current === undefined ? {} : openMaps(current, MAP_NAMES);
    this.#loaded = load({ ...options, reuse });
    closeMaps(reuse);
    this.#endings = openEndings(this.#loaded.maps.connections_overflow, options.socketEnding);
    this.#lost = new LostConnections(() => this.#loaded, options.netns);
    this.#live = new LiveTraffic(() => this.#loaded);
    this.events = new KernelEvents(() => this.#loaded);
    this.sameNode = new KernelSameNode({ ...options, loaded: () => this.#loaded });
    this.firstResponse = new FirstResponse({ ...options, loaded: () => this.#loaded });
    this.#set = current ?? createSet(options.bpfRoot, (directory) => pinMaps(this.#loaded, directory));
    this.#isSetNew = current === undefined;
    this.tables = createTableReader(this.#loaded.maps.frontends, this.#loaded.memory);
    this.stats = createStatsReader(this.#loaded);
  }

  get hasCounted(): boolean {
    return !this.#isSetNew || this.#attached !== 'none';
  }

  /** Does an attached program read these tables? */
  isInForce(): boolean {
    return isRead(this.#options.bpfRoot, this.#set);
  }

  get features(): Features {
    return this.#loaded.features;
  }

  apply(transaction: Transaction): void {
    if (this.#attached === 'some') this.#attach();
    applyTransaction(transaction, this.#loaded.memory, this.#loaded.maps.frontends);
    const isAboutServices = transaction.services.length + transaction.retiredServices.length > 0;
    if (isAboutServices && this.#attached === 'all') this.firstResponse.follow();
  }

  grace(): Promise<void> {
    return waitPrograms();
  }

  clearStats(records: { readonly backends: readonly number[]; readonly services: readonly number[] }): void {
    const { backend_stats, service_stats } = this.#loaded.maps;
    clearRecords(backend_stats, records.backends);
    clearRecords(service_stats, records.services);
  }

  async activate(): Promise<void> {
    this.#attach();
    if (!this.#othersRead) return;
    await this.grace();
    for (const set of listSets(this.#options.bpfRoot)) if (set.path !== this.#set.path) this.#drain(set);
    this.#othersRead = false;
  }

  /**
   * The new set is complete before it is renamed into place, and a link changes its program in one step. So at any
   * moment each program reads one whole set, and both sets say the same: the agent applies nothing meanwhile, and
   * nothing afterwards before every program reads the new one. Only counters differ; the new ones start at zero, and
   * the old ones are added when nothing counts there any more.
   */
  grow(capacity: Capacity): Promise<void> {
    return this.#live.held(() => this.#grow(capacity));
  }

  async #grow(capacity: Capacity): Promise<void> {
    const old = { set: this.#set, loaded: this.#loaded };
    const grown = await this.#loadGrown(capacity);
    this.#set = grown.set;
    this.#loaded = grown.loaded;
    this.tables = createTableReader(grown.loaded.maps.frontends, grown.loaded.memory);
    try {
      if (this.#attached === 'none') {
        await this.grace();
        this.#drain(old.set);
        return;
      }
      this.#attached = 'some';
      await this.activate();
    } finally {
      // Whoever looks meanwhile sees the old counters: in the new ones, what came before is still missing.
      this.stats = createStatsReader(grown.loaded);
      old.loaded.close();
    }
  }

  lostPrograms(): readonly string[] {
    if (this.#attached !== 'all') return [];
    const lost = [
      ...notAttached(this.#loaded.programs, this.#options),
      ...(this.firstResponse.isLost ? [FIRST_RESPONSE] : []),
    ];
    if (lost.length > 0) this.#attached = 'some';
    return lost;
  }

  detachedPrograms(): readonly string[] {
    return notAttached(this.#loaded.programs, this.#options);
  }

  programRuns(): readonly ProgramRuns[] {
    return programRuns(new Map([...this.#loaded.programs, ...this.firstResponse.programs]));
  }

  get socketEnding(): SocketEnding {
    return this.#endings.by;
  }

  /** Socket storage is looked at only if anybody ever was remembered there. */
  staleSockets(): Promise<readonly StaleSocket[]> {
    return findStaleSockets({
      connections: () => this.#loaded.lent.connections.look(),
      backends: () => this.#loaded.memory.backends,
      overflow: async () => (this.stats.verdicts().overflowed === 0 ? new Uint8Array(0) : this.#endings.readOverflow()),
    });
  }

  endSockets(sockets: readonly StaleSocket[]): Promise<Ended> {
    return this.#endings.end(sockets, this.#options.netns);
  }

  /** Without compare-and-swap nobody has a place. */
  async endLost(): Promise<EndedLost> {
    return this.features.atomics ? this.#lost.end() : { connections: 0, failure: undefined };
  }

  /** Without compare-and-swap two that count at once would count twice. */
  async countLive(): Promise<void> {
    if (this.features.atomics) await this.#live.count();
  }

  close(): void {
    this.#live.close();
    this.events.end();
    if (this.#isSetNew && this.#attached === 'none') removeSet(this.#set.path);
    this.sameNode.close();
    this.firstResponse.close();
    this.#endings.close();
    this.#loaded.close();
    closeFd(this.#lock);
  }

  async #loadGrown(capacity: Capacity): Promise<{ readonly set: TableSet; readonly loaded: Loaded }> {
    const { bpfRoot } = this.#options;
    const reuse = Object.fromEntries(KEPT_BY_GROWTH.map((name) => [name, this.#loaded.maps[name]]));
    const loaded = await loadAside({ ...this.#options, reuse, capacity, features: this.features });
    try {
      copyTables(this.#loaded, loaded);
      return { set: createSet(bpfRoot, (directory) => pinMaps(loaded, directory)), loaded };
    } catch (error) {
      loaded.close();
      throw error;
    }
  }

  /** Makes every program read these tables, also after an attempt that failed half-way. */
  #attach(): void {
    if (this.#attached === 'all') return;
    this.#othersRead = true;
    attachAll(this.#loaded.programs, this.#options);
    this.firstResponse.follow();
    this.#attached = 'all';
  }

  /** A set that an upgrade or a cut growth left behind: nothing reads it any more. */
  #drain(set: TableSet): void {
    if (isOurLayout(set)) {
      const maps = openMaps(set, COUNTER_TABLES);
      moveCounters(lendMemories(maps, COUNTER_TABLES), this.#loaded.lent);
      closeMaps(maps);
    }
    removeSet(set.path);
  }
}

/** Every program that sends, counts or ends a connection reads `services`; it is no table that a growth keeps. */
const isRead = (bpfRoot: string, set: TableSet): boolean => {
  const maps = openMaps(set, ['services']);
  closeMaps(maps);
  return mapIdsInForce(bpfRoot).has(maps.services.info.id);
};

const COUNTER_TABLES = ['service_stats', 'backend_stats'] as const;

const openLocked = (options: KernelOptions, lock: number): Kernel => {
  try {
    removeUnfinished(options.bpfRoot);
    return new Kernel(options, lock);
  } catch (error) {
    closeFd(lock);
    throw error;
  }
};

/** A bpffs is mounted where there is none, but never over anything: not over /sys/fs, where the cgroups are. */
const prepareRoot = (bpfRoot: string): void => {
  const parent = dirname(bpfRoot);
  mkdirSync(parent, { recursive: true });
  if (!isBpffs(parent)) {
    if (readdirSync(parent).length > 0) throw new ShuntError('SHUNT_E_BPF_ROOT', { path: bpfRoot, parent });
    if (!mountsLast()) throw new ShuntError('SHUNT_E_BPFFS', { parent });
    mountBpffs(parent);
  }
  mkdirSync(bpfRoot, { recursive: true, mode: 0o700 });
};

const openMaps = <Name extends MapName>({ path }: TableSet, names: readonly Name[]): Record<Name, BpfMap> =>
  Object.fromEntries(names.map((name) => [name, BpfMap.openPinned(`${path}/${name}`)])) as Record<Name, BpfMap>;

const closeMaps = (maps: Partial<Record<MapName, BpfMap>>): void => {
  for (const map of Object.values(maps)) map.close();
};

const pinMaps = (loaded: Loaded, directory: string): void => {
  for (const name of MAP_NAMES) loaded.maps[name].pin(`${directory}/${name}`);
};
