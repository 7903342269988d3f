/** Counters by name, as they were at one time. */
export interface Sample<Counts> {
  readonly atMs: number;
  readonly counts: ReadonlyMap<string, Counts>;
}

/** Nobody looked for so many windows: what was before then says little of now. */
const GAP = 2;

/** Counters of the last seconds: what they grew by, a second. */
export class RateWindow<Counts> {
  readonly #keepMs: number;
  #samples: readonly Sample<Counts>[] = [];

  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  /** Two readings make a rate. */
  get isKnown(): boolean {
    return this.#samples.length > 1;
  }

  /** The same reading again adds nothing; an earlier one is of another agent, and after a gap it begins anew. */
  note(sample: Sample<Counts>): void {
    const last = this.#samples.at(-1);
    if (last?.atMs === sample.atMs) return;
    const sinceMs = last === undefined ? 0 : sample.atMs - last.atMs;
    const kept = sinceMs < 0 || sinceMs > GAP * this.#keepMs ? [] : this.#samples;
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
    const within = usable.find(({ atMs }) => last.atMs - atMs < windowMs);
    const before = usable.findLast(({ atMs }) => last.atMs - atMs >= windowMs);
    const from = before !== undefined && last.atMs - before.atMs <= GAP * windowMs ? before : within;
    if (from === undefined || from.atMs === last.atMs) return undefined;
    return ((last.value - from.value) * 1000) / (last.atMs - from.atMs);
  }
}
