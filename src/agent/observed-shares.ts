import type { Part } from '../core/plan/answer.ts';
import type { Plan } from '../core/plan/plan.ts';
import { armsOf, membersOf, type RangeAt, readRange } from '../core/plan/range.ts';
import type { Capacity, FrontendWrite, TableReader } from '../core/plan/transaction.ts';
import type { SingleCounters, StatsReader } from '../dataplane/dataplane.ts';
import type { ObservedShare } from './view.ts';

/**
 * What each endpoint got of the connections that were chosen since the shares of its port were last changed: what the kernel
 * has counted less what it had counted then. Counters are read when shares change and when somebody asks, at no other time.
 */
export class ObservedShares {
  /** By the record of a port, ms since the epoch; 0: nobody knows. */
  #sinceMs = new Float64Array(0);
  /** By the index of a backend; 0 where its record is free. Memory that is never written to is never had. */
  #chosen = new Float64Array(0);
  /** By the index of the record of an arm. */
  #rejected = new Float64Array(0);

  /**
   * To be called when the plan is in force: ports of which it wrote a range begin anew. `counters` are undefined where
   * nothing has been counted yet.
   */
  begin({ draft, transaction }: Plan, tables: TableReader, counters: SingleCounters | undefined, nowMs: number): void {
    this.#makeRoom(tables.capacity);
    const written = new Set(transaction.slots.map(({ base }) => base));
    for (const port of draft.ports.values()) {
      if (port === undefined) continue;
      const ranges = port.frontends.filter(({ slotCount }) => slotCount > 0);
      const isSame = this.#sinceMs[port.service] !== 0 && !ranges.some(({ slotBase }) => written.has(slotBase));
      if (isSame) continue;
      this.#sinceMs[port.service] = nowMs;
      // Of what nobody has used all counters are 0, and so is what was noted of them.
      if (counters?.isUsed(port.service)) for (const range of distinct(ranges)) this.#note(tables, counters, range);
    }
  }

  /** Their counters were set to zero. */
  clear({ backends, services }: { readonly backends: readonly number[]; readonly services: readonly number[] }): void {
    for (const index of backends) if (this.#chosen[index] !== 0) this.#chosen[index] = 0;
    for (const index of services) {
      if (this.#rejected[index] !== 0) this.#rejected[index] = 0;
      this.#sinceMs[index] = 0;
    }
  }

  /** What is in force may be another than was planned: nothing is known until it is planned again. */
  forget(): void {
    this.#sinceMs.fill(0);
  }

  /** Of one choice, and of each of its parts; undefined while nothing is known of it. */
  of({ service, slotCount }: FrontendWrite, parts: readonly Part[], stats: StatsReader): ObservedChoice | undefined {
    const sinceMs = slotCount === 0 ? 0 : (this.#sinceMs[service] ?? 0);
    if (sinceMs === 0) return undefined;
    const counts = new Map<number, number>();
    const rejections = new Map<number, number>();
    let of = 0;
    for (const { service: arm, backends } of parts) {
      if (backends.size === 0) {
        const count = since(stats.service(arm).rejected, this.#rejected[arm]);
        rejections.set(arm, count);
        of += count;
      }
      for (const index of backends.keys()) {
        const count = since(stats.chosen(index), this.#chosen[index]);
        counts.set(index, count);
        of += count;
      }
    }
    const shareOf = (count = 0): ObservedShare => ({ share: of === 0 ? 0 : count / of, of, sinceMs });
    return {
      backend: (index) => shareOf(counts.get(index)),
      refused: (arm) => shareOf(rejections.get(arm)),
    };
  }

  #note(tables: TableReader, counters: SingleCounters, at: RangeAt): void {
    const words = readRange(tables, at);
    if (words === undefined) return;
    if (!at.arms) {
      for (const { index } of membersOf(words, at.slotCount)) this.#chosen[index] = counters.chosen(index);
      return;
    }
    for (const arm of armsOf(words, at.slotCount)) {
      if (arm.slotCount === 0) this.#rejected[arm.service] = counters.rejected(arm.service);
      else this.#note(tables, counters, arm);
    }
  }

  #makeRoom({ backends, services }: Capacity): void {
    this.#sinceMs = enlarged(this.#sinceMs, services);
    this.#chosen = enlarged(this.#chosen, backends);
    this.#rejected = enlarged(this.#rejected, services);
  }
}

export interface ObservedChoice {
  /** By the index of its record. */
  backend(index: number): ObservedShare;
  /** By the record of an arm that is refused. */
  refused(service: number): ObservedShare;
}

/** After a growth that was cut, what was counted before it is missing until the next change. */
const since = (now: number, noted = 0): number => Math.max(0, now - noted);

/** Several addresses share a range. */
const distinct = (ranges: readonly FrontendWrite[]): Iterable<FrontendWrite> =>
  new Map(ranges.map((range) => [range.slotBase, range])).values();

const enlarged = (values: Float64Array<ArrayBuffer>, length: number): Float64Array<ArrayBuffer> => {
  if (length <= values.length) return values;
  const larger = new Float64Array(length);
  larger.set(values);
  return larger;
};
