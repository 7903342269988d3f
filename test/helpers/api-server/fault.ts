import type { ResourceName } from './resources.ts';

/**
 * What the client wants: all objects in one document, the version of the newest state, what changes from a version on,
 * or all objects and what changes in one stream.
 */
export type RequestKind = 'list' | 'peek' | 'watch' | 'watchlist';

/** One thing that goes wrong, once, with one answer. Plain data. */
export interface Fault {
  /** Any, if not given. */
  readonly resource?: ResourceName;
  /** `sync` is whatever brings all objects: a list or a WatchList. Any, if not given. */
  readonly on?: RequestKind | 'sync';
  /** After so many items or events; 0, the default, is before the first. What is instead of an answer comes at once. */
  readonly after?: number;
  readonly trouble: Trouble;
}

export type Trouble =
  /** An HTTP status instead of an answer. `retryAfter` is that header: seconds, or a date. */
  | { readonly kind: 'status'; readonly status: number; readonly reason?: string; readonly retryAfter?: string }
  /** Not even headers. */
  | { readonly kind: 'silence' }
  | BodyTrouble
  /** All of the body comes, at this rate. */
  | { readonly kind: 'slow'; readonly bytesPerS: number };

/** What an answer that is under way may come to. */
export type BodyTrouble =
  | Ending
  /** Half of the next item or event, and that ending. */
  | { readonly kind: 'half'; readonly ending: Ending['kind'] }
  /** In place of the next item or event, and the stream goes on. `long` has no end that a reader could wait for. */
  | { readonly kind: 'garbage'; readonly line: 'broken' | 'binary' | 'long' | 'number' }
  /** An event of type ERROR with a Status, as a watch reports that it cannot go on. */
  | { readonly kind: 'error'; readonly code: number; readonly reason: string; readonly ending: 'end' | 'stall' };

export type Ending =
  /** In order, with the last chunk: as a server that shuts down. Of a list it is a document that is cut. */
  | { readonly kind: 'end' }
  | { readonly kind: 'reset' }
  /** FIN without the last chunk: as a proxy that was killed. */
  | { readonly kind: 'cut' }
  /** Nothing comes any more, and the connection stays. */
  | { readonly kind: 'stall' };

/** The first that is meant for such a request, taken out of the queue. */
export const takeFault = (queue: Fault[], resource: ResourceName, kind: RequestKind): Fault | undefined => {
  const index = queue.findIndex((fault) => isMeant(fault, resource, kind));
  return index < 0 ? undefined : queue.splice(index, 1)[0];
};

const isMeant = ({ resource: wanted, on }: Fault, resource: ResourceName, kind: RequestKind): boolean =>
  (wanted === undefined || wanted === resource) &&
  (on === undefined || on === kind || (on === 'sync' && (kind === 'list' || kind === 'watchlist')));

export const GONE = { kind: 'error', code: 410, reason: 'Expired' } as const;
