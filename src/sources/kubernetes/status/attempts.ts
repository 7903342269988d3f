import { nearly } from '../backoff.ts';
import type { ReflectorClock } from '../timing.ts';

/** When the status of one object may be written again, or a server asked. */
export class Attempts {
  readonly #clock: ReflectorClock;
  readonly #random: () => number;
  readonly #maxMs: number;
  #failures = 0;
  /** How often in a row somebody had undone what we wrote. */
  #undone = 0;
  #writtenMs = Number.NEGATIVE_INFINITY;
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  /** `maxMs`: the longest wait. */
  constructor(clock: ReflectorClock, random: () => number, maxMs = BACKOFF_MAX_MS) {
    this.#clock = clock;
    this.#random = random;
    this.#maxMs = maxMs;
  }

  get waitMs(): number {
    return Math.max(0, this.#notBeforeMs - this.#clock.monotonicMs());
  }

  /** So often that it is no chance: another controller wants something else. */
  get isContested(): boolean {
    const stoodMs = this.#clock.monotonicMs() - this.#writtenMs;
    return this.#undone >= CONTESTED_MIN && (stoodMs <= BACKOFF_MAX_MS || this.waitMs > 0);
  }

  written(): void {
    this.settled();
    this.#writtenMs = this.#clock.monotonicMs();
  }

  /** `atLeastMs`: as the server asked. */
  failed(atLeastMs = 0): void {
    this.#failures++;
    this.#wait(this.#failures, atLeastMs);
  }

  /** What we wrote, or would have written, is there. */
  settled(): void {
    this.#failures = 0;
    this.#notBeforeMs = Number.NEGATIVE_INFINITY;
  }

  /** What we wrote is not there any more. What stood for long is no fight. */
  undone(): void {
    const stoodMs = this.#clock.monotonicMs() - this.#writtenMs;
    this.#undone = stoodMs > BACKOFF_MAX_MS ? 1 : this.#undone + 1;
    this.#wait(this.#undone);
  }

  #wait(times: number, atLeastMs = 0): void {
    const ms = Math.min(this.#maxMs, BACKOFF_FIRST_MS * 2 ** Math.min(times - 1, EXPONENT_MAX));
    const waitMs = Math.max(nearly(ms, this.#random()), Math.min(atLeastMs, this.#maxMs));
    this.#notBeforeMs = this.#clock.monotonicMs() + waitMs;
  }
}

const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_MAX_MS = 600_000;
const EXPONENT_MAX = 10;
const CONTESTED_MIN = 3;
