import type { ClusterEvent } from '../core/cluster.ts';
import type { Complaint, Origin } from '../core/model/objects.ts';
import type { RejectedObject, WantedStatus } from '../core/status/wanted.ts';

export type { ClusterEvent };

/** What a source tells. Calls come in order; a whole batch is one change of the cluster. */
export interface SourceSink {
  /**
   * `complaints` replaces everything this source complained about before. `whole`: all that exists could be read at least
   * once that can say where an address leads, so what was never told does not exist. Until then it may; from then on it
   * stays true.
   */
  readonly onChange: (events: readonly ClusterEvent[], complaints: readonly Complaint[], whole: boolean) => void;
  /** Every object that existed at the start and could be read has been told. Called once. */
  readonly onSynced: () => void;
  /** The source itself is in trouble (unreadable directory, lost server) and goes on trying; undefined once that is over. */
  readonly onTrouble: (error: Error | undefined) => void;
}

/** How one of the watches of a source is doing. Counters count from the start of the agent. */
export interface WatchStatus {
  /** `endpointslices` */
  readonly resource: string;
  /** In which it is read, such as `discovery.k8s.io/v1`; undefined while the server does not have it. */
  readonly apiVersion: string | undefined;
  /** Everything that existed was told at least once. */
  readonly synced: boolean;
  readonly objects: number;
  /** Since the epoch; undefined before the first. */
  readonly lastEventAtMs: number | undefined;
  readonly lastBookmarkAtMs: number | undefined;
  /** How often everything was read, by reason. */
  readonly syncs: Readonly<Record<string, number>>;
  /** How often a request ended and another followed, by cause. */
  readonly reconnects: Readonly<Record<string, number>>;
  readonly badLines: number;
  /** Objects with a change that was not taken yet. */
  readonly waiting: number;
}

/** How writing the status of objects is doing. Counters count from the start of the agent. */
export interface StatusWriting {
  /** Of all agents this one writes. */
  readonly isLeader: boolean;
  /** Who does, as far as is known: the name of its node and something random; empty: nobody. */
  readonly leader: string;
  /** Objects that are not known to say what they should. */
  readonly pending: number;
  /** Attempts by what became of them: `written`, `unchanged`, `conflict`, `gone`, `undone`, `failed`. */
  readonly writes: Readonly<Record<string, number>>;
}

/** Where cluster objects come from. */
export interface Source {
  readonly name: string;
  start(sink: SourceSink): Promise<void>;
  /** Resolves once no socket, timer or watcher is left; nothing is told afterwards. */
  stop(): Promise<void>;
  /** Of a source that reads files: where an object stands, named as complaints name it: `Service shop/cart`. */
  originOf?(object: string): Origin | undefined;
  /** Of a source that watches a server: one for each resource. */
  watches?(): readonly WatchStatus[];
  /** Of a source whose objects have a status: those that cannot be read, and say so there. The same list until it changes. */
  rejected?(): readonly RejectedObject[];
  /** All that objects should say of what becomes of them. It is written when there is time, by one of all agents. */
  want?(statuses: readonly WantedStatus[]): void;
  /** Undefined where nobody writes. */
  statusWriting?(): StatusWriting | undefined;
}
