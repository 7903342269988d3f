import { startTimer } from '../../timer.ts';

/** Time, given in from outside so that tests need not wait. */
export interface ReflectorClock {
  /** Since the epoch. */
  wallMs(): number;
  /** For durations. */
  monotonicMs(): number;
  /** Calls back once; returns how to call it off. */
  after(delayMs: number, call: () => void): () => void;
}

export const systemClock: ReflectorClock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: startTimer,
};

/** How long a Reflector waits for what. A pair is a range from which each use takes a random value. */
export interface ReflectorTiming {
  /** For the head of an answer, connecting included. */
  readonly headersMs: number;
  /** The same where everything is asked for: a server that is short of breath makes such requests wait in line. */
  readonly listHeadersMs: number;
  /** A list, or the initial events of a watch, of which no byte came for so long is given up. */
  readonly stallMs: number;
  /**
   * Initial events of a watch must be closed by their bookmark so long after the last object that was new; in all they
   * may take `initialMaxMs`. Then the objects are listed instead.
   */
  readonly closingMs: number;
  readonly initialMaxMs: number;
  /** A watch of which no byte came for so long is dead: API servers send a bookmark every minute. */
  readonly idleMs: readonly [number, number];
  /** The server is asked to end a watch after so long, so that connections spread over its replicas again. */
  readonly watchS: readonly [number, number];
  /** Full jitter: after the nth failure in a row, a random time up to `first * 2^(n-1)`, at most `max`. */
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  /** A `Retry-After` of more than this is cut. */
  readonly retryAfterMaxMs: number;
  /** A type that is not installed is looked for again after this time, doubled each time up to `absentMaxMs`. */
  readonly absentMs: number;
  readonly absentMaxMs: number;
  /** After a watch that was dead, and after one that stays quiet since a lost connection, the version is compared. */
  readonly quietMs: readonly [number, number];
  /** That costs the server a read, so it happens at most this often. */
  readonly compareMs: number;
  /** What the handler did not take is offered again after this time, doubled each time up to `backoffMaxMs`. */
  readonly handlerRetryMs: number;
}

export const TIMING: ReflectorTiming = {
  headersMs: 15_000,
  listHeadersMs: 60_000,
  stallMs: 60_000,
  closingMs: 60_000,
  initialMaxMs: 300_000,
  idleMs: [90_000, 120_000],
  watchS: [300, 600],
  backoffFirstMs: 200,
  backoffMaxMs: 30_000,
  retryAfterMaxMs: 300_000,
  absentMs: 30_000,
  absentMaxMs: 120_000,
  quietMs: [30_000, 60_000],
  compareMs: 300_000,
  handlerRetryMs: 100,
};
