import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ShuntError } from '../../errors.ts';
import type { WatchStatus } from '../source.ts';
import { errorEvent } from './answer.ts';
import { type Backoff, createBackoff } from './backoff.ts';
import type { Client } from './client.ts';
import { Delivery } from './delivery.ts';
import { BadContent, Ending } from './ending.ts';
import { backwards, Feed } from './feed.ts';
import { ItemScanner } from './items.ts';
import { LineSplitter } from './lines.ts';
import { initialQuery, listQuery, versionQuery, watchQuery } from './query.ts';
import { type Reading, Requests } from './requests.ts';
import type { Resource } from './resource.ts';
import { createStatistics, type ReconnectCause, type SyncReason } from './statistics.ts';
import { type ReflectorClock, type ReflectorTiming, systemClock, TIMING } from './timing.ts';
import { isLasting, notTaken, Troubles, troubleOf } from './trouble.ts';
import { isOlder } from './version.ts';
import { readBookmark, readEvent } from './watch-event.ts';
import { Pause, Watchdog } from './watchdog.ts';

export type { ReconnectCause, SyncReason };

/** What happened to one object. `T` is what `project` made of it. */
export type ReflectorEvent<T> =
  /** `isNew`: it was not known; a changed one was. */
  | {
      readonly type: 'put';
      readonly namespace: string;
      readonly name: string;
      readonly object: T;
      readonly isNew: boolean;
    }
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
  readonly sync?: 'watch-list' | 'list' | undefined;
  readonly timing?: Partial<ReflectorTiming> | undefined;
  readonly clock?: ReflectorClock | undefined;
  /** 0 <= x < 1. Default Math.random. */
  readonly random?: (() => number) | undefined;
  /** Longest line of a watch, and longest item of a list. Default 16 MiB. */
  readonly lineBytesMax?: number | undefined;
}

export interface ReflectorStatus extends WatchStatus {
  readonly syncs: Readonly<Record<SyncReason, number>>;
  readonly reconnects: Readonly<Record<ReconnectCause, number>>;
}

/** Keeps a handler told of all objects of one resource, through everything that an API server does. */
export interface Reflector {
  start(): void;
  /** Resolves once no request, timer or listener is left. Nothing is told afterwards. */
  stop(): Promise<void>;
  status(): ReflectorStatus;
}

export const createReflector = <T>(options: ReflectorOptions<T>): Reflector => new RunningReflector(options);

const LINE_BYTES_MAX = 16 * 1024 * 1024;
/** A watch that was open for so long was a good one, whether it told something or not. */
const SOUND_MS = 5_000;
/** Of initial events, before the objects are listed instead. */
const INITIAL_FAILURES_MAX = 2;
/** Errors of a watch in a row, before the objects are read as a whole. */
const ERRORS_MAX = 5;
/** Deletions that are told at a time. */
const PORTION = 256;
/** Bytes after which other work gets its turn. */
const LARGE_CHUNK = 32 * 1024;

class RunningReflector<T> implements Reflector {
  readonly #resource: Resource;
  readonly #handler: ReflectorHandler<T>;
  readonly #timing: ReflectorTiming;
  readonly #clock: ReflectorClock;
  readonly #backoff: Backoff;
  readonly #lineBytesMax: number;
  readonly #requests: Requests;
  readonly #feed: Feed<T>;
  readonly #delivery: Delivery<T>;
  readonly #pause: Pause;
  readonly #statistics = createStatistics();
  #running: Promise<void> | undefined;
  #stopped = false;

  /** Everything up to here was handed on; undefined: the objects must be read as a whole. */
  #version: string | undefined;
  /** Everything up to here was read. */
  #reached: string | undefined;
  #syncReason: SyncReason = 'start';
  #mayAskInitial: boolean;
  #initialFailures = 0;
  #isComplete = false;
  #isSynced = false;
  #isAbsent = false;

  #failures = 0;
  #errorsInRow = 0;
  #badAt: string | undefined;
  #isTokenRefused = false;
  /** Of the watch that is open. */
  #openedMs: number | undefined;
  #timeoutS = 0;
  /** Before anything else the server is asked whether it has gone back. */
  #isDoubtful = false;
  /** Another server may answer than before: a watch that stays quiet is not believed. */
  #wasLost = false;
  #comparedAtMs = Number.NEGATIVE_INFINITY;
  #comparing: Promise<void> | undefined;
  #lastEnding: Ending | undefined;
  readonly #troubles: Troubles;

  constructor(options: ReflectorOptions<T>) {
    const { client, resource, handler } = options;
    this.#resource = resource;
    this.#handler = handler;
    this.#timing = { ...TIMING, ...options.timing };
    this.#clock = options.clock ?? systemClock;
    this.#backoff = createBackoff(this.#timing, options.random ?? Math.random);
    this.#lineBytesMax = options.lineBytesMax ?? LINE_BYTES_MAX;
    this.#mayAskInitial = options.sync !== 'list';
    this.#requests = new Requests(client, this.#clock, this.#timing.headersMs);
    this.#feed = new Feed(resource, options.project);
    this.#pause = new Pause(this.#clock);
    this.#troubles = new Troubles((error) => handler.onTrouble(error));
    this.#delivery = new Delivery({
      clock: this.#clock,
      onEvents: (events) => handler.onEvents(events),
      onRefused: (error) => this.#troubles.set('handler', notTaken(resource, error)),
      onTaken: () => {
        this.#troubles.set('handler', undefined);
        this.#tellSynced();
      },
      retryMs: this.#timing.handlerRetryMs,
      retryMaxMs: this.#timing.backoffMaxMs,
    });
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#delivery.stop();
    this.#troubles.stop();
    this.#requests.abort(new Error('stopped'));
    this.#pause.wake();
    await this.#running;
    await this.#comparing;
  }

  status(): ReflectorStatus {
    const { syncs, reconnects, ...others } = this.#statistics;
    return {
      resource: this.#resource.name,
      synced: this.#isSynced,
      objects: this.#feed.size,
      syncs: { ...syncs },
      reconnects: { ...reconnects },
      ...others,
      waiting: this.#delivery.waiting,
    };
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#next();
      } catch (error) {
        if (!this.#stopped) await this.#pause.wait(this.#ended(asEnding(error)));
      }
    }
  }

  /** The next thing to do. Throws why it ended; only reading everything may end well. */
  async #next(): Promise<void> {
    this.#openedMs = undefined;
    if (this.#isDoubtful) {
      this.#isDoubtful = false;
      await this.#compare();
    }
    if (this.#version !== undefined) await this.#watch(this.#version);
    else if (this.#mayAskInitial && this.#initialFailures < INITIAL_FAILURES_MAX) await this.#watchFromStart();
    else await this.#list();
  }

  async #list(): Promise<void> {
    this.#begin();
    const items = new ItemScanner(this.#lineBytesMax);
    const put = (item: object): void => void this.#feed.put(item);
    // What was told must not go back in time, so only the first list may be one that some server has in memory.
    await this.#get(listQuery(this.#resource, this.#feed.size === 0), async (reading) => {
      reading.limit('stalled', this.#timing.stallMs);
      await reading.each(async (chunk) => {
        items.push(chunk, put);
        this.#handOn();
        await nextTurn();
      });
    });
    const version = items.finish(put);
    this.#initialFailures = 0;
    await this.#finish(version);
  }

  /** What exists comes as events, closed by a bookmark; then it is a watch like any other. */
  async #watchFromStart(): Promise<void> {
    try {
      this.#begin();
      this.#timeoutS = Math.round(this.#backoff.between(this.#timing.watchS));
      await this.#get(initialQuery(this.#resource, this.#timeoutS), (reading) => this.#readFromStart(reading));
    } catch (error) {
      if (this.#version !== undefined || this.#stopped) throw error;
      const ending = asEnding(error);
      if (!REFUSED.has(ending.status ?? 0) && ending.reason !== 'unclosed') {
        this.#initialFailures++;
        throw error;
      }
      this.#statistics.reconnects[ending.reason]++;
      this.#syncReason = 'fallback';
      await this.#list();
      if (ending.reason !== 'unclosed') this.#mayAskInitial = false;
    }
  }

  async #readFromStart(reading: Reading): Promise<void> {
    const { closingMs, initialMaxMs, stallMs } = this.#timing;
    const startedMs = this.#clock.monotonicMs();
    reading.limit('stalled', stallMs);
    const closing = new Watchdog(this.#clock, closingMs, () =>
      reading.abort(new Ending('unclosed', 'initial events came without their end')),
    );
    const lines = new LineSplitter(this.#lineBytesMax);
    let seen = 0;
    try {
      await reading.each(async (chunk) => {
        for (const line of lines.push(chunk)) {
          const end = this.#take(line);
          if (end === undefined) continue;
          closing.stop();
          await this.#finish(end);
          this.#opened(reading);
        }
        this.#handOn();
        if (this.#version !== undefined) return;
        if (this.#feed.seen > seen && this.#clock.monotonicMs() - startedMs < initialMaxMs) closing.touch();
        seen = this.#feed.seen;
        await nextTurn();
      });
    } finally {
      closing.stop();
    }
    throw endOf(lines);
  }

  async #watch(version: string): Promise<void> {
    this.#timeoutS = Math.round(this.#backoff.between(this.#timing.watchS));
    await this.#get(watchQuery(this.#resource, version, this.#timeoutS), async (reading) => {
      this.#opened(reading);
      const lines = new LineSplitter(this.#lineBytesMax);
      const quiet = this.#wasLost ? this.#doubtQuiet(reading) : undefined;
      try {
        await reading.each(async (chunk) => {
          quiet?.stop();
          for (const line of lines.push(chunk)) this.#take(line);
          this.#handOn();
          if (chunk.length >= LARGE_CHUNK) await nextTurn();
        });
      } finally {
        quiet?.stop();
      }
      throw endOf(lines);
    });
  }

  /** Takes one line in. Returns the version that closes the initial events. */
  #take(line: string): string | undefined {
    const { type, object } = readEvent(line);
    const isInitial = this.#version === undefined;
    let version: string;
    switch (type) {
      case 'ERROR':
        throw errorEvent(object);
      case 'BOOKMARK': {
        const bookmark = readBookmark(object);
        if (isInitial) return bookmark.endsInitial ? bookmark.version : undefined;
        if (this.#reached !== undefined && isOlder(bookmark.version, this.#reached)) {
          throw backwards(bookmark.version, this.#reached);
        }
        this.#statistics.lastBookmarkAtMs = this.#clock.wallMs();
        version = bookmark.version;
        break;
      }
      case 'DELETED':
        version = this.#feed.remove(object);
        if (this.#reached !== undefined && isOlder(version, this.#reached)) version = this.#reached;
        break;
      default:
        version = this.#feed.put(object, this.#reached);
    }
    if (!isInitial) {
      this.#reached = version;
      this.#progressed();
    }
    return undefined;
  }

  /** The version moves only after what led to it was handed on. */
  #handOn(): void {
    const events = this.#feed.take();
    if (events.length > 0) {
      this.#statistics.lastEventAtMs = this.#clock.wallMs();
      this.#delivery.deliver(events);
    }
    if (this.#version !== undefined) this.#version = this.#reached;
  }

  #begin(): void {
    this.#statistics.syncs[this.#syncReason]++;
    this.#syncReason = 'retry';
    this.#feed.begin();
  }

  /** Everything has been put. What was told before and is not among it is gone. */
  async #finish(version: string): Promise<void> {
    this.#handOn();
    const gone = this.#feed.end();
    for (let from = 0; from < gone.length; from += PORTION) {
      this.#delivery.deliver(gone.slice(from, from + PORTION));
      await nextTurn();
    }
    this.#goTo(version);
    this.#isAbsent = false;
    this.#isComplete = true;
    this.#wasLost = false;
    this.#troubles.set('requests', undefined);
    this.#tellSynced();
  }

  #goTo(version: string | undefined): void {
    this.#version = version;
    this.#reached = version;
  }

  #readAgain(reason: SyncReason): void {
    this.#goTo(undefined);
    this.#syncReason = reason;
    this.#errorsInRow = 0;
  }

  #tellSynced(): void {
    if (this.#isSynced || !this.#isComplete || this.#delivery.waiting > 0 || this.#stopped) return;
    this.#isSynced = true;
    this.#handler.onSynced();
  }

  /** A watch is open, from a version that is known. */
  #opened(reading: Reading): void {
    this.#openedMs = this.#clock.monotonicMs();
    reading.limit('idle', this.#backoff.between(this.#timing.idleMs));
    // What came over a connection may be bad again; that there is one is known now.
    if (!ABOUT_CONTENT.has(this.#lastEnding?.reason ?? '')) this.#troubles.set('requests', undefined);
  }

  #progressed(): void {
    this.#failures = 0;
    this.#errorsInRow = 0;
    this.#wasLost = false;
    this.#troubles.set('requests', undefined);
  }

  async #get(path: string, read: (reading: Reading) => Promise<void>): Promise<void> {
    await this.#requests.get(path, { freshToken: this.#isTokenRefused }, async (reading) => {
      this.#isTokenRefused = false;
      await read(reading);
    });
  }

  /** Throws Ending when the server is at an older version than it was. */
  async #compare(): Promise<void> {
    const version = this.#version;
    const nowMs = this.#clock.monotonicMs();
    if (version === undefined || nowMs - this.#comparedAtMs < this.#timing.compareMs) return;
    this.#comparedAtMs = nowMs;
    const items = new ItemScanner(this.#lineBytesMax);
    let now = version;
    await this.#get(versionQuery(this.#resource), async (reading) => {
      reading.limit('stalled', this.#timing.stallMs);
      await reading.each((chunk) => items.push(chunk, ignore));
      now = items.finish(ignore);
    }).catch(ignoreRefusal);
    if (isOlder(now, version)) throw backwards(now, version);
  }

  /** Compares beside the open watch when nothing comes over it. */
  #doubtQuiet(reading: Reading): Watchdog {
    return new Watchdog(this.#clock, this.#backoff.between(this.#timing.quietMs), () => {
      this.#wasLost = false;
      this.#comparing = this.#compare().catch((error: unknown) => {
        if (error instanceof Ending && error.reason === 'backwards') reading.abort(error);
      });
    });
  }

  /** Draws the conclusions, and returns how long to wait before what comes next, in ms. */
  #ended(ending: Ending): number {
    this.#handOn();
    const { reason, status } = ending;
    this.#lastEnding = ending;
    this.#statistics.reconnects[reason]++;
    const openMs = this.#openedMs === undefined ? 0 : this.#clock.monotonicMs() - this.#openedMs;
    if (openMs >= SOUND_MS) this.#failures = 0;
    // As it was asked to.
    if (reason === 'closed' && openMs >= this.#timeoutS * ASKED_END) return 0;
    if (status === 404 && this.#resource.optional === true) return this.#absent();
    this.#isAbsent = false;
    if (reason === 'status_401' && !this.#isTokenRefused) {
      // The kubelet has replaced it, most likely.
      this.#isTokenRefused = true;
      return 0;
    }
    this.#failures++;
    if (this.#failures > 1 || isLasting(ending)) {
      this.#troubles.set('requests', troubleOf(ending, this.#resource, this.#requests.server));
    }
    return this.#conclude(ending);
  }

  #conclude({ reason, status, isAhead, retryAfterMs }: Ending): number {
    const isFirst = this.#failures === 1;
    const laterMs = this.#backoff.after(this.#failures);
    if (isAhead || reason === 'idle') this.#isDoubtful = true;
    if (LOST.has(reason)) this.#wasLost = true;
    switch (reason) {
      case 'expired':
      case 'backwards':
        this.#readAgain(reason);
        return isFirst ? 0 : laterMs;
      case 'bad_line':
        this.#statistics.badLines++;
        if (this.#version !== undefined && this.#badAt === this.#version) this.#readAgain(reason);
        else this.#badAt = this.#version;
        return laterMs;
      case 'status_403':
      case 'status_404':
        return this.#backoff.longest();
    }
    if (this.#version !== undefined && (reason === 'error_event' || mayBeOfVersion(status))) {
      this.#errorsInRow++;
      if (this.#errorsInRow >= ERRORS_MAX) this.#readAgain('errors');
    }
    return retryAfterMs === undefined ? laterMs : this.#backoff.asked(retryAfterMs, this.#failures);
  }

  /** The type is not installed. A server that starts may say so for a moment: what is known goes at the second time. */
  #absent(): number {
    if (this.#isAbsent || this.#feed.size === 0) {
      this.#feed.begin();
      this.#delivery.deliver(this.#feed.end());
      this.#readAgain('installed');
      this.#isComplete = true;
      this.#tellSynced();
    }
    this.#isAbsent = true;
    this.#troubles.set('requests', undefined);
    return this.#backoff.around(this.#timing.absentMs);
  }
}

/** Statuses that may be about the version that was asked for, not about requests as such. */
const mayBeOfVersion = (status: number | undefined): boolean =>
  status !== undefined && status !== 429 && status !== 503;

/** A watch of which so much of its time has passed ended because that was asked for: in 900 of 1,000. */
const ASKED_END = 900;

/** Initial events are not to be had: older than 1.27, turned off, or not allowed. */
const REFUSED: ReadonlySet<number> = new Set([400, 403, 422]);

/** Afterwards it may be another server that answers. */
const LOST: ReadonlySet<ReconnectCause> = new Set(['closed', 'reset', 'unreachable', 'stalled', 'status_5xx']);

const ABOUT_CONTENT: ReadonlySet<string> = new Set(['bad_line', 'error_event', 'expired', 'backwards', 'closed']);

const endOf = (lines: LineSplitter): Error =>
  lines.isCut ? new BadContent('a line without its end') : new Ending('closed', 'the server ended the watch');

const asEnding = (error: unknown): Ending => {
  if (error instanceof Ending) return error;
  return new Ending('bad_line', error instanceof Error ? error.message : String(error), { cause: error });
};

const ignore = (): void => {};

/** Whoever may not list all of them has to do without. */
const ignoreRefusal = (error: unknown): void => {
  if (!(error instanceof Ending) || (error.status !== 400 && error.status !== 403)) throw error;
};
