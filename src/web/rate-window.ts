/** Counters by name, as they were at one time. */
export interface Sample<Counts> {
  readonly atMs: number;
  readonly counts: ReadonlyMap<string, Counts>;
}

/** Counters of the last seconds: what they grew by, a second. */
export class RateWindow<Counts> {
  readonly #keepMs: number;
  #samples: readonly Sample<Counts>[] = [];

  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  /** The same reading again adds nothing; an earlier one is of another agent. */
  note(sample: Sample<Counts>): void {
    const last = this.#samples.at(-1);
    if (last?.atMs === sample.atMs) return;
    const kept = last !== undefined && last.atMs > sample.atMs ? [] : this.#samples;
    // One more than needed: the window begins somewhere between two samples.
    const first = kept.findLastIndex(({ atMs }) => sample.atMs - atMs >= this.#keepMs);
    this.#samples = [...kept.slice(Math.max(0, first)), sample];
  }

  /** Undefined while there are no two samples of it. Counters that went back were reset: nothing is known of what was before. */
  rate(key: string, windowMs: number, read: (counts: Counts) => number): number | undefined {
    const known = this.#samples.flatMap(({ atMs, counts }) => {
      const value = counts.get(key);
      return value === undefined ? [] : [{ atMs, value: read(value) }];
    });
    const last = known.at(-1);
    if (last === undefined || last.atMs !== this.#samples.at(-1)?.atMs) return undefined;
    const reset = known.findLastIndex(({ value }, index) => value > (known[index + 1]?.value ?? value));
    const usable = known.slice(reset + 1);
    const from = usable.findLast(({ atMs }) => last.atMs - atMs >= windowMs) ?? usable[0];
    if (from === undefined || from.atMs === last.atMs) return undefined;
    return ((last.value - from.value) * 1000) / (last.atMs - from.atMs);
  }
}
