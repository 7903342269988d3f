import type { CallerCounts, CallerEntry } from '../dataplane/dataplane.ts';
import type { Workload } from './workload-cgroups.ts';

/** A Service port, in the record that it has now. */
export interface AskedPort {
  readonly namespace: string;
  readonly service: string;
  readonly protocol: string;
  readonly port: number;
}

/** What a workload asked of a Service port. */
export interface WorkloadUsage extends AskedPort {
  readonly workload: Workload;
  readonly counts: CallerCounts;
}

export interface Pairs {
  /** Pairs of a workload and a Service port that have series of their own. */
  readonly shown: number;
  /** Those that count for workload `other`. */
  readonly other: number;
}

/** Who asks for what, as far as it is known now. */
export interface Naming {
  readonly workloadOf: (cgroup: bigint) => Workload | undefined;
  /** Undefined: that record has gone, or another port has it. */
  readonly portOf: (service: number, generation: number) => AskedPort | undefined;
}

const OTHER: Workload = Object.freeze({ namespace: '', name: 'other' });

/** Of pairs with series of their own. */
const PAIRS_MAX = 2000;
/** A pair that nobody can add to any more stays so long: somebody may still have to scrape its last counts. */
const ENDED_MS = 900_000;

/**
 * Totals by workload and Service port, which only grow: what was taken out of the kernel's table, and what is in there
 * now. A pair keeps to the series that it was given until it has gone.
 */
export class WorkloadTotals {
  readonly #max: number;
  /** By workload and record of the Service port. */
  readonly #pairs = new Map<string, Pair>();
  /** By record of the Service port. */
  readonly #others = new Map<string, Series>();
  #shown = 0;

  constructor(max = PAIRS_MAX) {
    this.#max = max;
  }

  /** Everything that is in the kernel's table now. */
  see(entries: readonly CallerEntry[], naming: Naming, nowMs: number): void {
    for (const { live } of [...this.#pairs.values(), ...this.#others.values()]) clear(live);
    for (const entry of entries) {
      const pair = this.#find(entry, naming);
      if (pair === undefined) continue;
      pair.seenMs = nowMs;
      add((pair.other ?? pair).live, entry);
    }
    this.#dropGone(naming, nowMs);
  }

  /** What was taken out of the kernel's table, of what was seen there before. What has no name is lost. */
  settle(entries: readonly CallerEntry[], naming: Naming): void {
    for (const entry of entries) {
      const pair = this.#find(entry, naming);
      if (pair !== undefined) add((pair.other ?? pair).base, entry);
    }
  }

  pairs(): Pairs {
    return { shown: this.#shown, other: this.#pairs.size - this.#shown };
  }

  *usage(): Generator<WorkloadUsage> {
    for (const pair of this.#pairs.values()) if (pair.other === undefined) yield usageOf(pair);
    for (const series of this.#others.values()) yield usageOf(series);
  }

  #find(entry: CallerEntry, { workloadOf, portOf }: Naming): Pair | undefined {
    const port = portOf(entry.service, entry.serviceGeneration);
    const workload = workloadOf(entry.cgroup);
    if (port === undefined || workload === undefined) return undefined;
    const record = `${entry.service} ${entry.serviceGeneration}`;
    const key = `${record} ${workload.namespace} ${workload.name}`;
    const pair = this.#pairs.get(key) ?? this.#newPair(key, record, newSeries(entry, workload, port));
    pair.port = port;
    return pair;
  }

  #newPair(key: string, record: string, series: Series): Pair {
    const isShown = this.#shown < this.#max;
    if (isShown) this.#shown++;
    const pair = { ...series, seenMs: 0, other: isShown ? undefined : this.#otherOf(record, series) };
    this.#pairs.set(key, pair);
    return pair;
  }

  #otherOf(record: string, { port, service, generation }: Series): Series {
    const known = this.#others.get(record);
    const series = known ?? { ...emptyCounts(), workload: OTHER, port, service, generation };
    this.#others.set(record, series);
    return series;
  }

  /** Series go with their Service, and with a workload that has ended. */
  #dropGone({ portOf }: Naming, nowMs: number): void {
    for (const [key, pair] of this.#pairs) {
      const isOver = nowMs - pair.seenMs > ENDED_MS;
      if (!isOver && portOf(pair.service, pair.generation) !== undefined) continue;
      this.#pairs.delete(key);
      if (pair.other === undefined) this.#shown--;
    }
    for (const [key, { service, generation }] of this.#others)
      if (portOf(service, generation) === undefined) this.#others.delete(key);
  }
}

interface Series {
  readonly workload: Workload;
  /** Its number may change. */
  port: AskedPort;
  readonly service: number;
  readonly generation: number;
  /** Taken out of the kernel's table. */
  readonly base: Counts;
  /** In there. */
  readonly live: Counts;
}

interface Pair extends Series {
  /** When the kernel's table last had something of it. */
  seenMs: number;
  /** Where it is counted, if not in a series of its own. */
  readonly other: Series | undefined;
}

type Counts = { -readonly [Name in keyof CallerCounts]: number };

const newSeries = ({ service, serviceGeneration }: CallerEntry, workload: Workload, port: AskedPort): Series => ({
  ...emptyCounts(),
  workload,
  port,
  service,
  generation: serviceGeneration,
});

const emptyCounts = (): Pick<Series, 'base' | 'live'> => ({ base: { ...NOTHING }, live: { ...NOTHING } });

const usageOf = ({ workload, port, base, live }: Series): WorkloadUsage => {
  const counts = { ...base };
  add(counts, live);
  return { ...port, workload, counts };
};

const clear = (counts: Counts): void => {
  Object.assign(counts, NOTHING);
};

const add = (counts: Counts, more: CallerCounts): void => {
  counts.attempts += more.attempts;
  counts.established += more.established;
  counts.failed += more.failed;
  counts.closed += more.closed;
  counts.broken += more.broken;
  counts.rejected += more.rejected;
  counts.bytesSent += more.bytesSent;
  counts.bytesReceived += more.bytesReceived;
};

const NOTHING: CallerCounts = Object.freeze({
  attempts: 0,
  established: 0,
  failed: 0,
  closed: 0,
  broken: 0,
  rejected: 0,
  bytesSent: 0,
  bytesReceived: 0,
});
