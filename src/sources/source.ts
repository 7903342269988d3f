import type { ClusterEvent } from '../core/cluster.ts';
import type { Complaint } from '../core/model/objects.ts';

export type { ClusterEvent };

/** What a source tells. Calls come in order; a whole batch is one change of the cluster. */
export interface SourceSink {
  /**
   * `complaints` replaces everything this source complained about before. `whole`: all that exists could be read at least
   * once, so what was never told does not exist. Until then it may; from then on it stays true.
   */
  readonly onChange: (events: readonly ClusterEvent[], complaints: readonly Complaint[], whole: boolean) => void;
  /** Every object that existed at the start and could be read has been told. Called once. */
  readonly onSynced: () => void;
  /** The source itself is in trouble (unreadable directory, lost server) and goes on trying; undefined once that is over. */
  readonly onTrouble: (error: Error | undefined) => void;
}

/** Where cluster objects come from. */
export interface Source {
  readonly name: string;
  start(sink: SourceSink): Promise<void>;
  /** Resolves once no socket, timer or watcher is left; nothing is told afterwards. */
  stop(): Promise<void>;
}
