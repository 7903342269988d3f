import type { ServiceStats } from '../../dataplane/dataplane.ts';
import { inTurns } from '../chunks.ts';
import type { Clock } from '../clock.ts';
import { Sweep } from '../sweep.ts';
import type { AgentView } from '../view.ts';
import { type Growth, growthBetween, NOTHING, sumOf, type Totals, totalsOf, usesOf } from './growth.ts';
import { Ring, SERIES, type SeriesName, STEP_MS } from './ring.ts';

export interface HistoryOptions {
  /** Undefined until the agent has opened its tables. */
  readonly view: () => Pick<AgentView, 'usage'> | undefined;
  readonly clock: Clock;
  readonly onFailure: (error: unknown, retryInMs: number) => void;
  /** Of Service ports with a history of their own. */
  readonly ringsMax?: number;
}

/** Service ports as they were found by the last look. */
export interface Found {
  /** Ids of all, in the order of the tables. */
  readonly all: readonly string[];
  /** Ids of those that have been used, those that are used most now first. */
  readonly used: readonly string[];
}

/** Each series by its name, from the oldest step to the newest; null: not known. */
export type SeriesView = Readonly<Record<SeriesName, readonly (number | null)[]>>;

const RINGS_MAX = 500;
/** Looked at in a row: a millisecond or two. */
const TURN = 200;
const RETRY_MAX_MS = 60_000;
/** Which Services are in use most is a matter of the last minute. */
const RANKED_STEPS = 12;

/**
 * What Service ports did in the last 15 minutes. It looks every 5 s and keeps some kilobytes of each that is in use; of
 * more than there is room for, those that were used last.
 */
export class History {
  readonly #options: HistoryOptions;
  readonly #ringsMax: number;
  readonly #timer: Sweep;
  readonly #ports = new Map<string, Port>();
  readonly #node = new Ring();
  #all: readonly string[] = [];
  #used: readonly string[] = [];
  #step = 0;
  /** The last look that has seen all. */
  #wholeStep = 0;
  #lastMs: number | undefined;
  #rings = 0;
  /** The last look that found all of them in use. */
  #fullStep = 0;

  constructor(options: HistoryOptions) {
    const { clock, onFailure, ringsMax = RINGS_MAX } = options;
    this.#options = options;
    this.#ringsMax = ringsMax;
    this.#timer = new Sweep({
      clock,
      run: () => this.#look(),
      onError: onFailure,
      periodMs: STEP_MS,
      retryMs: STEP_MS,
      retryMaxMs: RETRY_MAX_MS,
    });
  }

  start(): void {
    this.#timer.start();
  }

  /** Resolves when the look under way has ended. */
  stop(): Promise<void> {
    return this.#timer.stop();
  }

  /** Counts looks: one more when there is a new step. */
  get step(): number {
    return this.#wholeStep;
  }

  found(): Found {
    return { all: this.#all, used: this.#used };
  }

  /** Of a Service port, or of all together; undefined where nothing is kept. */
  series(id: string | undefined): SeriesView | undefined {
    const ring = this.#ringOf(id);
    if (ring === undefined) return undefined;
    return Object.fromEntries(SERIES.map((name) => [name, ring.read(name, this.#wholeStep)])) as unknown as SeriesView;
  }

  /** Of the last step. */
  last(id: string | undefined, name: SeriesName): number | undefined {
    return this.#ringOf(id)?.last(name, this.#wholeStep);
  }

  #ringOf(id: string | undefined): Ring | undefined {
    return id === undefined ? this.#node : this.#ports.get(id)?.ring;
  }

  async #look(): Promise<void> {
    const view = this.#options.view();
    if (view === undefined) return;
    const nowMs = this.#options.clock.monotonicMs();
    const elapsedMs = this.#lastMs === undefined ? undefined : nowMs - this.#lastMs;
    // A look that fails has seen some and not others: then the next one is as the first.
    this.#lastMs = undefined;
    this.#step++;
    this.#node.clear(this.#step);
    for (const { ring } of this.#ports.values()) ring?.clear(this.#step);
    const all: string[] = [];
    let sum = NOTHING;
    for await (const { id, stats } of inTurns(view.usage(), TURN)) {
      all.push(id);
      if (stats !== undefined) sum = sumOf(sum, this.#note(id, stats, elapsedMs));
    }
    if (elapsedMs !== undefined) this.#node.note(this.#step, sum, elapsedMs);
    // Before tables are known there are none, and what they have counted by then is older than any look.
    this.#lastMs = all.length === 0 ? undefined : nowMs;
    this.#all = all;
    this.#dropGone();
    this.#used = this.#ranked();
    this.#wholeStep = this.#step;
  }

  #note(id: string, stats: ServiceStats, elapsedMs: number | undefined): Growth {
    const totals = totalsOf(stats);
    const port = this.#ports.get(id) ?? this.#newPort(id, elapsedMs === undefined ? totals : NOTHING);
    const growth = growthBetween(port.totals, totals);
    port.seenStep = this.#step;
    if (usesOf(growth) > 0) port.usedStep = this.#step;
    if (port.ring === undefined && port.usedStep === this.#step) this.#giveRing(port);
    if (elapsedMs !== undefined) port.ring?.note(this.#step, growth, elapsedMs);
    // Thousands that were used once need not keep their histograms.
    port.totals = port.ring === undefined ? { ...totals, latency: [] } : totals;
    return growth;
  }

  /** Counters of the first look may be old: nobody knows when that was. */
  #newPort(id: string, totals: Totals): Port {
    const port: Port = { totals, ring: undefined, seenStep: this.#step, usedStep: 0 };
    this.#ports.set(id, port);
    if (this.#rings < this.#ringsMax) this.#giveRing(port);
    return port;
  }

  /** When there is no room, it takes that of the one whose last use is longest ago, unless all are in use. */
  #giveRing(port: Port): void {
    if (this.#fullStep === this.#step) return;
    if (this.#rings < this.#ringsMax) {
      this.#rings++;
    } else {
      const kept = [...this.#ports.values()].filter(({ ring }) => ring !== undefined);
      const oldest = kept.reduce((one, other) => (other.usedStep < one.usedStep ? other : one));
      if (this.#step - oldest.usedStep <= RANKED_STEPS) {
        this.#fullStep = this.#step;
        return;
      }
      oldest.ring = undefined;
    }
    port.ring = new Ring();
  }

  #dropGone(): void {
    for (const [id, { ring, seenStep }] of this.#ports) {
      if (seenStep === this.#step) continue;
      this.#ports.delete(id);
      if (ring !== undefined) this.#rings--;
    }
  }

  /**
   * Those that differ by little stand by their names: a list that is looked at must not jump. Those without room for a
   * history come after them as they are: to sort thousands takes long.
   */
  #ranked(): readonly string[] {
    const ranked: { readonly id: string; readonly late: number; readonly all: number }[] = [];
    const others: string[] = [];
    for (const [id, { ring, totals }] of this.#ports) {
      if (ring === undefined) others.push(id);
      else ranked.push({ id, late: rankOf(this.#usesOfLate(ring)), all: rankOf(usesOf(totals)) });
    }
    ranked.sort((a, b) => compare(b.late, a.late) || compare(b.all, a.all) || (a.id < b.id ? -1 : 1));
    return [...ranked.map(({ id }) => id), ...others];
  }

  #usesOfLate(ring: Ring): number {
    return USES.reduce((total, name) => total + ring.sum(name, this.#step, RANKED_STEPS), 0);
  }
}

interface Port {
  totals: Totals;
  ring: Ring | undefined;
  seenStep: number;
  /** 0: not since the history began. */
  usedStep: number;
}

/** The same for what is not twice as much. */
const rankOf = (uses: number): number => (uses > 0 ? Math.floor(Math.log2(uses)) : Number.NEGATIVE_INFINITY);

/** Of infinities, too. */
const compare = (a: number, b: number): number => (a === b ? 0 : a - b);

const USES = ['connections', 'rejected', 'datagrams'] as const satisfies readonly SeriesName[];
