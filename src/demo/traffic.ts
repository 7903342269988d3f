import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { ShuntError } from '../errors.ts';
import { type Application, startApplication } from './application.ts';
import { pause } from './pause.ts';
import type { Spawner } from './process.ts';
import { add, emptyTally, type Report, type Tally, total } from './tally.ts';

/** Connections that began within one stretch of time. */
export interface Window {
  readonly tally: Tally;
  /**
   * Resolves when so many connections came to an end, well or not, or when the time is over: on a slow machine fewer
   * must do. Rejects when aborted, or when the client has ended.
   */
  until(connections: number, withinMs: number): Promise<Tally>;
}

/** Reports that make up `recent`: about a second. */
const RECENT_REPORTS = 20;
const LOOK_EVERY_MS = 20;
const OPENED_WITHIN_MS = 5000;
const STOPPED_WITHIN_MS = 10_000;

/** A client in a pod that logs in at a steady rate, over a new connection each time. */
export class Traffic {
  readonly #child: Application;
  readonly #signal: AbortSignal;
  readonly #tallies = new Map<string, Tally>();
  readonly #reports: Tally[] = [];
  #windows = 0;
  #onReport: () => void = () => {};

  constructor(pod: Spawner, url: string, ratePerS: number, signal: AbortSignal) {
    this.#signal = signal;
    this.#child = startApplication(pod, 'client', [url, String(ratePerS)]);
    // It may have ended by itself, which `until` tells.
    this.#child.stdin.on('error', () => {});
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#take(JSON.parse(line) as Report));
  }

  /** Everything since the start. */
  get total(): Tally {
    return [...this.#tallies.values()].reduce(add, emptyTally);
  }

  /** The last second. */
  get recent(): Tally {
    return this.#reports.reduce(add, emptyTally);
  }

  /** Calls back whenever something was counted. */
  onReport(listener: () => void): void {
    this.#onReport = listener;
  }

  /** Counts apart what begins from now on: when it resolves, nothing more begins in the window before. */
  async window(): Promise<Window> {
    this.#windows += 1;
    const name = String(this.#windows);
    this.#child.stdin.write(`${name}\n`);
    await this.#wait(() => this.#tallies.has(name), OPENED_WITHIN_MS);
    const tally = (): Tally => this.#tallies.get(name) ?? emptyTally;
    return {
      get tally() {
        return tally();
      },
      until: async (connections, withinMs) => {
        await this.#wait(() => ended(tally()) >= connections, withinMs);
        return tally();
      },
    };
  }

  /** Lets what began come to its end; all is counted then. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    const closed = once(this.#child, 'close', { signal: AbortSignal.timeout(STOPPED_WITHIN_MS) });
    this.#child.stdin.end();
    await closed;
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #take({ window, tally }: Report): void {
    this.#tallies.set(window, add(this.#tallies.get(window) ?? emptyTally, tally));
    this.#reports.push(tally);
    if (this.#reports.length > RECENT_REPORTS) this.#reports.shift();
    this.#onReport();
  }

  /** Until it is so, or the time is over. */
  async #wait(isSo: () => boolean, withinMs: number): Promise<void> {
    const deadlineMs = performance.now() + withinMs;
    while (!isSo() && performance.now() < deadlineMs) {
      if (this.#ended) throw new ShuntError('SHUNT_E_DEMO', { step: 'making traffic', detail: 'the client has ended' });
      await pause(LOOK_EVERY_MS, this.#signal);
    }
  }
}

const ended = ({ answered, failed }: Tally): number => answered + total(failed);
