import type { EventLine, EventView } from './event-view.ts';

/** Some hundred kilobytes. */
const LINES_MAX = 2000;
const BATCH_LINES = 256;

/** Between the agent and one reader. It holds so much and no more: what finds no room is counted. */
export class EventQueue implements AsyncIterable<readonly EventLine[]> {
  readonly #linesMax: number;
  readonly #onClose: () => void;
  #lines: EventLine[] = [];
  #wake: (() => void) | undefined;
  #isClosed = false;
  skipped = 0;

  constructor(onClose: () => void, linesMax = LINES_MAX) {
    this.#onClose = onClose;
    this.#linesMax = linesMax;
  }

  push(event: EventView): void {
    if (this.#isClosed) return;
    if (this.#lines.length >= this.#linesMax) this.skipped++;
    else this.#add(event);
  }

  /** What is said of all events has its room always: it is said rarely. Of several that wait, the last counts. */
  say(line: EventLine): void {
    if (this.#isClosed) return;
    const last = this.#lines.at(-1);
    if (last !== undefined && 'sampling' in last) this.#lines.pop();
    this.#add(line);
  }

  /** What is there is still read. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#wake?.();
    this.#onClose();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly EventLine[]> {
    try {
      while (true) {
        if (this.#lines.length > 0) yield this.#lines.splice(0, BATCH_LINES);
        else if (this.#isClosed) return;
        else await this.#more();
      }
    } finally {
      this.close();
    }
  }

  #add(line: EventLine): void {
    this.#lines.push(line);
    this.#wake?.();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}
