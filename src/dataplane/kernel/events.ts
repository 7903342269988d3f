import { decodeEvent } from '../../abi/event.ts';
import { EVENT, EVENT_CONTROL, EVENT_STATS } from '../../abi/layout.gen.ts';
import { counterAt, storeWord } from '../../abi/memory.ts';
import { RingReader } from '../../native/ring.ts';
import type { EventCounts, EventWish, FlowEvents, TakenEvent } from '../flow-events.ts';
import type { Loaded } from './load.ts';

/** Events through the ring buffer (bpf/event.h). It is mapped only while somebody watches. */
export class KernelEvents implements FlowEvents {
  readonly #loaded: () => Loaded;
  #ring: RingReader | undefined;
  #records = new Uint8Array(0);

  constructor(loaded: () => Loaded) {
    this.#loaded = loaded;
    // An agent that was killed may have left its wish behind.
    this.end();
  }

  watch({ every, established }: EventWish): void {
    if (this.#ring === undefined) this.#open();
    const control = this.#loaded().memory.event_control;
    storeWord(control, 0, EVENT_CONTROL.established, established ? 1 : 0);
    storeWord(control, 0, EVENT_CONTROL.every, every);
  }

  take(max: number): readonly TakenEvent[] {
    if (this.#ring === undefined) return [];
    if (this.#records.length < max * EVENT.size) this.#records = new Uint8Array(max * EVENT.size);
    const records = this.#records.subarray(0, max * EVENT.size);
    const count = this.#ring.read(records);
    const nowNs = process.hrtime.bigint();
    return Array.from({ length: count }, (_, index) => {
      const { atNs, ...event } = decodeEvent(records, index * EVENT.size);
      return { ...event, agoMs: Math.max(0, Number(nowNs - atNs) / 1e6) };
    });
  }

  counts(): EventCounts {
    const { event_stats: stats } = this.#loaded().memory;
    // Ends before beginnings: what is counted is never more than what was offered.
    const dropped = counterAt(stats, 0, EVENT_STATS.dropped);
    const sampledOut = counterAt(stats, 0, EVENT_STATS.sampledOut);
    return { offered: counterAt(stats, 0, EVENT_STATS.offered), sampledOut, dropped };
  }

  end(): void {
    storeWord(this.#loaded().memory.event_control, 0, EVENT_CONTROL.every, 0);
    this.#ring?.close();
    this.#ring = undefined;
    this.#records = new Uint8Array(0);
  }

  /** Of the last watcher something may be left. */
  #open(): void {
    const ring = new RingReader(this.#loaded().maps.events, EVENT.size);
    const rest = new Uint8Array(REST_RECORDS * EVENT.size);
    while (ring.read(rest) > 0) {}
    this.#ring = ring;
  }
}

const REST_RECORDS = 512;
