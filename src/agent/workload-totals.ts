import {
  type CallerCounts,
  type CallerEntry,
  type CallerKey,
  type CallerSums,
  type CallerTable,
  noCounts,
} from '../dataplane/dataplane.ts';
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
/** Entries that are compared at once. */
const BLOCK = 64;

/**
 * Totals by workload and Service port, which only grow: what was taken out of the kernel's table, and what is in there
 * now. A pair keeps to the series that it was given until it has gone.
 */
export class WorkloadTotals {
  readonly #max: number;
  /** By record of the Service port. */
  readonly #records = new Map<number, AskedRecord>();
  /** By cgroup and record, which of the pairs an entry of the table counts for, as found out before. */
  readonly #known = new Map<number, Map<number, Pair>>();
  /** Of what was seen last, the pairs in its order; no table if not all of them are known, or may be others by now. */
  readonly #pairsAt: (Pair | undefined)[] = [];
  #last: CallerTable | undefined;
  #pairs = 0;
  #shown = 0;

  constructor(max = PAIRS_MAX) {
    this.#max = max;
  }

  /**
   * Everything that is in the kernel's table now. `whole`: each entry is looked at, and who has ended goes; else, where
   * they are the same entries as the last time, only what has changed.
   */
  see(table: CallerTable, naming: Naming, nowMs: number, { whole = true }: { readonly whole?: boolean } = {}): void {
    const hasGone = this.#lookAtRecords(naming);
    const last = this.#last;
    this.#last = undefined;
    if (whole || hasGone || last === undefined || !table.hasKeysOf(last)) this.#seeWhole(table, naming, nowMs);
    else this.#seeGrowth(table, last);
    // As long as some have no name yet, it is looked for.
    if (!this.#pairsAt.includes(undefined)) this.#last = table;
  }

  /** What was taken out of the kernel's table, of what was seen there before. What has no name is lost. */
  settle(entries: readonly CallerEntry[], naming: Naming): void {
    for (const entry of entries) {
      const pair = this.#find(entry, naming);
      if (pair !== undefined) add(pair.series.base, entry);
      // Its cgroup may be another workload's one day.
      this.#forget(entry);
    }
    this.#last = undefined;
  }

  pairs(): Pairs {
    return { shown: this.#shown, other: this.#pairs - this.#shown };
  }

  *usage(): Generator<WorkloadUsage> {
    for (const record of this.#records.values()) for (const series of record.series) yield usageOf(series, record);
  }

  /** Series go with their Service; the number of its port may change. Returns whether any has gone. */
  #lookAtRecords({ portOf }: Naming): boolean {
    let hasGone = false;
    for (const [service, record] of this.#records) {
      const port = portOf(service, record.generation);
      if (port !== undefined) {
        record.port = port;
        continue;
      }
      for (const key of record.pairs.keys()) this.#drop(record, key);
      this.#records.delete(service);
      hasGone = true;
    }
    return hasGone;
  }

  #seeWhole(table: CallerTable, naming: Naming, nowMs: number): void {
    for (const { series } of this.#records.values()) for (const each of series) each.live = noCounts();
    this.#pairsAt.length = table.count;
    for (let position = 0; position < table.count; position++) {
      const pair = this.#pairAt(table, position, naming);
      this.#pairsAt[position] = pair;
      if (pair === undefined) continue;
      pair.seenMs = nowMs;
      table.addCounts(position, pair.series.live, 1);
    }
    this.#dropEnded(nowMs);
  }

  /** The same entries as the last time: most of them count what they did then. */
  #seeGrowth(table: CallerTable, last: CallerTable): void {
    for (let from = 0; from < table.count; from += BLOCK) {
      const to = Math.min(from + BLOCK, table.count);
      if (table.hasCountsOf(last, from, to)) continue;
      for (let position = from; position < to; position++) {
        const { live } = (this.#pairsAt[position] as Pair).series;
        last.addCounts(position, live, -1);
        table.addCounts(position, live, 1);
      }
    }
  }

  #pairAt(table: CallerTable, position: number, naming: Naming): Pair | undefined {
    const cgroup = table.cgroupNumber(position);
    const service = table.service(position);
    const known = this.#known.get(cgroup)?.get(service);
    if (known !== undefined && known.generation === table.generation(position) && !known.isGone) return known;
    const pair = this.#find(table.key(position), naming);
    if (pair === undefined) return undefined;
    const ofCgroup = this.#known.get(cgroup) ?? new Map<number, Pair>();
    this.#known.set(cgroup, ofCgroup);
    ofCgroup.set(service, pair);
    return pair;
  }

  #find({ cgroup, service, serviceGeneration }: CallerKey, { workloadOf, portOf }: Naming): Pair | undefined {
    const workload = workloadOf(cgroup);
    if (workload === undefined) return undefined;
    const record = this.#records.get(service);
    if (record?.generation === serviceGeneration) return this.#pairOf(record, workload);
    const port = portOf(service, serviceGeneration);
    // One that has another generation is gone, and so are its pairs with the next look.
    if (port === undefined || record !== undefined) return undefined;
    const added: AskedRecord = {
      generation: serviceGeneration,
      port,
      pairs: new Map(),
      series: [],
      other: undefined,
    };
    this.#records.set(service, added);
    return this.#pairOf(added, workload);
  }

  #pairOf(record: AskedRecord, workload: Workload): Pair {
    const key = `${workload.namespace} ${workload.name}`;
    const known = record.pairs.get(key);
    if (known !== undefined) return known;
    const isShown = this.#shown < this.#max;
    if (isShown) this.#shown++;
    const series = isShown ? addSeries(record, workload) : (record.other ?? addSeries(record, OTHER));
    if (!isShown) record.other = series;
    const pair = { generation: record.generation, series, seenMs: 0, isGone: false };
    record.pairs.set(key, pair);
    this.#pairs++;
    return pair;
  }

  #forget({ cgroup, service }: CallerKey): void {
    const ofCgroup = this.#known.get(Number(cgroup));
    ofCgroup?.delete(service);
    if (ofCgroup?.size === 0) this.#known.delete(Number(cgroup));
  }

  /** With a workload that has ended its series go, too. */
  #dropEnded(nowMs: number): void {
    for (const record of this.#records.values()) {
      for (const [key, { seenMs }] of record.pairs) if (nowMs - seenMs > ENDED_MS) this.#drop(record, key);
    }
  }

  #drop(record: AskedRecord, key: string): void {
    const pair = record.pairs.get(key);
    if (pair === undefined) return;
    pair.isGone = true;
    record.pairs.delete(key);
    this.#pairs--;
    if (pair.series === record.other) return;
    this.#shown--;
    record.series = record.series.filter((series) => series !== pair.series);
  }
}

interface AskedRecord {
  readonly generation: number;
  port: AskedPort;
  /** By workload. */
  readonly pairs: Map<string, Pair>;
  /** All of it, that of `other` among them. */
  series: readonly Series[];
  /** Of those that have no series of their own. */
  other: Series | undefined;
}

interface Pair {
  /** Of the record. */
  readonly generation: number;
  /** Where it is counted: in one of its own, or in that of `other`. */
  readonly series: Series;
  /** When the kernel's table last had something of it. */
  seenMs: number;
  isGone: boolean;
}

interface Series {
  readonly workload: Workload;
  /** Taken out of the kernel's table. */
  readonly base: CallerSums;
  /** In there. */
  live: CallerSums;
}

const addSeries = (record: AskedRecord, workload: Workload): Series => {
  const series = { workload, base: noCounts(), live: noCounts() };
  record.series = [...record.series, series];
  return series;
};

const usageOf = ({ workload, base, live }: Series, record: AskedRecord): WorkloadUsage => {
  const { namespace, service, protocol, port } = record.port;
  const counts = { ...base };
  add(counts, live);
  return { namespace, service, protocol, port, workload, counts };
};

const add = (counts: CallerSums, more: CallerCounts): void => {
  counts.attempts += more.attempts;
  counts.established += more.established;
  counts.failed += more.failed;
  counts.closed += more.closed;
  counts.broken += more.broken;
  counts.rejected += more.rejected;
  counts.bytesSent += more.bytesSent;
  counts.bytesReceived += more.bytesReceived;
};
