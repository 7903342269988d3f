import type { ReconnectCause } from './statistics.ts';

/** Why a request is over, and what follows from that. */
export class Ending extends Error {
  readonly reason: ReconnectCause;
  readonly retryAfterMs: number | undefined;
  /** Of an answer that was not 200. */
  readonly status: number | undefined;
  /** The server says that it does not know our version yet: it may have gone back. */
  readonly isAhead: boolean;

  constructor(reason: ReconnectCause, message: string, more: EndingMore = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'Ending';
    this.reason = reason;
    this.retryAfterMs = more.retryAfterMs;
    this.status = more.status;
    this.isAhead = more.isAhead ?? false;
  }
}

interface EndingMore {
  readonly retryAfterMs?: number | undefined;
  readonly status?: number | undefined;
  readonly isAhead?: boolean;
  readonly cause?: unknown;
}

/** What the server sent is not what it should be: broken, cut, binary or too long. */
export class BadContent extends Error {
  constructor(what: string, options?: ErrorOptions) {
    super(`the server sent ${what}`, options);
    this.name = 'BadContent';
  }
}
