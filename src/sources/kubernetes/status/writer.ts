import { setImmediate as nextTurn } from 'node:timers/promises';
import { objectText } from '../../../core/desire/complaint.ts';
import type { WantedStatus } from '../../../core/status/wanted.ts';
import { Calls, type Fields } from '../calls.ts';
import type { Client } from '../client.ts';
import type { Ending } from '../ending.ts';
import type { ReflectorClock } from '../timing.ts';
import { isOlder } from '../version.ts';
import { Pause } from '../watchdog.ts';
import { Allowance } from './allowance.ts';
import { Attempts } from './attempts.ts';
import { merge, oursIn } from './entries.ts';

/** What became of attempts to write, since the start. */
export interface WriteCounts {
  written: number;
  /** It said so already. */
  unchanged: number;
  /** Somebody was faster, and it was tried again. */
  conflict: number;
  /** The object is gone, or its type. */
  gone: number;
  /** What we had written was undone by somebody else. */
  undone: number;
  failed: number;
}

export interface AttemptEnd {
  readonly error: Ending | undefined;
  /** Somebody undoes again and again what we write. */
  readonly isContested: boolean;
}

export interface WriterOptions {
  readonly client: Client;
  readonly clock: ReflectorClock;
  readonly random: () => number;
  /** Asked right before each write. */
  readonly mayWrite: () => boolean;
  /** Name of the resource of a kind: `tcproutes`. */
  readonly resourceOf: (kind: string) => string | undefined;
  /** How an attempt for an object such as `TCPRoute shop/web` ended, or that there is nothing more to write into it. */
  readonly onEnd: (name: string, end: AttemptEnd) => void;
  /** Writes a second, and at once. Default 10 and 50. */
  readonly perS?: number | undefined;
  readonly burst?: number | undefined;
}

/**
 * Brings the status of objects to what is wanted, of each the newest only, as long as it may. Before each write the
 * object is read: entries of others stay, and what says so already is not written.
 */
export class StatusWriter {
  readonly counts: WriteCounts = { written: 0, unchanged: 0, conflict: 0, gone: 0, undone: 0, failed: 0 };
  readonly #options: WriterOptions;
  readonly #calls: Calls;
  readonly #pause: Pause;
  readonly #ration: Pause;
  readonly #reads: Allowance;
  readonly #writes: Allowance;
  #wanted: readonly WantedStatus[] = [];
  readonly #items = new Map<string, Item>();
  /** Of these the server may have something else than what is wanted. */
  readonly #due = new Set<string>();
  /** Of the server as a whole: whether it answers. */
  readonly #server: Attempts;
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: WriterOptions) {
    const { client, clock, random, perS = WRITES_PER_S, burst = WRITES_BURST } = options;
    this.#options = options;
    this.#calls = new Calls(client, clock);
    this.#pause = new Pause(clock);
    this.#ration = new Pause(clock);
    this.#reads = new Allowance(clock, perS * READS_PER_WRITE, burst);
    this.#writes = new Allowance(clock, perS, burst);
    this.#server = new Attempts(clock, random, SERVER_WAIT_MAX_MS);
  }

  /** Objects that are not known to say what is wanted. */
  get pending(): number {
    return this.#due.size;
  }

  /** Somebody undoes what we write into it, and has not left it alone for long since. */
  isContested(name: string): boolean {
    return this.#items.get(name)?.attempts.isContested ?? false;
  }

  /** Everything that is wanted. What was wanted of an object that is no longer among it is taken back. */
  want(statuses: readonly WantedStatus[]): void {
    this.#wanted = statuses;
    // Nearly all agents never write, and do nothing with it.
    if (this.#mayWrite) this.#sort();
  }

  /** The object exists in this version. */
  seen(name: string, version: string): void {
    const item = this.#items.get(name);
    if (item === undefined) return;
    item.latest = version;
    if (!isPast(item)) this.#due.add(name);
    this.#run();
  }

  /** What is wanted may be written from now on. */
  begin(): void {
    this.#sort();
  }

  /** What is under way is called off at once, and nothing is known any more: others may write. */
  end(): void {
    this.#items.clear();
    this.#due.clear();
    this.#calls.abort(new Error('this agent no longer writes'));
    this.#pause.wake();
    this.#ration.wake();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.end();
    await this.#running;
  }

  get #mayWrite(): boolean {
    return !this.#isStopped && this.#options.mayWrite();
  }

  #sort(): void {
    const wanted = new Map(this.#wanted.map((status) => [objectText(status.ref), status]));
    for (const [name, item] of this.#items) {
      if (wanted.has(name) || item.isLeaving) continue;
      if (item.status.entries.length > 0) this.#set(name, { ...item.status, entries: [] }, true);
      else this.#forget(name);
    }
    for (const [name, status] of wanted) this.#set(name, status, false);
    this.#run();
  }

  #forget(name: string): void {
    this.#items.delete(name);
    this.#due.delete(name);
    this.#options.onEnd(name, WELL);
  }

  #set(name: string, status: WantedStatus, isLeaving: boolean): void {
    const item = this.#items.get(name);
    if (item === undefined) {
      const attempts = new Attempts(this.#options.clock, this.#options.random);
      this.#items.set(name, { status, isLeaving, attempts, version: '', latest: '', stored: undefined });
    } else {
      item.isLeaving = isLeaving;
      if (item.status === status || JSON.stringify(item.status) === JSON.stringify(status)) return;
      item.status = status;
      item.stored = undefined;
      // Something new is said at once, whatever became of the old.
      item.attempts.settled();
    }
    this.#due.add(name);
  }

  #run(): void {
    if (this.#due.size === 0 || !this.#mayWrite) return;
    if (this.#running === undefined) this.#running = this.#work();
    else this.#pause.wake();
  }

  async #work(): Promise<void> {
    // What comes in one go is one go.
    await nextTurn();
    while (this.#mayWrite && this.#due.size > 0) {
      await this.#round();
      const waitMs = this.#waitMs();
      if (waitMs > 0 && this.#mayWrite && this.#due.size > 0) await this.#pause.wait(waitMs);
    }
    this.#running = undefined;
  }

  #waitMs(): number {
    const waits = [...this.#due].map((name) => this.#items.get(name)?.attempts.waitMs ?? 0);
    return Math.max(this.#server.waitMs, Math.min(...waits));
  }

  /** One attempt for each object whose time has come. */
  async #round(): Promise<void> {
    for (const name of [...this.#due]) {
      const item = this.#items.get(name);
      if (!this.#mayWrite || this.#server.waitMs > 0) return;
      if (item?.attempts.waitMs === 0) await this.#attempt(name, item);
    }
  }

  async #attempt(name: string, item: Item): Promise<void> {
    try {
      await this.#bring(name, item);
      this.#server.settled();
      this.#options.onEnd(name, { error: undefined, isContested: this.isContested(name) });
    } catch (error) {
      const ending = error as Ending;
      if (!this.#mayWrite) return;
      if (ending.status === 404) {
        this.counts.gone++;
        this.#rest(name, item);
        return this.#options.onEnd(name, WELL);
      }
      this.counts.failed++;
      item.attempts.failed();
      // Whoever fails every time would keep those behind it from their turn.
      if (this.#due.delete(name)) this.#due.add(name);
      if (isOfServer(ending)) this.#server.failed(ending.retryAfterMs);
      this.#options.onEnd(name, { error: ending, isContested: this.isContested(name) });
    }
  }

  /** Reads, and writes if need be; again when somebody else was faster. Throws Ending. */
  async #bring(name: string, item: Item): Promise<void> {
    const { status } = item;
    const path = this.#pathOf(status);
    for (let conflicts = 0; this.#mayWrite && item.status === status; conflicts++) {
      await this.#ration.wait(this.#reads.take());
      if (!this.#mayWrite) return;
      const object = await this.#calls.get(path);
      const merged = merge(object, status, nowText(this.#options.clock));
      const isThere = merged.before === merged.after || merged.before === item.stored;
      if (isThere || merged.isOutdated) {
        this.counts.unchanged++;
        return this.#settle(name, item, versionOf(object));
      }
      if (item.stored !== undefined) return this.#undone(item);
      await this.#ration.wait(this.#writes.take());
      // It may have ended while it waited.
      if (!this.#mayWrite) return;
      try {
        const answer = await this.#calls.send('PUT', `${path}/status`, merged.object);
        this.counts.written++;
        item.attempts.written();
        if (item.status === status) item.stored = oursIn(answer, status.kind);
        return this.#settle(name, item, versionOf(answer), status);
      } catch (error) {
        if ((error as Ending).status !== 409 || conflicts === CONFLICTS_MAX) throw error;
        this.counts.conflict++;
      }
    }
  }

  /** It stays due, for later. */
  #undone(item: Item): void {
    this.counts.undone++;
    item.stored = undefined;
    item.attempts.undone();
  }

  /** The object says what was wanted then, in this version. */
  #settle(name: string, item: Item, version: string, status = item.status): void {
    item.version = version;
    if (item.status !== status || !isPast(item)) return;
    item.attempts.settled();
    this.#rest(name, item);
  }

  /** There is nothing to do until it is seen or wanted anew. */
  #rest(name: string, item: Item): void {
    if (this.#items.get(name) !== item) return;
    this.#due.delete(name);
    if (item.isLeaving) this.#items.delete(name);
  }

  #pathOf({ ref }: WantedStatus): string {
    const resource = this.#options.resourceOf(ref.kind);
    return `/apis/${ref.apiVersion}/namespaces/${ref.namespace}/${resource}/${ref.name}`;
  }
}

interface Item {
  status: WantedStatus;
  /** It is no longer wanted, and forgotten once that is said. */
  isLeaving: boolean;
  readonly attempts: Attempts;
  /** Of the object as we read or wrote it last. */
  version: string;
  /** Of the object as the watch showed it last. */
  latest: string;
  /** What the server made of what we wrote, as long as the same is wanted. */
  stored: string | undefined;
}

/** Nothing is known of the object that is newer than what we read or wrote. */
const isPast = ({ version, latest }: Item): boolean => latest === '' || (version !== '' && !isOlder(version, latest));

const WELL: AttemptEnd = { error: undefined, isContested: false };

const WRITES_PER_S = 10;
const WRITES_BURST = 50;
const READS_PER_WRITE = 5;
/** In a row, before it counts as a failure. */
const CONFLICTS_MAX = 5;

/** Others would fare no better. A 500 may be of one type alone: that of a webhook, or of a conversion, that is broken. */
const isOfServer = ({ status }: Ending): boolean => status === undefined || SERVER_STATUSES.has(status);

const SERVER_STATUSES: ReadonlySet<number> = new Set([429, 503, 504]);
/** All that is due waits for it. */
const SERVER_WAIT_MAX_MS = 30_000;

const nowText = (clock: ReflectorClock): string => new Date(clock.wallMs()).toISOString().replace(/\.\d+Z$/, 'Z');

const versionOf = ({ metadata }: Fields): string => {
  const { resourceVersion } = (metadata ?? {}) as { readonly resourceVersion?: unknown };
  return typeof resourceVersion === 'string' ? resourceVersion : '';
};
