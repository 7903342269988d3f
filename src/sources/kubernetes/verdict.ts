import type { Backoff } from './backoff.ts';
import type { Ending } from './ending.ts';
import type { SyncReason } from './statistics.ts';
import { isLasting } from './trouble.ts';

/** What follows from a request that failed. */
export interface Verdict {
  readonly waitMs: number;
  /** Why the objects must be read as a whole. */
  readonly readAgain: SyncReason | undefined;
  readonly isTrouble: boolean;
}

/** Errors in a row that may be about the version, before the objects are read as a whole. */
const ERRORS_MAX = 5;
/** A server that answers 5xx for so long (10 minutes, at most half a minute apart) may never again take this version. */
const OUTAGE_FAILURES = 40;
/** Where a right or a path is missing: as long as it may be one that is just being made, it is asked again soon. */
const MISSING_SOON_MAX = 3;

/** Looks at failures in a row. */
export class Judge {
  readonly #backoff: Backoff;
  #failures = 0;
  #errorsOfVersion = 0;
  #badAt: string | undefined;
  #isTokenRefused = false;

  constructor(backoff: Backoff) {
    this.#backoff = backoff;
  }

  /** The next request needs a token that was read anew. */
  get isTokenRefused(): boolean {
    return this.#isTokenRefused;
  }

  /** The server answers. */
  answered(): void {
    this.#isTokenRefused = false;
  }

  /** A watch was open for long. */
  sound(): void {
    this.#failures = 0;
  }

  /** What was asked for came. */
  progressed(): void {
    this.#failures = 0;
    this.#errorsOfVersion = 0;
  }

  /** `version`: of the watch, undefined for what reads everything. */
  ended(ending: Ending, version: string | undefined): Verdict {
    if (ending.reason === 'status_401' && !this.#isTokenRefused) {
      // The kubelet has replaced it, most likely.
      this.#isTokenRefused = true;
      return { waitMs: 0, readAgain: undefined, isTrouble: false };
    }
    this.#failures++;
    const readAgain = version === undefined ? restart(ending) : this.#readAgain(ending, version);
    if (readAgain !== undefined) this.#errorsOfVersion = 0;
    return { waitMs: this.#waitMs(ending), readAgain, isTrouble: this.#failures > 1 || isLasting(ending) };
  }

  #readAgain(ending: Ending, version: string): SyncReason | undefined {
    if (ending.reason === 'bad_line') {
      const isSame = this.#badAt === version;
      this.#badAt = version;
      return isSame ? 'bad_line' : undefined;
    }
    if (mayBeOfVersion(ending) && ++this.#errorsOfVersion >= ERRORS_MAX) return 'errors';
    if (ending.reason === 'status_5xx' && this.#failures % OUTAGE_FAILURES === 0) return 'errors';
    return restart(ending);
  }

  #waitMs({ reason, retryAfterMs }: Ending): number {
    const laterMs = this.#backoff.after(this.#failures);
    switch (reason) {
      case 'expired':
      case 'backwards':
        return this.#failures === 1 ? 0 : laterMs;
      case 'status_403':
      case 'status_404':
        return this.#failures <= MISSING_SOON_MAX ? laterMs : this.#backoff.longest();
      default:
        return retryAfterMs === undefined ? laterMs : this.#backoff.asked(retryAfterMs, this.#failures);
    }
  }
}

const restart = ({ reason }: Ending): SyncReason | undefined =>
  reason === 'expired' || reason === 'backwards' ? reason : undefined;

/**
 * The version that was asked for may be what the server cannot serve. An overload or outage (429, 5xx) says nothing about
 * it, and would only grow if every node read everything.
 */
const mayBeOfVersion = ({ reason, status }: Ending): boolean =>
  reason === 'error_event' || (reason === 'status_4xx' && status !== 408);
