import type { NodeIdentity } from '../core/desire/desire.ts';
import type { Complaint } from '../core/model/objects.ts';
import type { Dataplane } from '../dataplane/dataplane.ts';
import type { Source } from '../sources/source.ts';
import type { Clock } from './clock.ts';
import type { ChangeSummary } from './view.ts';

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
