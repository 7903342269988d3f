import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Claims, createClaims, settle, stake } from '../core/claims.ts';
import { keyOf } from '../core/cluster/keys.ts';
import { applyEvents, type Cluster, createCluster, inputOf, refOf } from '../core/cluster.ts';
import { desire, type NodeIdentity } from '../core/desire/desire.ts';
import { missingRoutes, withoutService } from '../core/desire/mistakes.ts';
import { localNodeOf } from '../core/desire/node.ts';
import type { SlowStart } from '../core/desire/slow-start.ts';
import type { Complaint } from '../core/model/objects.ts';
import { grown, type Have, release, sealRetired } from '../core/plan/have.ts';
import { type Change, committed, isShortage, type Plan, plan, sweep } from '../core/plan/plan.ts';
import { readInPortions } from '../core/plan/read.ts';
import { roomFor } from '../core/plan/room.ts';
import type { Capacity } from '../core/plan/transaction.ts';
import { overriddenPolicies } from '../core/status/overridden.ts';
import type { Dataplane } from '../dataplane/dataplane.ts';
import { ShuntError } from '../errors.ts';
import type { ClusterEvent } from '../sources/source.ts';
import { inChunks, inTurns, withTurns } from './chunks.ts';
import type { Clock } from './clock.ts';
import { newComplaints } from './complaints.ts';
import { wouldCutOff, wouldForgetClients } from './cut-off.ts';
import { type ArmsSoFar, noteArms } from './gone-sockets.ts';
import { ObservedShares } from './observed-shares.ts';
import { SlowStarts } from './slow-starts.ts';
import type { Writes } from './view.ts';
import { addWrites, NO_WRITES, writesOf } from './writes.ts';

export interface ReconcilerOptions {
  readonly dataplane: Dataplane;
  readonly node: NodeIdentity;
  readonly clock: Clock;
  /** By the clock there is something to do: `run` is asked for. */
  readonly onWork: () => void;
  /** Work that nobody waits for failed; the next run reads the tables anew. */
  readonly onBackgroundError: (error: unknown) => void;
}

/** What is known: the cluster as a whole, and all Pods of this node. */
export interface Known {
  readonly whole: boolean;
  readonly clientsKnown: boolean;
}

export interface Reconciled {
  readonly ports: number;
  readonly writes: Writes;
  readonly planMs: number;
  readonly applyMs: number;
  /** Whether a UDP port may have lost a backend. */
  readonly datagrams: boolean;
}

/**
 * Makes the kernel hold what the cluster wants. `note` takes changes in at any time; `run` carries out everything noted
 * so far. After a failed `run` the tables are read anew and every Service is looked at again, by the next `run`.
 */
export class Reconciler {
  readonly cluster: Cluster = createCluster();
  /** Of ports that are wanted. */
  readonly arms: ArmsSoFar = new Map();
  readonly observed = new ObservedShares();
  readonly #claims: Claims;
  readonly #dataplane: Dataplane;
  readonly #node: NodeIdentity;
  readonly #clock: Clock;
  readonly #onBackgroundError: (error: unknown) => void;
  readonly #slowStarts: SlowStarts;
  #have: Have | undefined;
  #shown: Have | undefined;
  #isForgetDue = false;
  #swept = false;
  /** A policy or a route came, went or changed, or what says which Services they are about. */
  #areTargetsDue = true;
  #releasing: Promise<void> | undefined;
  #dirty = new Set<string>();
  /** Services with a port or a policy that waits for the cluster to be known as a whole. */
  readonly #unsure = new Set<string>();
  /** By Service key. */
  readonly #ports = new Map<string, readonly string[]>();
  /** By Service key, and TARGETS. */
  readonly #complaints = new Map<string, readonly Complaint[]>();
  #freshComplaints: Complaint[] = [];

  constructor({ dataplane, node, clock, onWork, onBackgroundError }: ReconcilerOptions) {
    this.#dataplane = dataplane;
    this.#node = node;
    this.#claims = createClaims(node);
    this.#clock = clock;
    this.#onBackgroundError = onBackgroundError;
    this.#slowStarts = new SlowStarts({
      clock,
      cluster: this.cluster,
      onDue: (keys) => {
        for (const key of keys) this.#dirty.add(key);
        onWork();
      },
    });
  }

  /** What the tables held after the last run that succeeded; undefined before the first. */
  get have(): Have | undefined {
    return this.#shown;
  }

  /** Returns the keys of the Services that are to be looked at because of them. */
  note(events: readonly ClusterEvent[]): ReadonlySet<string> {
    const touched = applyEvents(this.cluster, events);
    for (const key of touched) this.#dirty.add(key);
    const hasBoth = this.cluster.policies.byKey.size > 0 && this.cluster.routes.byKey.size > 0;
    this.#areTargetsDue ||= events.some((event) => isPolicyOrRoute(event) || (hasBoth && isAsked(event, this.cluster)));
    return touched;
  }

  /** Has the next run read the tables anew and look at everything: finds what others changed in them. */
  forget(): void {
    this.#isForgetDue = true;
  }

  complaints(): readonly Complaint[] {
    return [...this.#complaints.values()].flat();
  }

  /** Complaints that the runs since the last call found and that were not there before. */
  takeFreshComplaints(): readonly Complaint[] {
    const fresh = this.#freshComplaints;
    this.#freshComplaints = [];
    return fresh;
  }

  /**
   * `whole`: the cluster is known as a whole. Until then what was in force at the start stays where nobody names it, and
   * where nobody names an endpoint: those may be in objects that could not be read yet. `clientsKnown`: all Pods of this
   * node were told. Until then choices of clients that were in force stay.
   *
   * @throws what the dataplane throws; what was applied before stays in force.
   */
  async run({ whole, clientsKnown }: Known): Promise<Reconciled> {
    if (this.#isForgetDue) this.#forgetTables();
    if (whole) this.#lookAgainAtUnsure();
    if (whole && this.#areTargetsDue) {
      this.#areTargetsDue = false;
      const overridden: Complaint[] = [];
      for await (const complaints of inTurns(overriddenPolicies(this.cluster, this.#node), TURN_POLICIES))
        overridden.push(...complaints);
      this.#complain(TARGETS, [...missingRoutes(this.cluster), ...overridden]);
    }
    const keys = this.#takeDirty();
    // What could not be read at the start is new when it can.
    this.#slowStarts.follow(keys, { whole: whole || this.#shown !== undefined });
    let result: Reconciled = { ports: 0, writes: NO_WRITES, planMs: 0, applyMs: 0, datagrams: false };
    try {
      const have = this.#have ?? (await this.#readTables());
      for (const changes of inChunks(this.#changes(keys, have, { whole, clientsKnown }))) {
        result = add(result, await this.#carryOut(have, changes));
        await nextTurn();
      }
      if (whole && clientsKnown && !this.#swept) {
        result = { ...add(result, this.#apply(have, sweep(have))), datagrams: true };
        this.#swept = true;
      }
      this.#shown = have;
    } catch (error) {
      for (const key of keys) this.#dirty.add(key);
      this.forget();
      throw error;
    }
    this.#releaseRetired();
    return result;
  }

  /** By which the weights of a Service in force were worked out. */
  lastSlowStart(key: string): SlowStart {
    return this.#slowStarts.last(key);
  }

  /** Nothing is asked for by the clock any more. */
  stop(): void {
    this.#slowStarts.stop();
  }

  /** Resolves when nothing is left to be done in the background. */
  async settled(): Promise<void> {
    while (this.#releasing !== undefined) await this.#releasing;
  }

  #forgetTables(): void {
    this.#isForgetDue = false;
    this.#have = undefined;
    this.#swept = false;
    for (const key of this.cluster.services.keys()) this.#dirty.add(key);
    for (const key of this.#ports.keys()) this.#dirty.add(key);
  }

  #lookAgainAtUnsure(): void {
    for (const key of this.#unsure) this.#dirty.add(key);
    this.#unsure.clear();
  }

  /** Claims of all changed Services are known before any of them is planned: an address may move between them. */
  #takeDirty(): readonly string[] {
    const keys = new Set(this.#dirty);
    this.#dirty = new Set();
    for (const key of keys) {
      for (const neighbour of stake(this.#claims, key, this.cluster.services.get(key))) keys.add(neighbour);
    }
    return [...keys];
  }

  /**
   * Made as they are needed: the desired ports of a whole cluster never exist at once. What is gone comes last: an
   * address that moved to another port has its new owner by then.
   */
  *#changes(keys: readonly string[], found: Have, { whole, clientsKnown }: Known): Generator<Change> {
    const gone: Change[] = [];
    for (const key of keys) {
      const ports = this.#desired(key, whole);
      const ids = ports.map(({ id }) => id);
      for (const id of this.#ports.get(key) ?? []) if (!ids.includes(id)) gone.push({ id, want: undefined });
      for (const port of ports) noteArms(this.arms, port);
      if (ids.length > 0) this.#ports.set(key, ids);
      else this.#ports.delete(key);
      for (const want of ports) {
        const isUnsure = (!whole && wouldCutOff(found, want)) || (!clientsKnown && wouldForgetClients(found, want));
        if (isUnsure) this.#unsure.add(key);
        else yield { id: want.id, want };
      }
    }
    for (const { id } of gone) this.arms.delete(id);
    yield* gone;
  }

  #desired(key: string, whole: boolean): ReturnType<typeof settle>['ports'] {
    // As it was staked: what has come since is looked at by the next run, together with whose claims it changes.
    const service = this.#claims.services.get(key);
    if (service === undefined) {
      this.#slowStarts.askAgain(key, undefined);
      this.#complain(key, this.#withoutService(key, whole));
      return [];
    }
    const input = inputOf(this.cluster, service);
    const slowStart = this.#slowStarts.now();
    const desired = desire({ ...input, node: localNodeOf(this.cluster, this.#node), slowStart });
    this.#slowStarts.askAgain(key, desired.againMs, slowStart.nowMs);
    const own = settle(this.#claims, service, desired.ports);
    this.#complain(key, [...desired.complaints, ...own.complaints]);
    return own.ports;
  }

  /** A Service that nobody knows may be in an object that could not be read yet. */
  #withoutService(key: string, whole: boolean): readonly Complaint[] {
    const complaints = withoutService(this.cluster, key);
    if (whole || complaints.length === 0) return complaints;
    this.#unsure.add(key);
    return [];
  }

  #complain(key: string, complaints: readonly Complaint[]): void {
    this.#freshComplaints.push(...newComplaints(this.#complaints.get(key) ?? [], complaints));
    if (complaints.length > 0) this.#complaints.set(key, complaints);
    else this.#complaints.delete(key);
  }

  async #carryOut(have: Have, changes: readonly Change[]): Promise<Reconciled> {
    const startedMs = this.#clock.monotonicMs();
    let planned = plan(have, changes);
    if (isShortage(planned)) {
      // Room may be on its way back, and counters must be cleared in the tables that they are in.
      await this.settled();
      planned = plan(have, changes);
    }
    for (let growths = 0; isShortage(planned) && growths < GROWTHS_MAX; growths++) {
      await this.#grow(have, planned.need);
      planned = plan(have, changes);
    }
    if (isShortage(planned))
      throw new ShuntError('SHUNT_E_INTERNAL', { detail: 'tables stay too small however they grow' });
    const planMs = this.#clock.monotonicMs() - startedMs;
    const datagrams = changes.some(({ id }) => id.endsWith('/UDP'));
    return { ...this.#apply(have, planned), ports: changes.length, planMs, datagrams };
  }

  async #grow(have: Have, need: Capacity): Promise<void> {
    try {
      await this.#dataplane.grow(need);
      grown(have, this.#dataplane.tables);
    } finally {
      // The same records at the same places: who looks at them goes on. A growth that failed may have closed the old ones.
      if (this.#shown !== undefined) this.#shown.tables = this.#dataplane.tables;
    }
  }

  #apply(have: Have, planned: Plan): Reconciled {
    const startedMs = this.#clock.monotonicMs();
    const writes = writesOf(planned.transaction);
    try {
      if (writes !== NO_WRITES) this.#dataplane.apply(planned.transaction);
    } catch (error) {
      this.observed.forget();
      throw error;
    }
    committed(have, planned);
    const applyMs = this.#clock.monotonicMs() - startedMs;
    const { hasCounted, stats } = this.#dataplane;
    this.observed.begin(planned, have.tables, hasCounted ? stats.single : undefined, this.#clock.wallMs());
    return { ports: 0, writes, planMs: 0, applyMs, datagrams: false };
  }

  /**
   * What is not in use may have had a reader a moment ago, under an agent that is gone. Tables that the cluster will
   * not fit into grow once, before anything is written.
   */
  async #readTables(): Promise<Have> {
    await this.settled();
    const have = await withTurns(readInPortions(this.#dataplane.tables));
    this.#have = have;
    await this.#release(have);
    const need = roomFor(this.cluster, have.tables.capacity);
    if (need !== undefined) await this.#grow(have, need);
    return have;
  }

  /** In the background, so that a change never waits for a grace period; several changes share one. */
  #releaseRetired(): void {
    const have = this.#have;
    if (this.#releasing !== undefined || have === undefined || isEmpty(have)) return;
    this.#releasing = this.#release(have).then(
      () => {
        this.#releasing = undefined;
        this.#releaseRetired();
      },
      (error: unknown) => {
        this.#releasing = undefined;
        this.forget();
        this.#onBackgroundError(error);
      },
    );
  }

  async #release(have: Have): Promise<void> {
    const sealed = sealRetired(have);
    await this.#dataplane.grace();
    if (this.#have !== have) return;
    const records = release(have, sealed);
    this.#dataplane.clearStats(records);
    this.observed.clear(records);
  }
}

/** What is about no Service: no key of one is like it. */
const TARGETS = '';

const isPolicyOrRoute = (event: ClusterEvent): boolean => {
  const kind = refOf(event)?.kind ?? '';
  return kind === 'TrafficPolicy' || kind.endsWith('Route');
};

/** By these a route leads somewhere, or does not. */
const isAsked = (event: ClusterEvent, { routes }: Pick<Cluster, 'routes'>): boolean => {
  const ref = refOf(event);
  if (ref?.kind !== 'Service') return ref?.kind === 'ReferenceGrant';
  // Most Services have nothing to do with any route, and all policies are looked at.
  return routes.byParent.has(keyOf(ref)) || routes.byBackend.has(keyOf(ref));
};

/** Judged in a row: a millisecond. */
const TURN_POLICIES = 100;

/** One growth is always enough, unless the cluster grew meanwhile. */
const GROWTHS_MAX = 3;

const isEmpty = ({ retired }: Have): boolean =>
  retired.backends.length === 0 && retired.services.length === 0 && retired.slots.length === 0;

const add = (a: Reconciled, b: Reconciled): Reconciled => ({
  ports: a.ports + b.ports,
  writes: addWrites(a.writes, b.writes),
  planMs: a.planMs + b.planMs,
  applyMs: a.applyMs + b.applyMs,
  datagrams: a.datagrams || b.datagrams,
});
