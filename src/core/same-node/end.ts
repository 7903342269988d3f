/**
 * How an end of a connection stands to being joined with its peer. Of a Pod: `local` says nothing of it, `redirect` wants
 * it, `plain` does not. `served`: an endpoint that wants it, for all who connect to it.
 */
export type SameNodeMode = 'local' | 'redirect' | 'plain' | 'served';

/** A Pod of this node, by one of its addresses (`port` 0), or an endpoint of it. */
export interface SameNodeEnd {
  /** Canonical text. */
  readonly address: string;
  readonly port: number;
  readonly mode: SameNodeMode;
}

export const isSameEnd = (one: SameNodeEnd, other: SameNodeEnd | undefined): boolean =>
  one.address === other?.address && one.port === other.port && one.mode === other.mode;
