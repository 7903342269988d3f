import type { ServiceInput } from '../core/desire/desire.ts';
import { STANDING, standingOf } from '../core/desire/standing.ts';
import type { Clock } from './clock.ts';

export interface SlowStartsOptions {
  readonly clock: Clock;
  /** Weights of these Services, by key, are to be worked out again. */
  readonly onDue: (keys: readonly string[]) => void;
}

/**
 * Since when endpoints can answer, of Services whose new ones start slowly. New is what became ready while this agent
 * looked: not what was there at its start, or before somebody asked for a slow start, and also what was gone and came back.
 */
export class SlowStarts {
  readonly #options: SlowStartsOptions;
  /** By Service key, then by address: monotonic ms; -Infinity for what is not new. */
  readonly #since = new Map<string, ReadonlyMap<string, number>>();
  readonly #dueMs = new Map<string, number>();
  #cancelTimer: (() => void) | undefined;

  constructor(options: SlowStartsOptions) {
    this.#options = options;
  }

  /**
   * Of each Service that may have changed, before weights of any are worked out: they may share connections. `input` is
   * undefined when it is gone. `whole`: what was not told before did not exist.
   */
  follow(key: string, input: ServiceInput | undefined, { whole }: { readonly whole: boolean }): void {
    if (input === undefined || !input.policies.some(({ slowStartMs }) => slowStartMs > 0)) {
      this.#since.delete(key);
      return;
    }
    const before = this.#since.get(key);
    const nowMs = before !== undefined && whole ? this.#options.clock.monotonicMs() : Number.NEGATIVE_INFINITY;
    const since = new Map<string, number>();
    for (const address of readyAddresses(input)) since.set(address, before?.get(address) ?? nowMs);
    this.#since.set(key, since);
  }

  /** Monotonic ms. Undefined, also for what is not known: not new. */
  startedAtMs(key: string, address: string): number | undefined {
    const sinceMs = this.#since.get(key)?.get(address);
    return sinceMs === Number.NEGATIVE_INFINITY ? undefined : sinceMs;
  }

  /** Has `onDue` called once after that time, in place of what was asked for before. Undefined: not at all. */
  askAgain(key: string, afterMs: number | undefined): void {
    if (afterMs !== undefined) this.#dueMs.set(key, this.#options.clock.monotonicMs() + afterMs);
    else if (!this.#dueMs.delete(key)) return;
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
    const firstMs = Math.min(...this.#dueMs.values());
    if (!Number.isFinite(firstMs)) return;
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

function* readyAddresses({ service, slices }: ServiceInput): Generator<string> {
  for (const { endpoints } of slices) {
    for (const endpoint of endpoints) if (standingOf(endpoint, service) === STANDING.ready) yield endpoint.address;
  }
}
