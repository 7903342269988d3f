import type { SameNodeEnd } from '../core/same-node/end.ts';

/** Connections between two Pods of this node, joined socket to socket (docs/redirection.md). */
export interface SameNode {
  /** The programs watch: since somebody wanted it, until nobody does. */
  readonly isAttached: boolean;
  /** Why nothing is redirected although somebody wants it, if so: the kernel fails the self-test, or it cannot run. */
  readonly unavailable: string | undefined;
  /**
   * Who takes part, all of them. The first end attaches the programs, as soon as the self-test has passed: at once if it
   * has before, since the machine started. Without any, what is joined goes on by TCP at once, is parted within seconds,
   * and the programs go.
   *
   * @throws ShuntError when this kernel takes no such programs, or refuses an entry.
   */
  set(ends: readonly SameNodeEnd[]): void;
  /** Joins sockets that have shown that they can be; to be called about every 100 ms while attached. */
  tend(): void;
  stats(): SameNodeStats;
  close(): void;
}

export interface SameNodeStats {
  /** Sockets now. */
  readonly sockets: Readonly<Record<SeenSocket, number>>;
  readonly messages: number;
  readonly bytes: number;
  /** Messages of joined sockets that went by TCP, by reason: `enum fallback` of bpf/abi.h. */
  readonly fallbacks: Readonly<Record<string, number>>;
  /** Sockets that were found unfit, by reason: `enum unfit`. */
  readonly unfit: Readonly<Record<string, number>>;
}

/** `candidate`: both ends want it, and it has not shown yet that it can. `unfit`: it had, or was joined. */
export type SeenSocket = 'candidate' | 'joined' | 'unfit';
