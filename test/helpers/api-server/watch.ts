import { setImmediate as turn } from 'node:timers/promises';
import { GONE } from './fault.ts';
import type { Outlet } from './outlet.ts';
import type { Question } from './question.ts';
import { RESOURCES } from './resources.ts';
import type { ObjectStore, StoredEvent } from './store.ts';

export interface WatchOptions {
  readonly store: ObjectStore;
  readonly bookmarkMs: number;
  /** Whether a stream of all objects says when they were all sent. */
  readonly closingBookmark: boolean;
  /** Bookmarks older than what the watch began with are sent, too: after a restore that is how one learns of it. */
  readonly bookmarksFromThePast: boolean;
}

/** Streams changes until the client has gone or the time is up. */
export const streamWatch = async (outlet: Outlet, question: Question, options: WatchOptions): Promise<void> => {
  const { store } = options;
  const { version = 0, kind } = question;
  // The initial state and what follows it have no gap: nothing is awaited in between.
  const withState = kind === 'watchlist' || version === 0;
  const from = withState ? store.version : version;
  const initial = withState ? store.list(question.resource).filter(question.select) : [];
  const missed = withState ? [] : store.eventsAfter(question.resource, version);
  const live = new LiveWatch(outlet, question, from, options);
  outlet.open();
  if (missed === undefined) {
    outlet.strike({ ...GONE, ending: 'end' });
    live.stop();
    return;
  }
  for (const event of missed) live.tell(event);
  for (const [index, object] of initial.entries()) {
    live.write('ADDED', object);
    await outlet.drained();
    if (index % 500 === 499) await turn();
  }
  if (kind === 'watchlist' && options.closingBookmark && question.bookmarks) live.bookmark(from, CLOSING);
  live.begin();
};

/** The annotation by which a WatchList says that all objects were sent (KEP-3157). */
const CLOSING = { annotations: { 'k8s.io/initial-events-end': 'true' } };

/** Listens from its construction on, and tells from `begin` on. */
class LiveWatch {
  readonly #outlet: Outlet;
  readonly #question: Question;
  readonly #options: WatchOptions;
  readonly #from: number;
  readonly #waiting: StoredEvent[] = [];
  readonly #unsubscribe: () => void;
  #timers: NodeJS.Timeout[] = [];
  #begun = false;

  constructor(outlet: Outlet, question: Question, from: number, options: WatchOptions) {
    this.#outlet = outlet;
    this.#question = question;
    this.#options = options;
    this.#from = from;
    this.#unsubscribe = options.store.subscribe(question.resource, (event) => {
      if (this.#begun) this.tell(event);
      else this.#waiting.push(event);
    });
    outlet.onOver(() => this.stop());
  }

  begin(): void {
    for (const event of this.#waiting.splice(0)) this.tell(event);
    this.#begun = true;
    if (this.#outlet.over) return;
    const { bookmarks, timeoutS } = this.#question;
    if (bookmarks) this.#timers.push(setInterval(() => this.#bookmarkNow(), this.#options.bookmarkMs));
    if (timeoutS !== undefined) this.#timers.push(setTimeout(() => this.#outlet.end(), timeoutS * 1000));
  }

  stop(): void {
    this.#unsubscribe();
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  /** An object that a selector begins to see is added, and one that it no longer sees is deleted. */
  tell({ version, type, object, before }: StoredEvent): void {
    if (version <= this.#from) return;
    const { select } = this.#question;
    const is = type !== 'DELETED' && select(object);
    const was = before !== undefined && select(before);
    if (is) this.write(was ? 'MODIFIED' : 'ADDED', object);
    else if (was) {
      this.write('DELETED', { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } });
    }
  }

  write(type: string, object: object): void {
    const { apiVersion } = this.#question;
    this.#outlet.line(`${JSON.stringify({ type, object: { ...object, apiVersion } })}\n`);
  }

  bookmark(version: number, metadata: object = {}): void {
    const { kind } = RESOURCES[this.#question.resource];
    const fields = { resourceVersion: String(version), creationTimestamp: null, ...metadata };
    this.write('BOOKMARK', { kind, metadata: fields });
  }

  #bookmarkNow(): void {
    const { store, bookmarksFromThePast } = this.#options;
    if (store.version >= this.#from || bookmarksFromThePast) this.bookmark(store.version);
  }
}
