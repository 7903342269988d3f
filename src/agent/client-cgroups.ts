import { type Cluster, type ClusterEvent, keyOf } from '../core/cluster.ts';
import { complaintAbout } from '../core/desire/complaint.ts';
import type { Client } from '../core/model/desired.ts';
import type { Complaint, PodObject } from '../core/model/objects.ts';
import type { Clock } from './clock.ts';
import { DirectoryWatch } from './directory-watch.ts';
import { findPodCgroup, findPodsTree, LEVEL_MAX, type PodsTree, watchedDirectories } from './pod-cgroups.ts';
import type { ClientCounts } from './view.ts';

export interface ClientCgroupsOptions {
  /** The agent's: only Pods below it are served. */
  readonly cgroup: string;
  /** Name of this node. */
  readonly node: string;
  readonly clock: Clock;
  /** As it is after each event that is told. */
  readonly cluster: ClientCluster;
  readonly emit: (events: readonly ClientEvent[]) => void;
  /** There is something else to complain about. */
  readonly onTrouble?: (() => void) | undefined;
  /** Of the cgroup below the root of cgroup v2; undefined where nobody can tell. */
  readonly level: number | undefined;
}

export type ClientCluster = Pick<Cluster, 'pods' | 'policies' | 'routes'>;
export type ClientEvent = Extract<ClusterEvent, { readonly type: 'client' }>;

/** The kubelet makes a Pod's cgroup some 100 ms after the Pod is bound to the node, and its containers well after that. */
const RETRY_MS = 250;
const RETRY_MAX_MS = 5000;
/** After a name has come or gone: a Pod's directories come one after another. */
const HINT_MS = 10;
/** Who is not found for so long is complained about, and looked for in other places, too. */
const LONG_MS = 30_000;
/** A Pod that has ended may be listed for long after its cgroup is gone. */
const CHECK_MS = 60_000;

/**
 * Knows the cgroup of each Pod of this node, for rules that are for some clients alone. Each Pod is looked for as soon as
 * it is told, when something appears where Pods' cgroups are, and again and again until it is found.
 */
export class ClientCgroups {
  readonly #options: ClientCgroupsOptions;
  readonly #watch: DirectoryWatch;
  readonly #pods = new Map<string, Sought>();
  #tree: PodsTree = { roots: [], cut: false };
  #searchedMs = Number.NEGATIVE_INFINITY;
  #told = '[]';
  #isOn = false;
  #cancelTimer: (() => void) | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;

  constructor(options: ClientCgroupsOptions) {
    this.#options = options;
    this.#watch = new DirectoryWatch(() => this.#lookSoon());
  }

  /** After the cluster has taken these in. Nothing is looked for while no rule asks who a client is. */
  take(events: readonly ClusterEvent[]): void {
    const isOn = hasClientRules(this.#options.cluster);
    if (isOn !== this.#isOn) {
      this.#isOn = isOn;
      if (isOn) this.#start();
      else this.#end();
    } else if (isOn) {
      const keys = new Set(events.flatMap(podOf));
      if (keys.size > 0) this.#look(keys);
    }
  }

  counts(): ClientCounts {
    const states = [...this.#pods.values()].map(({ state }) => state);
    const count = (state: Sought['state']): number => states.filter((each) => each === state).length;
    return { found: count('found'), waiting: count('waiting'), refused: count('refused') };
  }

  complaints(): readonly Complaint[] {
    if (this.#pods.size === 0) return [];
    const whole = this.#troubleOfTree();
    if (whole !== undefined) return [whole];
    return [...this.#lost(), ...this.#refused()];
  }

  /** One for all: a kubelet that cannot be followed has many Pods. */
  #lost(): readonly Complaint[] {
    const [first, ...others] = this.#longWaiting();
    if (first === undefined) return [];
    const rest = others.length === 0 ? '' : `, nor were those of ${others.length} others`;
    const bound = others.length === 0 ? 'it' : 'them';
    const what = `its cgroup was not found for ${LONG_MS / 1000} s${rest}: no rule for clients binds ${bound}`;
    return [complaintAbout(first.pod, 'warning', '', `${what}; see \`shunt doctor\``)];
  }

  #refused(): readonly Complaint[] {
    return [...this.#pods.values()]
      .filter(({ state }) => state === 'refused')
      .map(({ pod }) =>
        complaintAbout(
          pod,
          'warning',
          '',
          `its cgroup lies deeper than level ${LEVEL_MAX}: no rule for clients binds it`,
        ),
      );
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#watch.follow([]);
  }

  #start(): void {
    this.#search();
    this.#look(this.#options.cluster.pods.keys());
  }

  #end(): void {
    const known = [...this.#pods].filter(([, { client }]) => client !== undefined);
    this.stop();
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    this.#pods.clear();
    if (known.length > 0) this.#options.emit(known.map(([pod]) => ({ type: 'client', pod, client: undefined })));
  }

  #search(): void {
    this.#tree = findPodsTree(this.#options.cgroup);
    this.#searchedMs = this.#options.clock.monotonicMs();
  }

  /** Pods may be elsewhere by now: of a kubelet that was started anew with another driver the old place is still there. */
  #isSearchDue(): boolean {
    if (watchedDirectories(this.#tree).length === 0) return true;
    const { clock, level } = this.#options;
    if (level === undefined || clock.monotonicMs() - this.#searchedMs < LONG_MS) return false;
    return this.#longWaiting().length > 0;
  }

  #longWaiting(): readonly Sought[] {
    const untilMs = this.#options.clock.monotonicMs() - LONG_MS;
    return [...this.#pods.values()].filter(({ state, sinceMs }) => state === 'waiting' && sinceMs <= untilMs);
  }

  #look(keys: Iterable<string>): void {
    if (this.#isSearchDue()) this.#search();
    const changed: ClientEvent[] = [];
    for (const key of keys) {
      const before = this.#pods.get(key)?.client;
      const client = this.#lookFor(key);
      if (client?.cgroup !== before?.cgroup) changed.push({ type: 'client', pod: key, client });
    }
    this.#watch.follow(watchedDirectories(this.#tree));
    this.#schedule();
    if (changed.length > 0) this.#options.emit(changed);
  }

  #lookFor(key: string): Client | undefined {
    const { cluster, node, cgroup, level, clock } = this.#options;
    const pod = cluster.pods.get(key);
    if (pod === undefined || pod.node !== node || pod.cgroupUid === '') {
      this.#pods.delete(key);
      return undefined;
    }
    const client = level === undefined ? undefined : findPodCgroup(this.#tree, pod.cgroupUid, { cgroup, level });
    const state = client === undefined ? 'waiting' : client.level > LEVEL_MAX ? 'refused' : 'found';
    const usable = state === 'found' ? client : undefined;
    const before = this.#pods.get(key);
    const nowMs = clock.monotonicMs();
    const again = state === 'waiting' ? nextLook(before, pod, nowMs) : { waitMs: RETRY_MS, dueMs: nowMs + CHECK_MS };
    const waited = before?.state === 'waiting' && before.pod.cgroupUid === pod.cgroupUid;
    this.#pods.set(key, { pod, state, client: usable, sinceMs: waited ? before.sinceMs : nowMs, ...again });
    return usable;
  }

  /** One timer, for whoever is due first. */
  #schedule(): void {
    const dueMs = [...this.#pods.values()].reduce(
      (first, each) => Math.min(first, each.dueMs),
      Number.POSITIVE_INFINITY,
    );
    this.#cancelTimer?.();
    this.#timerAtMs = dueMs;
    if (!Number.isFinite(dueMs)) return;
    const { clock } = this.#options;
    this.#cancelTimer = clock.after(Math.max(0, dueMs - clock.monotonicMs()), () => this.#lookAtDue());
  }

  #lookAtDue(): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#look([...this.#pods].filter(([, { dueMs }]) => dueMs <= nowMs).map(([key]) => key));
    this.#tellTrouble();
  }

  #tellTrouble(): void {
    const now = JSON.stringify(this.#lost());
    const isNew = now !== this.#told;
    this.#told = now;
    if (isNew) this.#options.onTrouble?.();
  }

  /** At everybody: what came or went may be anyone's. Who waits goes on from the least wait. */
  #lookSoon(): void {
    const { clock } = this.#options;
    const atMs = clock.monotonicMs() + HINT_MS;
    if (!this.#isOn || this.#timerAtMs <= atMs) return;
    for (const [key, sought] of this.#pods) this.#pods.set(key, { ...sought, waitMs: RETRY_MS / 2, dueMs: atMs });
    this.#schedule();
  }

  #troubleOfTree(): Complaint | undefined {
    const { cgroup } = this.#options;
    const complain = (message: string): Complaint => ({
      severity: 'warning',
      object: `cgroup ${cgroup}`,
      path: '',
      message,
    });
    if (this.#options.level === undefined) {
      return complain(
        'nobody says how deep it lies below the root of cgroup v2: no rule for clients binds; see `shunt doctor`',
      );
    }
    if (this.#tree.roots.length > 0) return undefined;
    const extent = this.#tree.cut ? 'among the first directories below it' : 'below it';
    return complain(`the kubelet keeps no Pods ${extent}: no rule for clients binds; see \`shunt doctor\``);
  }
}

interface Sought {
  readonly pod: PodObject;
  readonly state: 'found' | 'waiting' | 'refused';
  readonly client: Client | undefined;
  /** In this state, by the first look that found it so; counts for who waits. */
  readonly sinceMs: number;
  /** Before the next look, while it waits. */
  readonly waitMs: number;
  readonly dueMs: number;
}

/** A Pod that is told again meanwhile is looked for at once, and waits as it did. */
const nextLook = (before: Sought | undefined, pod: PodObject, nowMs: number): Pick<Sought, 'waitMs' | 'dueMs'> => {
  if (before?.state !== 'waiting' || before.pod.cgroupUid !== pod.cgroupUid) {
    return { waitMs: RETRY_MS, dueMs: nowMs + RETRY_MS };
  }
  if (nowMs < before.dueMs) return before;
  const waitMs = Math.min(RETRY_MAX_MS, before.waitMs * 2);
  return { waitMs, dueMs: nowMs + waitMs };
};

/** Policies and routes that are for some clients, and routes of other namespaces, which are for the Pods of theirs. */
const hasClientRules = ({ policies, routes }: ClientCluster): boolean =>
  [...policies.byKey.values()].some(({ clients }) => clients !== undefined) ||
  [...routes.byKey.values()].some(({ namespace, parents }) => parents.some((parent) => parent.namespace !== namespace));

const podOf = (event: ClusterEvent): readonly string[] => {
  const ref = event.type === 'put' ? event.object : event.type === 'delete' ? event.ref : undefined;
  return ref?.kind === 'Pod' ? [keyOf(ref)] : [];
};
