import type { ReflectorClock } from '../timing.ts';

/** So many at once, and so many each second: a token bucket. */
export class Allowance {
  readonly #clock: ReflectorClock;
  readonly #perMs: number;
  readonly #burst: number;
  #left: number;
  #atMs: number;

  constructor(clock: ReflectorClock, perS: number, burst: number) {
    this.#clock = clock;
    this.#perMs = perS / 1000;
    this.#burst = burst;
    this.#left = burst;
    this.#atMs = clock.monotonicMs();
  }

  /** Takes one. How long to wait before it may be used, in ms. */
  take(): number {
    const nowMs = this.#clock.monotonicMs();
    this.#left = Math.min(this.#burst, this.#left + (nowMs - this.#atMs) * this.#perMs) - 1;
    this.#atMs = nowMs;
    return this.#left >= 0 ? 0 : -this.#left / this.#perMs;
  }
}
