import type { Clock } from '../clock.ts';
import type { AgentView } from '../view.ts';
import type { WorkloadUsage } from '../workload-totals.ts';

export interface PairsOptions {
  readonly view: Pick<AgentView, 'workloads'>;
  readonly clock: Clock;
  readonly shownMax?: number;
}

/** Who asked for what, as it was counted at one time. */
export interface PairsReading {
  readonly atMs: number;
  /** Those in use most first. */
  readonly shown: readonly WorkloadUsage[];
  /** How many more there are. */
  readonly more: number;
}

const SHOWN_MAX = 80;
const EVERY_MS = 900;
/** Reading a full table takes a while; it may have a twentieth of the time. */
const COST = 20;
/** What was used counts for less with each reading. */
const FADE = 0.8;

/** The workloads and Services that have most to do with each other. Looks only when it is asked, and not more often than needed. */
export class BusiestPairs {
  readonly #options: PairsOptions;
  readonly #scores = new Map<string, Score>();
  #reading: PairsReading | undefined;
  #nextMs = 0;

  constructor(options: PairsOptions) {
    this.#options = options;
  }

  /** Undefined where it is not counted by who asks. */
  read(): PairsReading | undefined {
    const { view, clock, shownMax = SHOWN_MAX } = this.#options;
    const atMs = clock.monotonicMs();
    if (this.#reading !== undefined && atMs < this.#nextMs) return this.#reading;
    const workloads = view.workloads();
    if (workloads === undefined) return undefined;
    const all = Array.from(workloads.usage, (usage) => ({ usage, score: this.#score(usage) }));
    const busiest = all.sort((a, b) => b.score.late - a.score.late || b.score.uses - a.score.uses);
    const shown = busiest.slice(0, shownMax).map(({ usage }) => usage);
    if (all.length < this.#scores.size) this.#forgetOthers(all.map(({ usage }) => keyOf(usage)));
    this.#nextMs = atMs + Math.max(EVERY_MS, COST * (clock.monotonicMs() - atMs));
    this.#reading = { atMs, shown, more: all.length - shown.length };
    return this.#reading;
  }

  #score(usage: WorkloadUsage): Score {
    const key = keyOf(usage);
    const uses = usage.counts.attempts + usage.counts.rejected;
    const before = this.#scores.get(key) ?? { uses, late: 0 };
    const score = { uses, late: before.late * FADE + Math.max(0, uses - before.uses) };
    this.#scores.set(key, score);
    return score;
  }

  #forgetOthers(keys: readonly string[]): void {
    const kept = new Set(keys);
    for (const key of this.#scores.keys()) if (!kept.has(key)) this.#scores.delete(key);
  }
}

interface Score {
  readonly uses: number;
  readonly late: number;
}

const keyOf = ({ workload, namespace, service, protocol, port }: WorkloadUsage): string =>
  `${workload.namespace} ${workload.name} ${namespace}/${service}:${port}/${protocol}`;
