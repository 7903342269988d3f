import type { EventCounts, FlowEvents, TakenEvent } from '../dataplane/dataplane.ts';
import type { Clock } from './clock.ts';
import { EventQueue } from './event-queue.ts';
import { type EventFilter, type EventNames, eventView, isWanted, type SamplingView } from './event-view.ts';
import { every } from './periodic.ts';

export interface EventFeedOptions {
  readonly events: FlowEvents;
  readonly clock: Clock;
  readonly names: EventNames;
}

const LOOK_MS = 25;
/** Of one look, some milliseconds of work; the rest waits for the next one. */
const TAKE_MAX = 1000;
/** Events in one look that are all shown. Above that it is one in so many, so that about as many are shown. */
const BUSY = 500;
/** Sampling ends by halves, each after so long in which it was too much. */
const CALM_MS = 1000;
const SAMPLING_MAX = 2 ** 20;
/** How many there were, and what is lost, is said soon, but not for each look. */
const SAY_MS = 1000;
/** A connection on which nothing goes is taken for dead. */
const ALIVE_MS = 15_000;

/** Tells watchers what the kernel tells of connections. While nobody watches, the kernel tells nothing. */
export class EventFeed {
  readonly #options: EventFeedOptions;
  readonly #watchers = new Set<Watcher>();
  #stopLooking: (() => void) | undefined;
  #sampling = 1;
  #calmSinceMs = 0;
  #offered = 0;

  constructor(options: EventFeedOptions) {
    this.#options = options;
  }

  /** `perLook`: how many are enough in one look. Sampling is for everybody: the watcher who wants most leads it. */
  watch(filter: EventFilter, perLook = BUSY): EventQueue {
    const { events, clock } = this.#options;
    if (this.#watchers.size > 0) this.#takeAll();
    const queue = new EventQueue(() => this.#leave(watcher));
    const watcher = { filter, perLook, queue, since: events.counts(), saidMs: clock.monotonicMs(), said: '' };
    this.#watchers.add(watcher);
    if (this.#watchers.size === 1) this.#begin();
    else this.#wish();
    this.#say(watcher, events.counts());
    return queue;
  }

  /** Everybody learns how it ended. */
  stop(): void {
    if (this.#watchers.size > 0) this.#takeAll();
    for (const { queue } of [...this.#watchers]) queue.close();
  }

  #begin(): void {
    const { events, clock } = this.#options;
    this.#sampling = 1;
    this.#offered = events.counts().offered;
    this.#calmSinceMs = clock.monotonicMs();
    this.#wish();
    this.#stopLooking = every(clock, LOOK_MS, () => this.#look());
  }

  #leave(watcher: Watcher): void {
    if (!this.#watchers.delete(watcher)) return;
    if (this.#watchers.size > 0) {
      this.#wish();
      return;
    }
    this.#stopLooking?.();
    this.#stopLooking = undefined;
    this.#options.events.end();
  }

  #wish(): void {
    const wantsEstablished = ({ filter: { outcomes } }: Watcher): boolean =>
      outcomes.size === 0 || outcomes.has('established');
    this.#options.events.watch({
      every: this.#sampling,
      established: [...this.#watchers].some(wantsEstablished),
    });
  }

  #look(): void {
    this.#tell(this.#options.events.take(TAKE_MAX));
    const counts = this.#options.events.counts();
    this.#adapt(counts.offered - this.#offered);
    this.#offered = counts.offered;
    for (const watcher of this.#watchers) if (this.#isTimeToSay(watcher, counts)) this.#say(watcher, counts);
  }

  /** What is still there, before somebody comes or all go: the kernel may go on putting as much in. */
  #takeAll(): void {
    for (let looks = 0; looks < LOOKS_MAX; looks++) {
      const taken = this.#options.events.take(TAKE_MAX);
      this.#tell(taken);
      if (taken.length < TAKE_MAX) break;
    }
    const counts = this.#options.events.counts();
    for (const watcher of this.#watchers) this.#say(watcher, counts);
  }

  #tell(taken: readonly TakenEvent[]): void {
    if (taken.length === 0) return;
    const nowMs = this.#options.clock.wallMs();
    for (const event of taken) {
      const view = eventView(event, nowMs, this.#options.names);
      for (const { filter, queue } of this.#watchers) if (isWanted(view, filter)) queue.push(view);
    }
  }

  /** Up at once, by as much as it takes; down slowly. */
  #adapt(offered: number): void {
    const nowMs = this.#options.clock.monotonicMs();
    const needed = samplingFor(offered, Math.max(...[...this.#watchers].map(({ perLook }) => perLook)));
    if (needed >= this.#sampling) this.#calmSinceMs = nowMs;
    const isCalm = nowMs - this.#calmSinceMs >= CALM_MS;
    const sampling = isCalm ? Math.max(needed, this.#sampling / 2) : Math.max(needed, this.#sampling);
    if (isCalm) this.#calmSinceMs = nowMs;
    if (sampling === this.#sampling) return;
    this.#sampling = sampling;
    this.#wish();
  }

  #isTimeToSay(watcher: Watcher, counts: EventCounts): boolean {
    const waitedMs = this.#options.clock.monotonicMs() - watcher.saidMs;
    if (waitedMs >= ALIVE_MS) return true;
    return waitedMs >= SAY_MS && JSON.stringify(this.#sampled(watcher, counts)) !== watcher.said;
  }

  #say(watcher: Watcher, counts: EventCounts): void {
    const line = this.#sampled(watcher, counts);
    watcher.saidMs = this.#options.clock.monotonicMs();
    watcher.said = JSON.stringify(line);
    watcher.queue.say(line);
  }

  #sampled({ since, queue }: Watcher, counts: EventCounts): SamplingView {
    return {
      sampling: this.#sampling,
      offered: counts.offered - since.offered,
      sampledOut: counts.sampledOut - since.sampledOut,
      dropped: counts.dropped - since.dropped,
      skipped: queue.skipped,
    };
  }
}

interface Watcher {
  readonly filter: EventFilter;
  readonly perLook: number;
  readonly queue: EventQueue;
  /** Counts when it came. */
  readonly since: EventCounts;
  saidMs: number;
  said: string;
}

/** More than the ring holds. */
const LOOKS_MAX = 8;

/** The power of 2 by which no more than so many are left. */
export const samplingFor = (offered: number, perLook = BUSY): number => {
  let sampling = 1;
  while (offered / sampling > perLook && sampling < SAMPLING_MAX) sampling *= 2;
  return sampling;
};
