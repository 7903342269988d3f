/** What a step throws at which a test has the agent die: nothing after it was carried out. */
export class Died extends Error {}

/** Counts down the calls of one step, and dies at the one that was asked for. */
export class Mortality {
  #step = '';
  #left = 0;

  /** Dies instead of the call number `after` of this step; 0 is the first. */
  arm(step: string, after: number): void {
    this.#step = step;
    this.#left = after;
  }

  disarm(): void {
    this.#step = '';
  }

  /** To be called before each step. Whoever has died does nothing any more. */
  before(step: string): void {
    if (step !== this.#step) return;
    if (this.#left === 0) throw new Died(`instead of ${step}`);
    this.#left -= 1;
  }
}
