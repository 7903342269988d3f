import { setTimeout as wait } from 'node:timers/promises';
import { SAME_NODE_CONTROL, SAME_NODE_MAPS, SEEN_NAMES } from '../../../abi/layout.gen.ts';
import { counterAt, loadWord, type RecordMemory, recordMemory, storeWord } from '../../../abi/memory.ts';
import type { SameNodeEnd } from '../../../core/same-node/end.ts';
import { ShuntError } from '../../../errors.ts';
import { unmapMemory } from '../../../native/memory.ts';
import { readWalk } from '../../../native/walk.ts';
import type { SameNode, SameNodeStats, SeenSocket } from '../../same-node.ts';
import type { Loaded } from '../load.ts';
import { isOurLayout, listSets } from '../pins.ts';
import { account } from './account.ts';
import { drainSameNode } from './drain.ts';
import { applyEnds, renewEnds } from './ends.ts';
import { accountAnswers, applyMeasured, measuredKeys } from './measured.ts';
import { hasPassed, rememberPassed } from './passed.ts';
import { attachJoining, type Joining } from './programs.ts';
import { runSelfTest, type SelfTestCheck } from './self-test.ts';
import { NO_STATS, readStats } from './stats.ts';
import { Watching } from './watching.ts';

export interface SameNodeOptions {
  readonly bpfRoot: string;
  readonly cgroup: string;
  /** Asked again at each use: a growth may come in between. */
  readonly loaded: () => Loaded;
  /** In the place of `runSelfTest`. */
  readonly selfTest?: (signal: AbortSignal) => Promise<readonly SelfTestCheck[]>;
}

/**
 * Of the kernel. Nothing is attached before the self-test has passed. What an earlier agent attached goes on until `set`
 * is called for the first time, and meanwhile.
 */
export class KernelSameNode implements SameNode {
  readonly #options: SameNodeOptions;
  #joining: Joining | undefined;
  #memory: JoiningMemory | undefined;
  #watching: Watching | undefined;
  #isFirst = true;
  /** What an earlier agent left attached, as long as the self-test runs. */
  #left: string | undefined;
  #wanted: readonly SameNodeEnd[] = [];
  #testing: Promise<void> | undefined;
  #unavailable: string | undefined;
  readonly #closing = new AbortController();
  /** As it was told last; undefined before the first time. */
  #measured: Uint32Array | undefined;
  #ripe = 0;
  #ticks = 0;
  #isWalking = false;
  #seen: SameNodeStats['sockets'] = NONE_SEEN;
  readonly #quiet = new Map<string, number>();
  /** Sets that are being ended, in the background. */
  #draining: Promise<unknown> = Promise.resolve();

  constructor(options: SameNodeOptions) {
    this.#options = options;
  }

  get isAttached(): boolean {
    return this.#joining !== undefined || this.#left !== undefined;
  }

  get unavailable(): string | undefined {
    return this.#wanted.length > 0 ? this.#unavailable : undefined;
  }

  set(ends: readonly SameNodeEnd[]): void {
    this.#wanted = ends;
    if (this.#isFirst) this.#left = this.#findLeft(ends.length > 0);
    this.#isFirst = false;
    if (ends.length === 0) this.#end();
    else if (this.#joining !== undefined || hasPassed(this.#options.bpfRoot)) this.#put(ends);
    else this.#putUntested(ends);
  }

  tend(): void {
    const joining = this.#joining;
    if (joining === undefined || this.#memory === undefined || this.#isWalking) return;
    if (++this.#ticks % ACCOUNT_TICKS === 0) this.#account(joining);
    if (this.#ticks % MEASURE_TICKS === 0) this.#tellMeasured(joining);
    const ripe = counterAt(this.#memory.ripened, 0, 0);
    this.#watching?.follow(ripe !== this.#ripe);
    if (ripe === this.#ripe && this.#ticks % IDLE_TICKS_MAX !== 0) return;
    this.#ripe = ripe;
    this.#isWalking = true;
    void this.#walk(joining).finally(() => {
      this.#isWalking = false;
    });
  }

  stats(): SameNodeStats {
    const joining = this.#joining;
    return joining === undefined ? NO_STATS : { ...readStats(joining.maps.same_node_stats), sockets: this.#seen };
  }

  /** The kernel goes on. */
  close(): void {
    this.#closing.abort();
    this.#letGo();
  }

  /** Resolves when nothing is being tested or ended any more. */
  async settled(): Promise<void> {
    await this.#testing;
    await this.#draining;
  }

  /** The newest set of our layout goes on if anybody wants it, the others end. */
  #findLeft(isWanted: boolean): string | undefined {
    const sets = listSets(this.#options.bpfRoot, 'same-node');
    const current = isWanted ? sets.find(isOurLayout) : undefined;
    for (const { path } of sets) if (path !== current?.path) this.#drain(path);
    return current?.path;
  }

  #put(ends: readonly SameNodeEnd[]): void {
    const joining = this.#joining ?? this.#begin();
    applyEnds(joining.maps.ends, ends);
    this.#tellMeasured(joining);
    this.#say({ off: 0 });
    this.#unavailable = undefined;
  }

  #putUntested(ends: readonly SameNodeEnd[]): void {
    if (this.#left !== undefined) renewEnds(this.#left, ends);
    this.#testing ??= this.#test();
  }

  /** Once: a kernel that fails today fails tomorrow, and a test that could not be run is not tried again before a restart. */
  async #test(): Promise<void> {
    const { bpfRoot, cgroup, selfTest = (signal) => runSelfTest(cgroup, { signal }) } = this.#options;
    const { signal } = this.#closing;
    try {
      checkPassed(await selfTest(signal));
      if (signal.aborted) return;
      rememberPassed(bpfRoot);
      if (this.#wanted.length > 0) this.#put(this.#wanted);
    } catch (error) {
      if (signal.aborted) return;
      this.#unavailable = error instanceof Error ? error.message : String(error);
      this.#end();
    }
  }

  #begin(): Joining {
    const { bpfRoot, cgroup, loaded } = this.#options;
    const path = this.#left;
    const joining = attachJoining({ bpfRoot, cgroup, tables: loaded().maps, ...(path === undefined ? {} : { path }) });
    this.#left = undefined;
    this.#joining = joining;
    this.#memory = {
      control: recordMemory(joining.maps.control.mmap(true), SAME_NODE_CONTROL.size, 1),
      ripened: recordMemory(joining.maps.ripened.mmap(false), SAME_NODE_MAPS.ripened.valueSize, 1),
    };
    this.#watching = new Watching(joining, this.#memory.control);
    // Of new tables nobody has asked for anything yet; of others, sockets are to be looked for.
    this.#ripe = path === undefined ? 0 : -1;
    return joining;
  }

  #end(): void {
    const path = this.#joining?.path ?? this.#left;
    if (this.#joining !== undefined) {
      this.#say({ off: 1 });
      // A message that is on its way now is not counted.
      this.#account(this.#joining);
    }
    this.#left = undefined;
    this.#letGo();
    if (path !== undefined) this.#drain(path);
  }

  #drain(path: string): void {
    const ended = drainSameNode(path);
    // What is left of it is off, and the next start tries again.
    this.#draining = Promise.allSettled([this.#draining, ended]);
  }

  #letGo(): void {
    for (const { bytes } of Object.values(this.#memory ?? {})) unmapMemory(bytes.buffer as ArrayBuffer);
    this.#memory = undefined;
    this.#watching = undefined;
    this.#joining?.close();
    this.#joining = undefined;
    this.#seen = NONE_SEEN;
    this.#measured = undefined;
    this.#quiet.clear();
  }

  #account(joining: Joining): void {
    const loaded = this.#options.loaded();
    account(joining, loaded, this.#quiet);
    accountAnswers(joining.maps, loaded);
  }

  #tellMeasured({ maps }: Joining): void {
    const wanted = measuredKeys(this.#options.loaded().memory.services);
    if (isEqual(wanted, this.#measured)) return;
    applyMeasured(maps.measured, wanted);
    // For good: what has begun while it was measured must end, or the next would seem to have begun then.
    if (wanted.length > 0) storeWord((this.#memory as JoiningMemory).control, 0, SAME_NODE_CONTROL.measuring, 1);
    this.#measured = wanted;
    this.#say({ off: 0 });
  }

  /** After the table has changed: programs judge their pairs anew. */
  #say({ off }: { readonly off: 0 | 1 }): void {
    const { control } = this.#memory as JoiningMemory;
    storeWord(control, 0, SAME_NODE_CONTROL.off, off);
    storeWord(control, 0, SAME_NODE_CONTROL.generation, loadWord(control, 0, SAME_NODE_CONTROL.generation) + 1);
  }

  /** Those that a walk has joined are found by their other ends after one some time later, for which it asks. */
  async #walk(joining: Joining): Promise<void> {
    await this.#walkOnce(joining);
    if (this.#joining !== joining) return;
    const ripe = counterAt((this.#memory as JoiningMemory).ripened, 0, 0);
    if (ripe === this.#ripe) return;
    this.#ripe = ripe;
    await wait(PUBLISH_MS);
    if (this.#joining === joining) await this.#walkOnce(joining);
  }

  async #walkOnce({ walk }: Joining): Promise<void> {
    const seen = await readWalk(walk).catch(() => undefined);
    if (seen === undefined || this.#joining?.walk !== walk) return;
    this.#seen = countSeen(seen);
    this.#watching?.note(this.#seen);
  }
}

/** What is read and written without a system call. */
interface JoiningMemory {
  readonly control: RecordMemory;
  readonly ripened: RecordMemory;
}

const checkPassed = (checks: readonly SelfTestCheck[]): void => {
  const failed = checks.filter(({ failure }) => failure !== undefined);
  if (failed.length === 0) return;
  throw new ShuntError('SHUNT_E_SAME_NODE_KERNEL', {
    checks: failed.map(({ name, failure }) => `${name}: ${failure}`).join('; '),
  });
};

const isEqual = (wanted: Uint32Array, told: Uint32Array | undefined): boolean =>
  told?.length === wanted.length && wanted.every((word, index) => word === told[index]);

const countSeen = (seen: Uint8Array): SameNodeStats['sockets'] => {
  const counts: Record<SeenSocket, number> = { ...NONE_SEEN };
  for (const each of seen) counts[SEEN_NAMES[each] ?? 'candidate']++;
  return counts;
};

const NONE_SEEN: SameNodeStats['sockets'] = { candidate: 0, joined: 0, unfit: 0 };

/** More than bpf/same-node/join.h asks for, as timers may be early. */
const PUBLISH_MS = 15;
/** Of 100 ms: what is unfit is parted within this time, and what has ended is no longer counted. */
const IDLE_TICKS_MAX = 20;
/** A policy that asks for first response times is in force for joined sockets after as long as that. */
const MEASURE_TICKS = 10;
/** To look at the counters of a large cluster takes 10 ms. */
const ACCOUNT_TICKS = 50;
