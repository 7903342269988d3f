/** Why the objects were read as a whole, by initial events or by a list. */
export const SYNC_REASONS = [
  'start',
  /** The server no longer had what came after our version. */
  'expired',
  'backwards',
  'errors',
  'bad_line',
  /** The server did not give initial events. */
  'fallback',
  /** The one before did not come to its end. */
  'retry',
  /** The type was missing on the server until now. */
  'installed',
  /** The server did not have the type in the version that was asked for. */
  'other_version',
] as const;

export type SyncReason = (typeof SYNC_REASONS)[number];

/** Why a request ended, other than a list that was whole. `status_4xx` stands for other statuses of that class. */
export const RECONNECT_CAUSES = [
  'closed',
  'reset',
  'unreachable',
  'idle',
  'stalled',
  /** Initial events without their closing bookmark. */
  'unclosed',
  'bad_line',
  'error_event',
  'expired',
  'backwards',
  'status_401',
  'status_403',
  'status_404',
  'status_429',
  'status_4xx',
  'status_5xx',
] as const;

export type ReconnectCause = (typeof RECONNECT_CAUSES)[number];

/** What happened since the start. */
export interface Statistics {
  lastEventAtMs: number | undefined;
  lastBookmarkAtMs: number | undefined;
  readonly syncs: Record<SyncReason, number>;
  readonly reconnects: Record<ReconnectCause, number>;
  badLines: number;
}

export const createStatistics = (): Statistics => ({
  lastEventAtMs: undefined,
  lastBookmarkAtMs: undefined,
  syncs: zeros(SYNC_REASONS),
  reconnects: zeros(RECONNECT_CAUSES),
  badLines: 0,
});

const zeros = <K extends string>(keys: readonly K[]): Record<K, number> =>
  Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
