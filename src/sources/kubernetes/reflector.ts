import type { ShuntError } from '../../errors.ts';
import type { Client } from './client.ts';
import type { Resource } from './resource.ts';
import type { ReflectorClock, ReflectorTiming } from './timing.ts';

/** What happened to one object. `T` is what `project` made of it. */
export type ReflectorEvent<T> =
  | { readonly type: 'put'; readonly namespace: string; readonly name: string; readonly object: T }
  | { readonly type: 'delete'; readonly namespace: string; readonly name: string };

/** Is told what the server has. */
export interface ReflectorHandler<T> {
  /**
   * What one piece of bytes brought, in order. If it throws, each event is offered again later, alone, until it is
   * taken; meanwhile newer events of the same objects wait, those of others go on.
   */
  onEvents(events: readonly ReflectorEvent<T>[]): void;
  /** Everything that exists has been told, or the type is optional and missing. Called once. */
  onSynced(): void;
  /** Requests fail; undefined once one succeeded. The same trouble comes once. */
  onTrouble(error: ShuntError | undefined): void;
}

export interface ReflectorOptions<T> {
  readonly client: Client;
  readonly resource: Resource;
  readonly handler: ReflectorHandler<T>;
  /** Called with an object of the server, which always has `apiVersion` and `kind`. Nothing else of it is kept. */
  readonly project: (raw: unknown) => T;
  /** What is tried first; `list` never asks for initial events. Default `watch-list`. */
  readonly sync?: 'watch-list' | 'list';
  readonly timing?: Partial<ReflectorTiming>;
  readonly clock?: ReflectorClock;
  /** 0 <= x < 1. Default Math.random. */
  readonly random?: () => number;
  /** Longest line of a watch, and longest item of a list. Default 16 MiB. */
  readonly lineBytesMax?: number;
}

/** Why the objects were read as a whole, by initial events or by a list. */
export type SyncReason = 'start' | 'expired' | 'backwards' | 'errors' | 'bad_line' | 'fallback' | 'retry' | 'installed';

/** Why a watch ended. `status_4xx` stands for other statuses of that class. */
export type ReconnectCause =
  | 'closed'
  | 'reset'
  | 'unreachable'
  | 'idle'
  | 'stalled'
  | 'bad_line'
  | 'error_event'
  | 'expired'
  | 'backwards'
  | 'status_401'
  | 'status_403'
  | 'status_404'
  | 'status_429'
  | 'status_4xx'
  | 'status_5xx';

export interface ReflectorStatus {
  readonly resource: string;
  readonly synced: boolean;
  readonly objects: number;
  /** Wall clock; undefined before the first. */
  readonly lastEventAtMs: number | undefined;
  readonly lastBookmarkAtMs: number | undefined;
  readonly syncs: Readonly<Record<SyncReason, number>>;
  readonly reconnects: Readonly<Record<ReconnectCause, number>>;
  readonly badLines: number;
  /** Objects that the handler has not taken yet. */
  readonly waiting: number;
}

/** Keeps a handler told of all objects of one resource, through everything that an API server does. */
export interface Reflector {
  start(): void;
  /** Resolves once no request, timer or listener is left. Nothing is told afterwards. */
  stop(): Promise<void>;
  status(): ReflectorStatus;
}

export declare const createReflector: <T>(options: ReflectorOptions<T>) => Reflector;
