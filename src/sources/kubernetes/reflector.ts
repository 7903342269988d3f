import { setImmediate as nextTurn } from 'node:timers/promises';
import type { WatchStatus } from '../source.ts';
import { errorEvent } from './answer.ts';
import { type Backoff, createBackoff } from './backoff.ts';
import type { Client } from './client.ts';
import { Delivery } from './delivery.ts';
import { Doubt } from './doubt.ts';
import { BadContent, Ending } from './ending.ts';
import { backwards, Feed } from './feed.ts';
import { ItemScanner } from './items.ts';
import { LineSplitter } from './lines.ts';
import { Lookout } from './lookout.ts';
import { initialQuery, listQuery, versionQuery, watchQuery } from './query.ts';
import { type Reading, Requests } from './requests.ts';
import type { Resource } from './resource.ts';
import { createStatistics, type ReconnectCause, type SyncReason } from './statistics.ts';
import { type ReflectorClock, type ReflectorTiming, systemClock, TIMING } from './timing.ts';
import type { ReflectorHandler } from './told.ts';
import { notTaken, Troubles, troubleOf } from './trouble.ts';
import { Judge } from './verdict.ts';
import { isOlder } from './version.ts';
import { Versions } from './versions.ts';
import { readBookmark, readEvent } from './watch-event.ts';
import { Pause, Watchdog } from './watchdog.ts';

export interface ReflectorOptions<T> {
  readonly client: Client;
  readonly resource: Resource;
  readonly handler: ReflectorHandler<T>;
  /** Shared by the reflectors of a node. */
  readonly lookout?: Lookout | undefined;
  /** Whether what is dispensable may be done without now. Default: always. */
  readonly mayDoWithout?: (() => boolean) | undefined;
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
/** What may be done without counts as missing after so many refusals: a right may be one that is just being given. */
const REFUSALS_MAX = 5;
/** Deletions that are told at a time. */
const PORTION = 256;
/** Bytes after which other work gets its turn. */
const LARGE_CHUNK = 32 * 1024;

class RunningReflector<T> implements Reflector {
  readonly #versions: Versions;
  readonly #lookout: Lookout;
  readonly #handler: ReflectorHandler<T>;
  readonly #timing: ReflectorTiming;
  readonly #clock: ReflectorClock;
  readonly #backoff: Backoff;
  readonly #lineBytesMax: number;
  readonly #mayDoWithout: () => boolean;
  readonly #requests: Requests;
  readonly #judge: Judge;
  readonly #doubt: Doubt;
  readonly #troubles: Troubles;
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
  /** Looks in vain for a type that is not installed. */
  #looks = 0;
  #isLookDue = false;
  #refusals = 0;
  /** Undefined while the type is not installed. */
  #servedAs: string | undefined;

  /** Of the watch that is open. */
  #openedMs: number | undefined;
  #timeoutS = 0;
  #lastEnding: Ending | undefined;

  constructor(options: ReflectorOptions<T>) {
    const { client, resource, handler, random = Math.random } = options;
    this.#versions = new Versions(resource);
    this.#handler = handler;
    this.#timing = { ...TIMING, ...options.timing };
    this.#clock = options.clock ?? systemClock;
    this.#backoff = createBackoff(this.#timing, random);
    this.#lookout = options.lookout ?? new Lookout({ client, clock: this.#clock, timing: this.#timing, random });
    this.#lineBytesMax = options.lineBytesMax ?? LINE_BYTES_MAX;
    this.#mayDoWithout = options.mayDoWithout ?? always;
    this.#mayAskInitial = options.sync !== 'list';
    this.#requests = new Requests(client, this.#clock);
    this.#judge = new Judge(this.#backoff);
    this.#doubt = new Doubt({
      clock: this.#clock,
      backoff: this.#backoff,
      timing: this.#timing,
      known: () => this.#version,
      ask: () => this.#askVersion(),
    });
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
    this.#lookout.stop();
    this.#pause.wake();
    await this.#running;
    await this.#doubt.settled();
  }

  status(): ReflectorStatus {
    const { syncs, reconnects, ...others } = this.#statistics;
    return {
      resource: this.#resource.name,
      apiVersion: this.#servedAs,
      synced: this.#isSynced,
      objects: this.#feed.size,
      syncs: { ...syncs },
      reconnects: { ...reconnects },
      ...others,
      waiting: this.#delivery.waiting,
    };
  }

  get #resource(): Resource {
    return this.#versions.current;
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
    if (this.#isLookDue && !(await this.#mayBeServed())) {
      await this.#pause.wait(this.#absent());
      return;
    }
    if (this.#stopped) return;
    await this.#doubt.check();
    if (this.#version !== undefined) await this.#watch(this.#version);
    else if (this.#mayAskInitial && this.#initialFailures < INITIAL_FAILURES_MAX) await this.#watchFromStart();
    else await this.#list();
  }

  /** Of a type that was missing only the versions that its group has now are asked for, if any. */
  async #mayBeServed(): Promise<boolean> {
    this.#isLookDue = false;
    const served = await this.#lookout.served(this.#resource.apiVersion);
    return this.#stopped || served === undefined || this.#versions.narrow(served);
  }

  async #list(): Promise<void> {
    this.#begin();
    const items = new ItemScanner(this.#lineBytesMax);
    const put = (item: object): void => void this.#feed.put(item);
    // What was told must not go back in time, so only the first list may be one that some server has in memory.
    await this.#get(listQuery(this.#resource, this.#feed.size === 0), this.#timing.listHeadersMs, async (reading) => {
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
      const path = initialQuery(this.#resource, this.#timeoutS);
      await this.#get(path, this.#timing.listHeadersMs, (reading) => this.#readFromStart(reading));
    } catch (error) {
      if (this.#version !== undefined || this.#stopped) throw error;
      const ending = asEnding(error);
      if (!REFUSED.has(ending.status ?? 0) && ending.reason !== 'unclosed') {
        if (!isOfServer(ending)) this.#initialFailures++;
        throw error;
      }
      this.#statistics.reconnects[ending.reason]++;
      this.#syncReason = 'fallback';
      await this.#list();
      if (NEVER_HAD.has(ending.status ?? 0)) this.#mayAskInitial = false;
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
    await this.#get(watchQuery(this.#resource, version, this.#timeoutS), this.#timing.headersMs, async (reading) => {
      this.#opened(reading);
      const lines = new LineSplitter(this.#lineBytesMax);
      const stopDoubting = this.#doubt.whileQuiet(reading);
      try {
        await reading.each(async (chunk) => {
          stopDoubting();
          for (const line of lines.push(chunk)) this.#take(line);
          this.#handOn();
          if (chunk.length >= LARGE_CHUNK) await nextTurn();
        });
      } finally {
        stopDoubting();
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
    this.#isComplete = true;
    this.#doubt.dispelled();
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
    this.#judge.progressed();
    this.#doubt.dispelled();
    this.#troubles.set('requests', undefined);
  }

  async #get(path: string, headersMs: number, read: (reading: Reading) => Promise<void>): Promise<void> {
    await this.#requests.get(path, { headersMs, freshToken: this.#judge.isTokenRefused }, async (reading) => {
      this.#judge.answered();
      this.#found();
      await read(reading);
    });
  }

  async #askVersion(): Promise<string | undefined> {
    const items = new ItemScanner(this.#lineBytesMax);
    let version: string | undefined;
    try {
      await this.#get(versionQuery(this.#resource), this.#timing.headersMs, async (reading) => {
        reading.limit('stalled', this.#timing.stallMs);
        await reading.each((chunk) => items.push(chunk, ignore));
        version = items.finish(ignore);
      });
    } catch (error) {
      // Whoever may not list has to do without.
      if (!(error instanceof Ending) || (error.status !== 400 && error.status !== 403)) throw error;
    }
    return version;
  }

  /** Draws the conclusions, and returns how long to wait before what comes next, in ms. */
  #ended(ending: Ending): number {
    this.#handOn();
    this.#lastEnding = ending;
    this.#statistics.reconnects[ending.reason]++;
    if (ending.reason === 'bad_line') this.#statistics.badLines++;
    const openMs = this.#openedMs === undefined ? 0 : this.#clock.monotonicMs() - this.#openedMs;
    if (openMs >= SOUND_MS) this.#judge.sound();
    // As it was asked to.
    if (ending.reason === 'closed' && openMs >= this.#timeoutS * ASKED_END) return 0;
    if (ending.status === 404 && this.#resource.optional === true) return this.#missing();
    // Only what was missing twice in a row goes.
    if (this.#feed.size > 0) this.#looks = 0;
    this.#doubt.failed(ending);
    const { waitMs, readAgain, isTrouble } = this.#judge.ended(ending, this.#version);
    if (isTrouble) this.#troubles.set('requests', troubleOf(ending, this.#resource, this.#requests.server));
    if (readAgain !== undefined) this.#readAgain(readAgain);
    if (ending.status === 403 && this.#resource.dispensable === true) return Math.max(waitMs, this.#refused());
    return waitMs;
  }

  /** The server has the type, in the version that was asked for. */
  #found(): void {
    this.#looks = 0;
    this.#refusals = 0;
    this.#versions.found();
    this.#servedAs = this.#resource.apiVersion;
    this.#feed.comeAs(this.#resource);
  }

  /** The version is not served. Where none is, the type is not installed. */
  #missing(): number {
    if (!this.#versions.missed()) return this.#absent();
    this.#readAgain('other_version');
    return 0;
  }

  /** A server that starts may say so for a moment: what is known goes at the second time. */
  #absent(): number {
    if (this.#looks > 0 || this.#feed.size === 0) {
      this.#feed.begin();
      this.#delivery.deliver(this.#feed.end());
      this.#readAgain('installed');
      this.#servedAs = undefined;
      this.#isComplete = true;
      this.#tellSynced();
    }
    this.#looks++;
    this.#isLookDue = true;
    this.#troubles.set('requests', undefined);
    return this.#lookout.pauseMs(this.#looks);
  }

  /** Nobody lets us read it. What is known stays. Returns the least to wait, in ms. */
  #refused(): number {
    this.#refusals++;
    if (this.#refusals < REFUSALS_MAX || !this.#mayDoWithout()) return 0;
    this.#isComplete = true;
    this.#tellSynced();
    return this.#lookout.pauseMs(this.#refusals - REFUSALS_MAX + 1);
  }
}

/** A watch of which so much of its time has passed ended because that was asked for: in 900 of 1,000. */
const ASKED_END = 900;

/** Initial events are not to be had from this server: older than 1.32, or turned off. */
const NEVER_HAD: ReadonlySet<number> = new Set([400, 422]);
/** The same, or the right to watch is missing, which may come. */
const REFUSED: ReadonlySet<number> = new Set([...NEVER_HAD, 403]);

/** Says nothing about initial events: a list would fare no better, and costs a server more. */
const isOfServer = ({ reason, status }: Ending): boolean =>
  reason === 'unreachable' || SERVER_STATUSES.has(status ?? 0);

const SERVER_STATUSES: ReadonlySet<number> = new Set([401, 404, 429, 503, 504]);

const ABOUT_CONTENT: ReadonlySet<string> = new Set(['bad_line', 'error_event', 'expired', 'backwards', 'closed']);

const endOf = (lines: LineSplitter): Error =>
  lines.isCut ? new BadContent('a line without its end') : new Ending('closed', 'the server ended the watch');

const asEnding = (error: unknown): Ending => {
  if (error instanceof Ending) return error;
  return new Ending('bad_line', error instanceof Error ? error.message : String(error), { cause: error });
};

const ignore = (): void => {};

const always = (): boolean => true;
