import type { EventRecord } from '../abi/event.ts';

export type { EventOutcome, EventRecord } from '../abi/event.ts';
export { EVENT_OUTCOME_NAMES as EVENT_OUTCOMES } from '../abi/layout.gen.ts';

/** What the kernel tells of connections one by one while it is asked to. One watcher: the agent. */
export interface FlowEvents {
  /** Begins, or goes on otherwise. What was left there from before is thrown away at the beginning. */
  watch(wish: EventWish): void;
  /** Takes out what is there, `max` at most. Never waits. */
  take(max: number): readonly TakenEvent[];
  /** Since the tables were made; they only grow while somebody watches. */
  counts(): EventCounts;
  /** The kernel tells nothing any more. What was not taken is lost. */
  end(): void;
}

export interface EventWish {
  /** One in so many is told, drawn by lot; 1: all. */
  readonly every: number;
  /** Handshakes are told, too, and not only ends and refusals. */
  readonly established: boolean;
}

export interface TakenEvent extends Omit<EventRecord, 'atNs'> {
  /** How long ago it happened. */
  readonly agoMs: number;
}

/** offered = taken + still there + sampledOut + dropped. */
export interface EventCounts {
  readonly offered: number;
  readonly sampledOut: number;
  /** There was no room. */
  readonly dropped: number;
}
