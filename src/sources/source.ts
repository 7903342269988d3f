import type { ClusterObject, Complaint, ObjectRef } from '../core/model/objects.ts';

export type ClusterEvent =
  | { readonly type: 'put'; readonly object: ClusterObject }
  | { readonly type: 'delete'; readonly ref: ObjectRef };

/** What a source tells. Calls come in order; a whole batch is one change of the cluster. */
export interface SourceSink {
  /** `complaints` replaces everything this source complained about before. */
  readonly onChange: (events: readonly ClusterEvent[], complaints: readonly Complaint[]) => void;
  /** Every object that existed at the start has been told. Called once. */
  readonly onSynced: () => void;
  /** The source itself is in trouble (unreadable directory, lost server); it goes on trying. */
  readonly onTrouble: (error: Error) => void;
}

/** Where cluster objects come from. */
export interface Source {
  readonly name: string;
  start(sink: SourceSink): Promise<void>;
  /** Resolves once no socket, timer or watcher is left; nothing is told afterwards. */
  stop(): Promise<void>;
}
