import { type Agent, createAgent } from '../../src/agent/agent.ts';
import { type Clock, systemClock } from '../../src/agent/clock.ts';
import { cgroupLevel } from '../../src/agent/pod-cgroups.ts';
import type { ChangeSummary } from '../../src/agent/view.ts';
import type { ClusterObject, ObjectRef } from '../../src/core/model/objects.ts';
import type { Capacity } from '../../src/core/plan/transaction.ts';
import type { Dataplane, SocketEnding } from '../../src/dataplane/dataplane.ts';
import { openKernel } from '../../src/dataplane/kernel/kernel.ts';
import { NAMESPACES } from '../../src/demo/namespace.ts';
import type { EmbeddedNode } from '../../src/demo/node.ts';
import type { ClusterEvent, Source, SourceSink } from '../../src/sources/source.ts';
import { agentObserver } from './agent-observer.ts';

export interface AgentOptions {
  readonly nodeName?: string;
  readonly connections?: number;
  readonly capacity?: Capacity;
  /** What it attaches to; the node's own cgroup if not given. */
  readonly cgroup?: string;
  readonly resyncMs?: number;
  readonly clock?: Clock;
  /** Directory of network namespaces; that of `ip netns` if not given. */
  readonly netns?: string;
  readonly socketEnding?: SocketEnding;
  readonly externalIPs?: boolean;
  readonly proxyName?: string;
  /** Where Pods' cgroups are; below that of the node if not given. */
  readonly clients?: { readonly cgroup: string; readonly level: number | undefined };
  /** What exists when the agent starts. */
  readonly objects?: readonly ClusterObject[];
}

/** The agent in this process, on the kernel, attached to a test node; its source is the test itself. */
export class RunningAgent implements AsyncDisposable {
  readonly agent: Agent;
  readonly dataplane: Dataplane;
  readonly #sink: Promise<SourceSink>;
  readonly #changes = new Changes();
  #stopped: Promise<void> | undefined;

  constructor(dataplane: Dataplane, options: AgentOptions) {
    const { source, sink } = testSource();
    this.dataplane = dataplane;
    this.#sink = sink;
    this.agent = createAgent({
      version: 'test',
      node: {
        name: options.nodeName ?? 'node-a',
        proxyName: options.proxyName ?? '',
        externalIPs: options.externalIPs ?? false,
      },
      source,
      dataplane,
      clock: options.clock ?? systemClock,
      observer: this.#changes.observer,
      resyncMs: options.resyncMs ?? 3_600_000,
      ...(options.clients === undefined ? {} : { clients: options.clients }),
    });
  }

  /** What was reported as failed, from the start on. */
  get failures(): readonly unknown[] {
    return this.#changes.failures;
  }

  /** Connected UDP sockets that were woken because their endpoint was gone. */
  get socketsEnded(): number {
    return this.#changes.socketsEnded;
  }

  /** Resolves when the objects are in force. */
  async start(objects: readonly ClusterObject[]): Promise<ChangeSummary> {
    await this.agent.start();
    const sink = await this.#sink;
    sink.onChange(objects.map(putEvent), [], true);
    const change = this.#changes.next();
    sink.onSynced();
    return change;
  }

  /** One change of the cluster; resolves when it is in force. */
  put(...objects: readonly ClusterObject[]): Promise<ChangeSummary> {
    return this.#change(objects.map(putEvent));
  }

  remove(...refs: readonly ObjectRef[]): Promise<ChangeSummary> {
    return this.#change(refs.map((ref) => ({ type: 'delete', ref })));
  }

  /** As a shutdown does: the kernel keeps routing. May be called again. */
  stop(): Promise<void> {
    this.#stopped ??= this.agent.stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #change(events: readonly ClusterEvent[]): Promise<ChangeSummary> {
    const sink = await this.#sink;
    const change = this.#changes.next();
    sink.onChange(events, [], true);
    return change;
  }
}

/** Small tables by default, so that tests meet growth and reuse too. */
const CAPACITY: Capacity = { frontends: 64, slots: 64, backends: 64, services: 64 };

export const startAgent = async (node: EmbeddedNode, options: AgentOptions = {}): Promise<RunningAgent> => {
  const dataplane = await openKernel({
    cgroup: options.cgroup ?? node.cgroup,
    bpfRoot: node.bpfRoot,
    connections: options.connections ?? 4096,
    capacity: options.capacity ?? CAPACITY,
    netns: options.netns ?? NAMESPACES,
    ...(options.socketEnding === undefined ? {} : { socketEnding: options.socketEnding }),
  });
  const clients = { cgroup: node.cgroup, level: cgroupLevel(node.cgroup) };
  const running = new RunningAgent(dataplane, { clients, ...options });
  await running.start(options.objects ?? []);
  return running;
};

const putEvent = (object: ClusterObject): ClusterEvent => ({ type: 'put', object });

const testSource = (): { source: Source; sink: Promise<SourceSink> } => {
  const { promise: sink, resolve } = Promise.withResolvers<SourceSink>();
  const source: Source = { name: 'test', start: async (given) => resolve(given), stop: async () => {} };
  return { source, sink };
};

/** Those who wait for the next change set get it, or the failure to apply it. */
class Changes {
  readonly failures: unknown[] = [];
  socketsEnded = 0;
  readonly observer = agentObserver((error) => this.failures.push(error), {
    onReady: (summary) => this.#tell(summary),
    onChange: (summary) => this.#tell(summary),
    onFailure: (error) => {
      this.failures.push(error);
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    },
    onSocketsEnded: (count) => {
      this.socketsEnded += count;
    },
    onSourceTrouble: (error) => {
      if (error !== undefined) throw error;
    },
  });
  #waiting: PromiseWithResolvers<ChangeSummary>[] = [];

  next(): Promise<ChangeSummary> {
    const waiting = Promise.withResolvers<ChangeSummary>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  #tell(summary: ChangeSummary): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve(summary);
  }
}
