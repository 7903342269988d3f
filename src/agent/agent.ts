import { explain } from '../core/explain.ts';
import type { Complaint } from '../core/model/objects.ts';
import type { StaleSocket } from '../dataplane/dataplane.ts';
import { ShuntError } from '../errors.ts';
import type { ClusterEvent } from '../sources/source.ts';
import type { AgentOptions } from './agent-options.ts';
import { type AgentParts, createParts } from './agent-parts.ts';
import { goneSockets } from './gone-sockets.ts';
import { every } from './periodic.ts';
import { Reconciler } from './reconciler.ts';
import { Runner } from './runner.ts';
import { statusOf } from './status.ts';
import { backendViews, heldShares, serviceUsage, serviceViews } from './tables.ts';
import { newTriggers } from './triggers.ts';
import type { AgentHealth, AgentStatus, AgentView, ChangeSummary } from './view.ts';

export type { AgentObserver, AgentOptions } from './agent-options.ts';

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
  readonly #parts: AgentParts;
  /** How to end them. */
  readonly #periods: (() => void)[] = [];
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
    this.#parts = createParts(options, this.#reconciler, {
      onWork: () => this.#request(),
      goneOf: (sockets) => this.#goneOf(sockets),
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
    this.#parts.events.stop();
    await this.#options.source.stop();
    this.#parts.clients?.stop();
    this.#parts.sameNode.stop();
    this.#reconciler.stop();
    await this.#runner.stop();
    this.#reconciler.stop();
    await this.#reconciler.settled();
    await this.#parts.datagrams.stop();
    for (const each of this.#parts.background) await each.stop();
    this.#options.dataplane.close();
  }

  status(): AgentStatus {
    return statusOf(this.#options, this.#reconciler, this.complaints(), {
      ...this.health(),
      startedAtMs: this.#startedAtMs,
      clients: this.#parts.clients?.counts() ?? { found: 0, waiting: 0, refused: 0 },
      sameNode: this.#parts.sameNode.status(),
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

  backends(...[only, left = true]: Parameters<AgentView['backends']>): ReturnType<AgentView['backends']> {
    return backendViews(this.#reconciler, this.#options.dataplane, { only, left });
  }

  usage(ids?: Iterable<string>): ReturnType<AgentView['usage']> {
    return serviceUsage(this.#reconciler, this.#options.dataplane, ids);
  }

  workloads(): ReturnType<AgentView['workloads']> {
    const { workloads } = this.#parts;
    return workloads && { usage: workloads.usage(), pairs: workloads.pairs() };
  }

  explain(question: Parameters<AgentView['explain']>[0]): ReturnType<AgentView['explain']> {
    const { cluster, have } = this.#reconciler;
    const table = have === undefined ? {} : { table: heldShares(cluster, have, question) };
    const reading = { synced: this.#synced, whole: this.#whole, complaints: this.#parts.complaints.ofSource };
    const slowStart = (service: string) => this.#reconciler.lastSlowStart(service);
    const { node, dataplane } = this.#options;
    const detached = dataplane.detachedPrograms();
    const sameNode = this.#parts.sameNode.obstacle;
    return explain({ cluster, node, reading, slowStart, sameNode, detached, ...table }, question);
  }

  events(...[filter, perLook]: Parameters<AgentView['events']>): ReturnType<AgentView['events']> {
    return this.#parts.events.watch(filter, perLook);
  }

  complaints(): readonly Complaint[] {
    return this.#parts.complaints.all();
  }

  verdicts(): Readonly<Record<string, number>> {
    return this.#options.dataplane.stats.verdicts();
  }

  detachedPrograms(): readonly string[] {
    return this.#options.dataplane.detachedPrograms();
  }

  programRuns(): ReturnType<AgentView['programRuns']> {
    return this.#options.dataplane.programRuns();
  }

  #take(events: readonly ClusterEvent[], complaints: readonly Complaint[], whole: boolean): void {
    this.#whole = whole;
    this.#parts.complaints.ofSource = complaints;
    if (this.#ready) this.#noteTriggers(newTriggers(events, this.#reconciler.cluster, this.#startedAtMs));
    const { clients, sameNode, statuses } = this.#parts;
    sameNode.note(events, this.#reconciler.note(events));
    clients?.take(events);
    statuses.note(events);
    this.#waitingSinceMs ??= this.#options.clock.monotonicMs();
    this.#request();
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
      this.#parts.sameNode.follow({ whole: whole && clientsKnown });
      this.#failure = '';
      this.#lastChange = { ...result, atMs: clock.wallMs(), durationMs: clock.monotonicMs() - waitingSinceMs };
    } catch (error) {
      this.#waitingSinceMs = Math.min(waitingSinceMs, this.#waitingSinceMs ?? waitingSinceMs);
      this.#triggersMs = triggersMs.concat(this.#triggersMs).slice(0, TRIGGERS_MAX);
      throw error;
    } finally {
      // They follow from the objects alone, whatever becomes of the tables of this node.
      this.#parts.statuses.feed();
    }
    this.#parts.complaints.tell();
    if (this.#ready) {
      observer.onProgrammed(triggersMs.map((triggeredMs) => clock.wallMs() - triggeredMs));
      observer.onChange(this.#lastChange);
    } else {
      this.#ready = true;
      for (const each of this.#parts.background) each.start();
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
    this.#parts.datagrams.request({ anew });
  }

  #goneOf(sockets: readonly StaleSocket[]): readonly StaleSocket[] | undefined {
    const { cluster, have, arms } = this.#reconciler;
    return this.#whole && have !== undefined ? goneSockets(cluster, have, arms, sockets) : undefined;
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
