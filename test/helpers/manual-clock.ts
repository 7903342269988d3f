import type { Clock } from '../../src/agent/clock.ts';

/** Time that passes only when a test says so. */
export class ManualClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Set<{ readonly atMs: number; readonly call: () => void }>();

  wallMs(): number {
    return 1_000_000 + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, call: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, call };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  get waiting(): number {
    return this.#timers.size;
  }

  /** When the next timer rings; undefined when none is set. */
  get nextMs(): number | undefined {
    return [...this.#timers].map(({ atMs }) => atMs).sort((a, b) => a - b)[0];
  }

  /** Rings what is due on the way, in order, and lets promises go on after each. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = due.atMs;
      due.call();
      await settle();
    }
    this.#nowMs = endMs;
    await settle();
  }
}

/** Enough turns of the event loop for a run with all that it waits for. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};
