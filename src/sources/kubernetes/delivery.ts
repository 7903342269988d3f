import type { ReflectorClock } from './timing.ts';
import type { ReflectorEvent } from './told.ts';

export interface DeliveryOptions<T> {
  readonly clock: ReflectorClock;
  /** May throw. */
  readonly onEvents: (events: readonly ReflectorEvent<T>[]) => void;
  /** What it threw; undefined once everything was taken. */
  readonly onRefused: (error: unknown) => void;
  readonly onTaken: () => void;
  readonly retryMs: number;
  readonly retryMaxMs: number;
}

/**
 * Hands events on. Those that are not taken are kept, with the objects in them, and offered again, each object for itself,
 * so that one that nobody can take keeps no other from being told.
 */
export class Delivery<T> {
  readonly #options: DeliveryOptions<T>;
  /** By object, what it has to be told yet: at most a deletion and what came after it. */
  readonly #waiting = new Map<string, readonly ReflectorEvent<T>[]>();
  #tries = 0;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(options: DeliveryOptions<T>) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  deliver(events: readonly ReflectorEvent<T>[]): void {
    if (this.#stopped || events.length === 0) return;
    const free = this.#waiting.size === 0 ? events : events.filter((event) => !this.#joins(event));
    if (free.length === 0) return;
    try {
      this.#options.onEvents(free);
    } catch (error) {
      for (const event of free) this.#keep(event);
      this.#options.onRefused(error);
      this.#schedule();
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** An object that waits is told in order. */
  #joins(event: ReflectorEvent<T>): boolean {
    const waits = this.#waiting.has(keyOf(event));
    if (waits) this.#keep(event);
    return waits;
  }

  /** A deletion must not be lost when the name is used again; of all else the last counts. */
  #keep(event: ReflectorEvent<T>): void {
    const key = keyOf(event);
    const before = this.#waiting.get(key) ?? [];
    const deletion = before.find(({ type }) => type === 'delete');
    const isNew = before.some((each) => each.type === 'put' && each.isNew);
    const last = event.type === 'put' && isNew ? { ...event, isNew } : event;
    this.#waiting.set(key, event.type === 'delete' || deletion === undefined ? [last] : [deletion, last]);
  }

  #schedule(): void {
    if (this.#stopped || this.#cancel !== undefined) return;
    const { clock, retryMs, retryMaxMs } = this.#options;
    const delayMs = Math.min(retryMaxMs, retryMs * 2 ** this.#tries++);
    this.#cancel = clock.after(delayMs, () => {
      this.#cancel = undefined;
      this.#retry();
    });
  }

  #retry(): void {
    let refused: unknown;
    for (const [key, events] of this.#waiting) {
      try {
        this.#options.onEvents(events);
        this.#waiting.delete(key);
      } catch (error) {
        refused = error;
      }
    }
    if (this.#waiting.size > 0) {
      this.#options.onRefused(refused);
      this.#schedule();
      return;
    }
    this.#tries = 0;
    this.#options.onTaken();
  }
}

const keyOf = <T>({ namespace, name }: ReflectorEvent<T>): string => `${namespace}/${name}`;
