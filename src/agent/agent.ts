import { placed } from '../core/desire/complaint.ts';
import type { NodeIdentity } from '../core/desire/desire.ts';
import { explain } from '../core/explain.ts';
import type { Complaint } from '../core/model/objects.ts';
import type { Dataplane, StaleSocket } from '../dataplane/dataplane.ts';
import { ShuntError } from '../errors.ts';
import type { ClusterEvent, Source } from '../sources/source.ts';
import { ClientCgroups } from './client-cgroups.ts';
import type { Clock } from './clock.ts';
import { newComplaints } from './complaints.ts';
import { DatagramSweep } from './datagram-sweep.ts';
import { EventFeed } from './event-feed.ts';
import { CurrentNames } from './event-names.ts';
import { goneSockets } from './gone-sockets.ts';
import { createLiveSweep } from './live-sweep.ts';
import { createLostSweep } from './lost-sweep.ts';
import { every } from './periodic.ts';
import { PodNames } from './pod-names.ts';
import { Reconciler } from './reconciler.ts';
import { Runner } from './runner.ts';
import { SameNodeFollower } from './same-node.ts';
import { statusOf } from './status.ts';
import { StatusFeed } from './status-feed.ts';
import type { Sweep } from './sweep.ts';
import { backendViews, heldShares, portOfRecord, serviceUsage, serviceViews } from './tables.ts';
import { newTriggers } from './triggers.ts';
import type { AgentHealth, AgentStatus, AgentView, ChangeSummary } from './view.ts';
import { Workloads } from './workloads.ts';

export interface AgentOptions {
  readonly version: string;
  readonly node: NodeIdentity;
  readonly source: Source;
  readonly dataplane: Dataplane;
  readonly clock: Clock;
  readonly observer: AgentObserver;
  /**
   * The cgroup below which clients are served, and its level below the root of cgroup v2, undefined where nobody can tell.
   * Absent: rules for some clients alone bind nobody.
   */
  readonly clients?: { readonly cgroup: string; readonly level: number | undefined };
  /** Whether Pods that want it are joined socket to socket; true when it is left out. */
  readonly sameNode?: boolean;
  /** The tables are compared with what they should hold this often, whatever the source says. */
  readonly resyncMs: number;
}

/** Is told what happens. Must not throw. */
export interface AgentObserver {
  /** Everything that existed at the start and could be read is known, and nothing of it is in force yet. Called once. */
  onSynced(): void;
  /** Every object that existed at the start and could be read is in force; `whole`: there were no others. Called once. */
  onReady(summary: ChangeSummary, whole: boolean): void;
  /** A change set was applied, or the tables were found to hold everything already. */
  onChange(summary: ChangeSummary): void;
  /** From `last-change-trigger-time` of an EndpointSlice to the kernel, once for each that came since the start. */
  onProgrammed(durationsMs: readonly number[]): void;
  /** Complaints that were not there before. */
  onComplaints(complaints: readonly Complaint[]): void;
  /** Undefined once it is over. */
  onSourceTrouble(error: Error | undefined): void;
  onFailure(error: unknown, retryInMs: number): void;
  /** This kernel cannot end sockets: connected UDP sockets keep an endpoint that is gone. Called once, at the start. */
  onSocketsKept(): void;
  /** So many connected UDP sockets were woken because their endpoint is gone. */
  onSocketsEnded(count: number): void;
  /** So many TCP connections were ended in the counters because their sockets are gone, which nobody had told. */
  onLostEnded(count: number): void;
  /** It could not be told which are lost; they count as active until a later time. */
  onLostFailure(error: unknown, retryInMs: number): void;
  /** What long connections carry could not be counted; it is at a later time, or when they end. */
  onLiveFailure(error: unknown, retryInMs: number): void;
  /** It could not be read who asked for what, or whose cgroups those are; it is at a later time. */
  onWorkloadsFailure(error: unknown, retryInMs: number): void;
  /** Sockets could not be looked at, or not all of them; they keep what they have until a later time. */
  onSocketsFailure(error: unknown, retryInMs: number): void;
}

export interface Agent extends AgentView {
  start(): Promise<void>;
  /** The kernel keeps routing as it was last told. */
  stop(): Promise<void>;
}

/** Between two change sets. A single event is applied at once; only what follows it closely waits. */
const INTERVAL_MS = 2;
const RETRY_MS = 100;
const RETRY_MAX_MS = 30_000;

/** While changes cannot be applied, times of events are kept for their metric. */
const TRIGGERS_MAX = 10_000;

/** Ten links are asked what they run and where: some 0.1 ms. */
export const PROGRAM_CHECK_MS = 10_000;
/** Choices of clients that were in force stay so long while no Pods are told. */
const CLIENTS_WAIT_MS = 60_000;

export const createAgent = (options: AgentOptions): Agent => new RunningAgent(options);

class RunningAgent implements Agent {
  readonly #options: AgentOptions;
  readonly #startedAtMs: number;
  readonly #reconciler: Reconciler;
  readonly #runner: Runner;
  readonly #sweep: DatagramSweep;
  readonly #lost: Sweep | undefined;
  readonly #live: Sweep | undefined;
  readonly #clients: ClientCgroups | undefined;
  readonly #events: EventFeed;
  readonly #workloads: Workloads | undefined;
  /** How to end them. */
  readonly #periods: (() => void)[] = [];
  readonly #statuses: StatusFeed;
  readonly #sameNode: SameNodeFollower;
  #isSweepDue = false;
  #synced = false;
  #whole = false;
  /** All Pods of this node were told once, or it took too long. */
  #clientsKnown = false;
  #ready = false;
  #trouble = '';
  #failure = '';
  #waitingSinceMs: number | undefined;
  #triggersMs: number[] = [];
  #resyncDue = false;
  #sourceComplaints: readonly Complaint[] = [];
  #toldOfSource: readonly Complaint[] = [];
  #toldOfOwn: readonly Complaint[] = [];
  #lastChange: ChangeSummary | undefined;

  constructor(options: AgentOptions) {
    const { clock, observer } = options;
    this.#options = options;
    this.#startedAtMs = clock.wallMs();
    this.#reconciler = new Reconciler({
      ...options,
      onWork: () => this.#request(),
      onBackgroundError: (error) => {
        observer.onFailure(error, INTERVAL_MS);
        this.#request();
      },
    });
    this.#runner = new Runner({
      clock,
      run: () => this.#run(),
      onError: (error, retryInMs) => {
        this.#failure = error instanceof Error ? error.message : String(error);
        observer.onFailure(error, retryInMs);
      },
      intervalMs: INTERVAL_MS,
      retryMs: RETRY_MS,
      retryMaxMs: RETRY_MAX_MS,
    });
    this.#clients = this.#followClients();
    this.#events = this.#feedEvents();
    this.#workloads = this.#followWorkloads();
    this.#statuses = new StatusFeed({ ...options, cluster: this.#reconciler.cluster });
    this.#sameNode = this.#followSameNode();
    this.#sweep = new DatagramSweep({
      ...options,
      goneOf: (sockets) => this.#goneOf(sockets),
      onEnded: (count) => observer.onSocketsEnded(count),
      onFailure: (error, retryInMs) => observer.onSocketsFailure(error, retryInMs),
    });
    this.#lost = createLostSweep({
      ...options,
      onEnded: (count) => observer.onLostEnded(count),
      onFailure: (error, retryInMs) => observer.onLostFailure(error, retryInMs),
    });
    this.#live = createLiveSweep({
      ...options,
      onFailure: (error, retryInMs) => observer.onLiveFailure(error, retryInMs),
    });
  }

  async start(): Promise<void> {
    const { clock, dataplane, observer, resyncMs } = this.#options;
    if (dataplane.socketEnding === 'none') observer.onSocketsKept();
    this.#periods.push(
      every(clock, resyncMs, () => this.#resync()),
      every(clock, PROGRAM_CHECK_MS, () => this.#checkPrograms()),
    );
    await this.#options.source.start({
      onChange: (events, complaints, whole) => this.#take(events, complaints, whole),
      onSynced: () => {
        this.#synced = true;
        this.#periods.push(clock.after(CLIENTS_WAIT_MS, () => this.#waitNoLonger()));
        this.#options.observer.onSynced();
        this.#request();
      },
      onTrouble: (error) => {
        this.#trouble = error?.message ?? '';
        this.#options.observer.onSourceTrouble(error);
      },
    });
  }

  async stop(): Promise<void> {
    for (const end of this.#periods) end();
    this.#events.stop();
    await this.#options.source.stop();
    this.#clients?.stop();
    this.#sameNode.stop();
    this.#reconciler.stop();
    await this.#runner.stop();
    this.#reconciler.stop();
    await this.#reconciler.settled();
    await this.#sweep.stop();
    await this.#lost?.stop();
    await this.#live?.stop();
    await this.#workloads?.stop();
    this.#options.dataplane.close();
  }

  status(): AgentStatus {
    return statusOf(this.#options, this.#reconciler, this.complaints(), {
      ...this.health(),
      startedAtMs: this.#startedAtMs,
      clients: this.#clients?.counts() ?? { found: 0, waiting: 0, refused: 0 },
      sameNode: this.#sameNode.status(),
      lastChange: this.#lastChange,
    });
  }

  health(): AgentHealth {
    const { name } = this.#options.source;
    return {
      source: { name, synced: this.#synced, whole: this.#whole, trouble: this.#trouble },
      ready: this.#ready,
      unhealthy: this.#failure,
    };
  }

  services(only?: string): ReturnType<AgentView['services']> {
    return serviceViews(this.#reconciler, this.#options.dataplane, only);
  }

  backends(only?: string): ReturnType<AgentView['backends']> {
    return backendViews(this.#reconciler, this.#options.dataplane, only);
  }

  usage(): ReturnType<AgentView['usage']> {
    return serviceUsage(this.#reconciler, this.#options.dataplane);
  }

  workloads(): ReturnType<AgentView['workloads']> {
    const usage = this.#workloads?.usage();
    return this.#workloads && usage && { usage, pairs: this.#workloads.pairs() };
  }

  explain(question: Parameters<AgentView['explain']>[0]): ReturnType<AgentView['explain']> {
    const { cluster, have } = this.#reconciler;
    const table = have === undefined ? {} : { table: heldShares(cluster, have, question) };
    const reading = { synced: this.#synced, whole: this.#whole, complaints: this.#sourceComplaints };
    const slowStart = (service: string) => this.#reconciler.lastSlowStart(service);
    const { node, dataplane } = this.#options;
    const detached = dataplane.detachedPrograms();
    const sameNode = this.#sameNode.obstacle;
    return explain({ cluster, node, reading, slowStart, sameNode, detached, ...table }, question);
  }

  events(filter: Parameters<AgentView['events']>[0]): ReturnType<AgentView['events']> {
    return this.#events.watch(filter);
  }

  complaints(): readonly Complaint[] {
    return [...this.#sourceComplaints, ...this.#placed([...this.#reconciler.complaints(), ...this.#ownComplaints()])];
  }

  verdicts(): Readonly<Record<string, number>> {
    return this.#options.dataplane.stats.verdicts();
  }

  detachedPrograms(): readonly string[] {
    return this.#options.dataplane.detachedPrograms();
  }

  #take(events: readonly ClusterEvent[], complaints: readonly Complaint[], whole: boolean): void {
    this.#whole = whole;
    this.#sourceComplaints = complaints;
    if (this.#ready) this.#noteTriggers(newTriggers(events, this.#reconciler.cluster, this.#startedAtMs));
    this.#sameNode.note(events, this.#reconciler.note(events));
    this.#clients?.take(events);
    this.#statuses.note(events);
    this.#waitingSinceMs ??= this.#options.clock.monotonicMs();
    this.#request();
  }

  #followSameNode(): SameNodeFollower {
    const { dataplane, node, clock, sameNode: isOn = true } = this.#options;
    return new SameNodeFollower({
      sameNode: dataplane.sameNode,
      cluster: this.#reconciler.cluster,
      node,
      clock,
      isOn,
      onTrouble: () => this.#tellComplaints(),
    });
  }

  #followClients(): ClientCgroups | undefined {
    const { clients, node, clock } = this.#options;
    if (clients === undefined) return undefined;
    return new ClientCgroups({
      ...clients,
      node: node.name,
      clock,
      cluster: this.#reconciler.cluster,
      emit: (events) => {
        this.#reconciler.note(events);
        this.#request();
      },
      onTrouble: () => this.#tellComplaints(),
    });
  }

  #feedEvents(): EventFeed {
    const { clients, node, clock, dataplane } = this.#options;
    const { cluster } = this.#reconciler;
    const pods = clients && new PodNames({ cgroup: clients.cgroup, node: node.name, clock, cluster });
    return new EventFeed({
      events: dataplane.events,
      clock,
      names: new CurrentNames(() => this.#reconciler.have, pods),
    });
  }

  #followWorkloads(): Workloads | undefined {
    const { clients, dataplane, node, clock, observer } = this.#options;
    if (clients === undefined || dataplane.callers === undefined) return undefined;
    return new Workloads({
      callers: dataplane.callers,
      cgroup: clients.cgroup,
      node: node.name,
      cluster: this.#reconciler.cluster,
      clock,
      portOf: () => portOfRecord(this.#reconciler, dataplane),
      onFailure: (error, retryInMs) => observer.onWorkloadsFailure(error, retryInMs),
    });
  }

  /** What follows from several objects is known to no reader of one. */
  #placed(complaints: readonly Complaint[]): readonly Complaint[] {
    const { source } = this.#options;
    return complaints.map((complaint) => placed(complaint, source.originOf?.(complaint.object)));
  }

  /** About this node. */
  #ownComplaints(): readonly Complaint[] {
    return [...this.#clientComplaints(), ...this.#sameNode.complaints()];
  }

  #clientComplaints(): readonly Complaint[] {
    return this.#clients?.complaints() ?? [];
  }

  /** Of a change that cannot be applied for long the oldest say enough. */
  #noteTriggers(triggersMs: readonly number[]): void {
    this.#triggersMs.push(...triggersMs.slice(0, TRIGGERS_MAX - this.#triggersMs.length));
  }

  /** Nothing is written before everything that exists is known: half a cluster would look like a deletion. */
  #request(): void {
    if (this.#synced) this.#runner.request();
  }

  async #run(): Promise<void> {
    const { clock, dataplane, observer } = this.#options;
    const waitingSinceMs = this.#waitingSinceMs ?? clock.monotonicMs();
    const triggersMs = this.#triggersMs;
    this.#waitingSinceMs = undefined;
    this.#triggersMs = [];
    const resync = this.#resyncDue;
    if (resync) this.#reconciler.forget();
    this.#resyncDue = false;
    const whole = this.#whole;
    const clientsKnown = this.#areClientsKnown();
    try {
      const { datagrams, ...result } = await this.#reconciler.run({ whole, clientsKnown });
      await dataplane.activate();
      this.#requestSweep(datagrams, whole, resync);
      // Of a server Pods may be told later than all the rest.
      this.#sameNode.follow({ whole: whole && clientsKnown });
      this.#failure = '';
      this.#lastChange = { ...result, atMs: clock.wallMs(), durationMs: clock.monotonicMs() - waitingSinceMs };
    } catch (error) {
      this.#waitingSinceMs = Math.min(waitingSinceMs, this.#waitingSinceMs ?? waitingSinceMs);
      this.#triggersMs = triggersMs.concat(this.#triggersMs).slice(0, TRIGGERS_MAX);
      throw error;
    } finally {
      // They follow from the objects alone, whatever becomes of the tables of this node.
      this.#statuses.feed();
    }
    this.#tellComplaints();
    if (this.#ready) {
      observer.onProgrammed(triggersMs.map((triggeredMs) => clock.wallMs() - triggeredMs));
      observer.onChange(this.#lastChange);
    } else {
      this.#ready = true;
      this.#lost?.start();
      this.#live?.start();
      this.#workloads?.start();
      observer.onReady(this.#lastChange, whole);
    }
  }

  /** Without Pods what is left of Services that are gone must go all the same. */
  #waitNoLonger(): void {
    if (this.#clientsKnown) return;
    this.#clientsKnown = true;
    this.#request();
  }

  /** Objects without a server are read together. */
  #areClientsKnown(): boolean {
    const pods = this.#options.source.watches?.().find(({ resource }) => resource === 'pods');
    this.#clientsKnown ||= pods === undefined || pods.synced;
    return this.#clientsKnown;
  }

  /** Half a cluster would look like endpoints that are gone. */
  #requestSweep(datagrams: boolean, whole: boolean, anew: boolean): void {
    this.#isSweepDue ||= datagrams;
    if (!this.#isSweepDue || !whole) return;
    this.#isSweepDue = false;
    this.#sweep.request({ anew });
  }

  #goneOf(sockets: readonly StaleSocket[]): readonly StaleSocket[] | undefined {
    const { cluster, have, arms } = this.#reconciler;
    return this.#whole && have !== undefined ? goneSockets(cluster, have, arms, sockets) : undefined;
  }

  #tellComplaints(): void {
    const ofSource = newComplaints(this.#toldOfSource, this.#sourceComplaints);
    this.#toldOfSource = this.#sourceComplaints;
    const own = this.#ownComplaints();
    const ofOwn = newComplaints(this.#toldOfOwn, own);
    this.#toldOfOwn = own;
    const fresh = [...ofSource, ...this.#placed([...this.#reconciler.takeFreshComplaints(), ...ofOwn])];
    if (fresh.length > 0) this.#options.observer.onComplaints(fresh);
  }

  #resync(): void {
    this.#resyncDue = true;
    this.#request();
  }

  #checkPrograms(): void {
    const { dataplane, observer } = this.#options;
    try {
      const lost = dataplane.lostPrograms();
      if (lost.length === 0) return;
      observer.onFailure(new ShuntError('SHUNT_E_DETACHED', { programs: lost.join(', ') }), 0);
      this.#request();
    } catch (error) {
      observer.onFailure(error, PROGRAM_CHECK_MS);
    }
  }
}
