import type { ReflectorClock } from './timing.ts';

/** Calls once when it was not touched for so long. Touching costs no timer: watches do it for every piece of bytes. */
export class Watchdog {
  readonly #clock: ReflectorClock;
  readonly #limitMs: number;
  readonly #onExpired: () => void;
  #touchedMs: number;
  #cancel: (() => void) | undefined;

  constructor(clock: ReflectorClock, limitMs: number, onExpired: () => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#onExpired = onExpired;
    this.#touchedMs = clock.monotonicMs();
    this.#arm(limitMs);
  }

  touch(): void {
    this.#touchedMs = this.#clock.monotonicMs();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(delayMs: number): void {
    this.#cancel = this.#clock.after(delayMs, () => {
      this.#cancel = undefined;
      const leftMs = this.#touchedMs + this.#limitMs - this.#clock.monotonicMs();
      // Timers may be a little early.
      if (leftMs > 1) this.#arm(leftMs);
      else this.#onExpired();
    });
  }
}

/** Waiting that can be cut short. */
export class Pause {
  readonly #clock: ReflectorClock;
  #wake: (() => void) | undefined;

  constructor(clock: ReflectorClock) {
    this.#clock = clock;
  }

  async wait(ms: number): Promise<void> {
    if (ms <= 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
    this.#wake = undefined;
  }

  wake(): void {
    this.#wake?.();
  }
}
