import { type Clock, systemClock } from '../../src/agent/clock.ts';

/** Real time, which a test may jump ahead in: what was due meanwhile rings at once. */
export class ShiftedClock implements Clock {
  #aheadMs = 0;
  readonly #timers = new Set<{ readonly atMs: number; readonly ring: () => void }>();

  wallMs(): number {
    return systemClock.wallMs() + this.#aheadMs;
  }

  monotonicMs(): number {
    return systemClock.monotonicMs() + this.#aheadMs;
  }

  after(delayMs: number, call: () => void): () => void {
    const cancel = systemClock.after(delayMs, () => timer.ring());
    const end = (): void => {
      cancel();
      this.#timers.delete(timer);
    };
    const timer = {
      atMs: this.monotonicMs() + delayMs,
      ring: () => {
        end();
        call();
      },
    };
    this.#timers.add(timer);
    return end;
  }

  jump(ms: number): void {
    this.#aheadMs += ms;
    const nowMs = this.monotonicMs();
    for (const timer of [...this.#timers].sort((a, b) => a.atMs - b.atMs)) if (timer.atMs <= nowMs) timer.ring();
  }
}
