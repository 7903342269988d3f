import type { Cluster } from '../core/cluster.ts';
import { noteStarts, type SlowStart, type Starts, slowStartAt } from '../core/desire/slow-start.ts';
import type { Clock } from './clock.ts';

export interface SlowStartsOptions {
  readonly clock: Clock;
  readonly cluster: Cluster;
  /** Weights of these Services, by key, are to be worked out again. */
  readonly onDue: (keys: readonly string[]) => void;
}

/**
 * Since when endpoints can answer, of Services whose new ones start slowly, and when their weights change next. New is
 * what became ready while this agent looked: not what was there at its start, or before somebody asked for a slow start.
 * What was gone and came back is new.
 */
export class SlowStarts {
  readonly #options: SlowStartsOptions;
  readonly #starts: Starts = new Map();
  readonly #dueMs = new Map<string, number>();
  /** When weights were worked out that are to be worked out again. */
  readonly #lastMs = new Map<string, number>();
  #cancelTimer: (() => void) | undefined;

  constructor(options: SlowStartsOptions) {
    this.#options = options;
  }

  /**
   * Of all Services that may have changed, before weights of any are worked out: they may share connections. `whole`:
   * what was not told before did not exist.
   */
  follow(keys: Iterable<string>, { whole }: { readonly whole: boolean }): void {
    const { clock, cluster } = this.#options;
    // Nearly everywhere: nobody can ask for a slow start, and nobody did.
    if (cluster.policies.byKey.size + cluster.destinationRules.byKey.size + this.#starts.size === 0) return;
    const nowMs = whole ? clock.monotonicMs() : Number.NEGATIVE_INFINITY;
    for (const key of keys) noteStarts(this.#starts, cluster, key, nowMs);
  }

  now(): SlowStart {
    return slowStartAt(this.#starts, this.#options.clock.monotonicMs());
  }

  /** As the weights of this Service were worked out by the last time: what the tables hold until they are due again. */
  last(key: string): SlowStart {
    return slowStartAt(this.#starts, this.#lastMs.get(key) ?? this.#options.clock.monotonicMs());
  }

  /**
   * Has `onDue` called once after that time, in place of what was asked for before. Undefined: not at all. `nowMs`: as of
   * when weights were worked out.
   */
  askAgain(key: string, afterMs: number | undefined, nowMs = this.#options.clock.monotonicMs()): void {
    if (afterMs === undefined) {
      this.#lastMs.delete(key);
      if (!this.#dueMs.delete(key)) return;
    } else {
      this.#lastMs.set(key, nowMs);
      this.#dueMs.set(key, this.#options.clock.monotonicMs() + afterMs);
    }
    this.#schedule();
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#dueMs.clear();
  }

  /** One timer, for whoever is due first. */
  #schedule(): void {
    const { clock } = this.#options;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#dueMs.size === 0) return;
    const firstMs = [...this.#dueMs.values()].reduce((first, each) => Math.min(first, each));
    this.#cancelTimer = clock.after(Math.max(0, firstMs - clock.monotonicMs()), () => this.#ring());
  }

  #ring(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const due = [...this.#dueMs].filter(([, atMs]) => atMs <= nowMs).map(([key]) => key);
    for (const key of due) this.#dueMs.delete(key);
    this.#schedule();
    if (due.length > 0) this.#options.onDue(due);
  }
}
