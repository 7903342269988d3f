import type { Dataplane, StaleSocket } from '../dataplane/dataplane.ts';
import type { Clock } from './clock.ts';
import { Runner } from './runner.ts';

export interface DatagramSweepOptions {
  readonly dataplane: Dataplane;
  readonly clock: Clock;
  /** Those whose backend is gone for good; undefined while nobody can tell. */
  readonly goneOf: (sockets: readonly StaleSocket[]) => readonly StaleSocket[] | undefined;
  readonly onEnded: (count: number) => void;
  readonly onFailure: (error: unknown, retryInMs: number) => void;
}

/** Between two sweeps. The first one after a change waits for nothing but the programs that are under way. */
const INTERVAL_MS = 100;
const RETRY_MS = 1000;
const RETRY_MAX_MS = 300_000;

/**
 * A socket that was not found is looked for again a little later: it may have been on its way to its backend. What is
 * not found then has dissolved its connection, or lies in a network namespace that cannot be seen.
 */
const LOOKS_MAX = 3;
const NEXT_LOOK_MS = 1000;

/**
 * Tells connected UDP sockets that their backend is gone. In the background: a change never waits for it, and never
 * fails because of it. It looks at what is there and not at what happened, so nothing is missed.
 */
export class DatagramSweep {
  readonly #options: DatagramSweepOptions;
  readonly #runner: Runner;
  /** Sockets that have to go and were looked for. */
  #sought = new Map<string, Sought>();
  #cancelNextLook: (() => void) | undefined;

  constructor(options: DatagramSweepOptions) {
    const { clock, onFailure } = options;
    this.#options = options;
    this.#runner = new Runner({
      clock,
      run: () => this.#run(),
      onError: onFailure,
      intervalMs: INTERVAL_MS,
      retryMs: RETRY_MS,
      retryMaxMs: RETRY_MAX_MS,
    });
  }

  /** Soon; `anew`: also looks again for what was not found so far. */
  request({ anew = false } = {}): void {
    if (this.#options.dataplane.socketEnding === 'none') return;
    if (anew) for (const [key, { ended }] of this.#sought) if (!ended) this.#sought.delete(key);
    this.#runner.request();
  }

  /** Resolves when the sweep under way has ended. */
  async stop(): Promise<void> {
    this.#cancelNextLook?.();
    await this.#runner.stop();
    this.#cancelNextLook?.();
  }

  async #run(): Promise<void> {
    const { dataplane, goneOf, onEnded } = this.#options;
    // Whoever chose a backend before it was retired has remembered it by then.
    await dataplane.grace();
    const gone = goneOf(await dataplane.staleSockets());
    if (gone === undefined) return;
    this.#forgetOthers(gone);
    const wanted = gone.filter((socket) => this.#isDue(socket));
    if (wanted.length > 0) {
      const { sockets: ended, failure } = await dataplane.endSockets(wanted);
      if (ended.length > 0) onEnded(ended.length);
      this.#note(wanted, ended, failure === undefined);
      if (failure !== undefined) throw failure;
    }
    if (gone.some((socket) => this.#isWanted(socket))) this.#lookAgain();
  }

  /** What is not listed any more is closed, or connected elsewhere. */
  #forgetOthers(gone: readonly StaleSocket[]): void {
    const keys = new Set(gone.map(keyOf));
    for (const key of this.#sought.keys()) if (!keys.has(key)) this.#sought.delete(key);
  }

  #isWanted(socket: StaleSocket): boolean {
    const sought = this.#sought.get(keyOf(socket));
    return sought === undefined || (!sought.ended && sought.looks < LOOKS_MAX);
  }

  #isDue(socket: StaleSocket): boolean {
    const sought = this.#sought.get(keyOf(socket));
    return this.#isWanted(socket) && (sought === undefined || this.#nowMs() >= sought.lastMs + NEXT_LOOK_MS);
  }

  /** A look that was cut short by a failure is none. */
  #note(wanted: readonly StaleSocket[], ended: readonly StaleSocket[], whole: boolean): void {
    const lastMs = this.#nowMs();
    if (whole) {
      for (const socket of wanted) {
        const looks = (this.#sought.get(keyOf(socket))?.looks ?? 0) + 1;
        this.#sought.set(keyOf(socket), { looks, lastMs, ended: false });
      }
    }
    for (const socket of ended) this.#sought.set(keyOf(socket), { looks: 0, lastMs, ended: true });
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }

  #lookAgain(): void {
    this.#cancelNextLook?.();
    this.#cancelNextLook = this.#options.clock.after(NEXT_LOOK_MS, () => this.#runner.request());
  }
}

interface Sought {
  readonly looks: number;
  readonly lastMs: number;
  /** It goes on remembering its backend until the application closes it or connects again. */
  readonly ended: boolean;
}

/** A socket that connected again is another matter. */
const keyOf = ({ cookie, backend, backendGeneration }: StaleSocket): string =>
  `${cookie} ${backend} ${backendGeneration}`;
