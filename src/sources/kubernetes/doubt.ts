import type { Backoff } from './backoff.ts';
import { Ending } from './ending.ts';
import { backwards } from './feed.ts';
import type { Reading } from './requests.ts';
import type { ReconnectCause } from './statistics.ts';
import type { ReflectorClock, ReflectorTiming } from './timing.ts';
import { isOlder } from './version.ts';
import { Watchdog } from './watchdog.ts';

export interface DoubtOptions {
  readonly clock: ReflectorClock;
  readonly backoff: Backoff;
  readonly timing: ReflectorTiming;
  /** Everything up to here was handed on; undefined: everything will be read. */
  readonly known: () => string | undefined;
  /** Asks for the version of the server; undefined when it is not to be had. */
  readonly ask: () => Promise<string | undefined>;
}

/**
 * A server may have lost what it told, as after a restore of etcd, and then says nothing until it has caught up. A doubt
 * stays until the version was compared, or something came that dispels it.
 */
export class Doubt {
  readonly #options: DoubtOptions;
  /** Before anything else the server is asked whether it has gone back. */
  #isDue = false;
  /** Another server may answer than before: a watch that stays quiet is not believed. */
  #isQuietDoubted = false;
  #comparedAtMs = Number.NEGATIVE_INFINITY;
  #comparing: Promise<void> | undefined;

  constructor(options: DoubtOptions) {
    this.#options = options;
  }

  failed({ reason, isAhead }: Ending): void {
    if (isAhead || reason === 'idle') this.#isDue = true;
    if (LOST.has(reason)) this.#isQuietDoubted = true;
  }

  /** Something came that the server can know only if it has all that came before. */
  dispelled(): void {
    this.#isQuietDoubted = false;
  }

  /** Throws Ending when the server is at an older version than it was, or does not answer. */
  async check(): Promise<void> {
    if (!this.#isDue) return;
    // Once only: nothing may keep the watch from being opened, which is then doubted while it is quiet.
    this.#isDue = false;
    this.#isQuietDoubted = true;
    await this.#compare();
  }

  /** Compares beside the open watch as long as nothing comes over it. Returns how to stop that. */
  whileQuiet(reading: Reading): () => void {
    const { clock, backoff, timing } = this.#options;
    let watchdog: Watchdog | undefined;
    let isOver = false;
    const arm = (): void => {
      if (isOver || !this.#isQuietDoubted) return;
      watchdog = new Watchdog(clock, backoff.between(timing.quietMs), () => {
        this.#comparing = this.#compare().then(arm, (error: unknown) => {
          if (error instanceof Ending && error.reason === 'backwards') reading.abort(error);
          else arm();
        });
      });
    };
    arm();
    return () => {
      isOver = true;
      watchdog?.stop();
    };
  }

  /** Resolves once nothing is asked any more. */
  async settled(): Promise<void> {
    await this.#comparing;
  }

  async #compare(): Promise<void> {
    const { clock, timing, known, ask } = this.#options;
    const version = known();
    if (version === undefined || clock.monotonicMs() - this.#comparedAtMs < timing.compareMs) return;
    const now = await ask();
    if (now === undefined) return;
    this.#comparedAtMs = clock.monotonicMs();
    this.#isQuietDoubted = false;
    if (isOlder(now, version)) throw backwards(now, version);
  }
}

/** Afterwards it may be another server that answers. */
const LOST: ReadonlySet<ReconnectCause> = new Set(['closed', 'reset', 'unreachable', 'stalled', 'status_5xx']);
