import type { EventCounts, EventWish, FlowEvents, TakenEvent } from '../flow-events.ts';

/** A ring of so many events, of which the test says what happens. Every n-th is told, by no lot. */
export class FakeEvents implements FlowEvents {
  /** Undefined: nobody watches. */
  wish: EventWish | undefined;
  readonly wishes: (EventWish | undefined)[] = [];
  readonly room: number;
  #there: TakenEvent[] = [];
  #counts: EventCounts = { offered: 0, sampledOut: 0, dropped: 0 };

  constructor(room = 1000) {
    this.room = room;
  }

  watch(wish: EventWish): void {
    if (this.wish === undefined) this.#there = [];
    this.wish = wish;
    this.wishes.push(wish);
  }

  take(max: number): readonly TakenEvent[] {
    return this.#there.splice(0, max);
  }

  counts(): EventCounts {
    return this.#counts;
  }

  end(): void {
    this.wish = undefined;
    this.wishes.push(undefined);
  }

  /** As the kernel does it. */
  happen(event: TakenEvent): void {
    if (this.wish === undefined || (event.outcome === 'established' && !this.wish.established)) return;
    const { offered, sampledOut, dropped } = this.#counts;
    const isDrawn = (offered + 1) % this.wish.every === 0;
    const hasRoom = this.#there.length < this.room;
    if (isDrawn && hasRoom) this.#there.push(event);
    this.#counts = {
      offered: offered + 1,
      sampledOut: sampledOut + (isDrawn ? 0 : 1),
      dropped: dropped + (isDrawn && !hasRoom ? 1 : 0),
    };
  }
}
