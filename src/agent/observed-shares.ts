import type { Part } from '../core/plan/answer.ts';
import type { Plan } from '../core/plan/plan.ts';
import { armsOf, membersOf, type RangeAt, readRange } from '../core/plan/range.ts';
import type { Capacity, FrontendWrite, TableReader } from '../core/plan/transaction.ts';
import type { StatsReader } from '../dataplane/dataplane.ts';
import type { ObservedShare } from './view.ts';

/**
 * What each endpoint got of the connections that were chosen since the shares were last changed: what the kernel has
 * counted less what it had counted then. Counters are read when shares change and when somebody asks, at no other time.
 */
export class ObservedShares {
  /** By the base of a range, ms since the epoch; 0: nobody knows. */
  #sinceMs = new Float64Array(0);
  /** By the index of a backend; 0 where its record is free. */
  #chosen = new Float64Array(0);
  /** By the index of the record of an arm. */
  #rejected = new Float64Array(0);

  /** To be called when the plan is in force: ranges that it wrote begin anew. */
  begin({ draft, transaction }: Plan, tables: TableReader, stats: StatsReader, nowMs: number): void {
    this.#makeRoom(tables.capacity);
    const written = new Set(transaction.slots.map(({ base }) => base));
    for (const port of draft.ports.values()) {
      // Of what nobody has used all counters are 0, and so is what was noted of them.
      const isUsed = port !== undefined && stats.isUsed(port.service);
      for (const at of port?.frontends ?? []) {
        // Several addresses share a range.
        const isWritten = written.delete(at.slotBase);
        if (at.slotCount === 0 || (!isWritten && this.#sinceMs[at.slotBase] !== 0)) continue;
        this.#sinceMs[at.slotBase] = nowMs;
        if (isUsed) this.#note(tables, stats, at);
      }
    }
  }

  /** Their counters were set to zero. */
  clear({ backends, services }: { readonly backends: readonly number[]; readonly services: readonly number[] }): void {
    for (const index of backends) this.#chosen[index] = 0;
    for (const index of services) this.#rejected[index] = 0;
  }

  /** What is in force may be another than was planned: nothing is known until it is planned again. */
  forget(): void {
    this.#sinceMs.fill(0);
  }

  /** Of one choice, and of each of its parts; undefined while nothing is known of it. */
  of({ slotBase, slotCount }: FrontendWrite, parts: readonly Part[], stats: StatsReader): ObservedChoice | undefined {
    const sinceMs = slotCount === 0 ? 0 : (this.#sinceMs[slotBase] ?? 0);
    if (sinceMs === 0) return undefined;
    const counts = new Map<number, number>();
    const rejections = new Map<number, number>();
    let of = 0;
    for (const { service, backends } of parts) {
      if (backends.size === 0) {
        const count = stats.service(service).rejected - (this.#rejected[service] ?? 0);
        rejections.set(service, count);
        of += count;
      }
      for (const index of backends.keys()) {
        const count = stats.chosen(index) - (this.#chosen[index] ?? 0);
        counts.set(index, count);
        of += count;
      }
    }
    const shareOf = (count = 0): ObservedShare => ({ share: of === 0 ? 0 : count / of, of, sinceMs });
    return {
      backend: (index) => shareOf(counts.get(index)),
      refused: (service) => shareOf(rejections.get(service)),
    };
  }

  #note(tables: TableReader, stats: StatsReader, at: RangeAt): void {
    const words = readRange(tables, at);
    if (words === undefined) return;
    if (!at.arms) {
      for (const { index } of membersOf(words, at.slotCount)) this.#chosen[index] = stats.chosen(index);
      return;
    }
    for (const arm of armsOf(words, at.slotCount)) {
      if (arm.slotCount === 0) this.#rejected[arm.service] = stats.service(arm.service).rejected;
      else this.#note(tables, stats, arm);
    }
  }

  #makeRoom({ slots, backends, services }: Capacity): void {
    this.#sinceMs = enlarged(this.#sinceMs, slots);
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

const enlarged = (values: Float64Array<ArrayBuffer>, length: number): Float64Array<ArrayBuffer> => {
  if (length <= values.length) return values;
  const larger = new Float64Array(length);
  larger.set(values);
  return larger;
};
