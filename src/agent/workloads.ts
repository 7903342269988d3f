import type { Cluster } from '../core/cluster.ts';
import type { CallerEntry, Callers, CallerTable } from '../dataplane/dataplane.ts';
import { cgroupId } from './cgroup-tree.ts';
import { inTurns } from './chunks.ts';
import type { Clock } from './clock.ts';
import { Sweep } from './sweep.ts';
import { findWorkloads, type Workload } from './workload-cgroups.ts';
import { type Naming, type Pairs, WorkloadTotals, type WorkloadUsage } from './workload-totals.ts';

export interface WorkloadsOptions {
  readonly callers: Callers;
  /** Only what lies below it connects through us. */
  readonly cgroup: string;
  /** Name of this node. */
  readonly node: string;
  readonly cluster: Pick<Cluster, 'pods'>;
  readonly clock: Clock;
  /** The Service ports that there are now; undefined while nobody knows. */
  readonly portOf: () => Naming['portOf'] | undefined;
  readonly onFailure: (error: unknown, retryInMs: number) => void;
}

const SWEEP_MS = 10_000;
const RETRY_MAX_MS = 300_000;
/** Who is not found for so long is `unknown` for good: totals never move from one workload to another. */
const UNKNOWN_MS = 30_000;
/** Whether cgroups are still there. */
const CHECK_MS = 60_000;
/** Looked at in a row: less than a millisecond. */
const CHECK_TURN = 50;
/** Of a cgroup that has gone: ends of its connections may be late, and some are never told. */
const LINGER_MS = 600_000;

/** Found nowhere: it was gone before it was looked for, or lies where nobody looks. */
const UNKNOWN: Workload = Object.freeze({ namespace: '', name: 'unknown' });

/** Counts connections by the workload that asks: knows whose cgroups count, and takes out of the kernel what has ended. */
export class Workloads {
  readonly #options: WorkloadsOptions;
  readonly #timer: Sweep;
  readonly #totals = new WorkloadTotals();
  readonly #cgroups = new Map<bigint, Known>();
  #checkedMs = 0;

  constructor(options: WorkloadsOptions) {
    const { clock, onFailure } = options;
    this.#options = options;
    this.#timer = new Sweep({
      clock,
      run: () => this.#sweep(),
      onError: onFailure,
      periodMs: SWEEP_MS,
      retryMs: SWEEP_MS,
      retryMaxMs: RETRY_MAX_MS,
    });
  }

  start(): void {
    this.#timer.start();
  }

  /** Resolves when the search under way has ended. */
  stop(): Promise<void> {
    return this.#timer.stop();
  }

  /** As of now. Who asked for the first time a moment ago is not known yet, and appears with all its counts. */
  usage(): Iterable<WorkloadUsage> {
    const { callers, onFailure } = this.#options;
    const naming = this.#naming();
    try {
      if (naming !== undefined) this.#see(callers.read(), naming, { whole: false });
    } catch (error) {
      onFailure(error, SWEEP_MS);
    }
    return this.#totals.usage();
  }

  pairs(): Pairs {
    return this.#totals.pairs();
  }

  async #sweep(): Promise<void> {
    const { callers, clock } = this.#options;
    this.#note(callers.read());
    await this.#find();
    if (clock.monotonicMs() - this.#checkedMs >= CHECK_MS) await this.#check();
    this.#takeOut();
  }

  #note(table: CallerTable): void {
    const nowMs = this.#options.clock.monotonicMs();
    const counting = cgroupsIn(table);
    for (const [id, { goneMs }] of this.#cgroups)
      if (goneMs !== undefined && !counting.has(id)) this.#cgroups.delete(id);
    for (const id of counting) {
      if (!this.#cgroups.has(id))
        this.#cgroups.set(id, { sinceMs: nowMs, workload: undefined, path: '', goneMs: undefined });
    }
  }

  async #find(): Promise<void> {
    const { cluster, cgroup, node, clock } = this.#options;
    const waiting = [...this.#cgroups].filter(([, { workload }]) => workload === undefined);
    if (waiting.length === 0) return;
    const pods = [...cluster.pods.values()].filter((pod) => pod.node === node);
    const found = await findWorkloads({ cgroup, pods, wanted: new Set(waiting.map(([id]) => id)) });
    const nowMs = clock.monotonicMs();
    for (const [id, known] of waiting) {
      const place = found.get(id);
      if (place !== undefined) this.#cgroups.set(id, { ...known, ...place });
      else if (nowMs - known.sinceMs >= UNKNOWN_MS)
        this.#cgroups.set(id, { ...known, workload: UNKNOWN, goneMs: nowMs });
    }
  }

  async #check(): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    this.#checkedMs = nowMs;
    for await (const [id, known] of inTurns(this.#cgroups, CHECK_TURN)) {
      if (known.path === '' || known.goneMs !== undefined || cgroupId(known.path) === id) continue;
      this.#cgroups.set(id, { ...known, goneMs: nowMs });
    }
  }

  /** Within one turn of the event loop: nobody reads the totals in between. */
  #takeOut(): void {
    const { callers } = this.#options;
    const naming = this.#naming();
    if (naming === undefined) return;
    const table = callers.read();
    this.#see(table, naming);
    const taken = callers.forget(this.#overIn(table, naming));
    if (taken.length === 0) return;
    this.#totals.settle(taken, naming);
    this.#see(callers.read(), naming);
  }

  #see(table: CallerTable, naming: Naming, how: { readonly whole: boolean } = { whole: true }): void {
    this.#totals.see(table, naming, this.#options.clock.monotonicMs(), how);
  }

  /** Mostly none, and nothing is looked at one by one. */
  #overIn(table: CallerTable, naming: Naming): readonly CallerEntry[] {
    const hasGone = [...this.#cgroups.values()].some(({ goneMs }) => goneMs !== undefined);
    const records = new Map<number, number>();
    for (let position = 0; position < table.count; position++)
      records.set(table.service(position), table.generation(position));
    if (!hasGone && [...records].every(([service, generation]) => naming.portOf(service, generation) !== undefined))
      return [];
    return table.entries().filter((entry) => this.#isOver(entry, naming));
  }

  #isOver(entry: CallerEntry, { portOf }: Naming): boolean {
    if (portOf(entry.service, entry.serviceGeneration) === undefined) return true;
    const goneMs = this.#cgroups.get(entry.cgroup)?.goneMs;
    if (goneMs === undefined) return false;
    return hasEnded(entry) || this.#options.clock.monotonicMs() - goneMs >= LINGER_MS;
  }

  #naming(): Naming | undefined {
    const portOf = this.#options.portOf();
    return portOf && { portOf, workloadOf: (cgroup) => this.#cgroups.get(cgroup)?.workload };
  }
}

interface Known {
  /** When it was first met. */
  readonly sinceMs: number;
  /** Once it is known, it is for good. */
  readonly workload: Workload | undefined;
  /** Empty: not found. */
  readonly path: string;
  readonly goneMs: number | undefined;
}

/** Many entries are of one: each becomes a key once. */
const cgroupsIn = (table: CallerTable): ReadonlySet<bigint> => {
  const positions = new Map<number, number>();
  for (let position = 0; position < table.count; position++) positions.set(table.cgroupNumber(position), position);
  return new Set(Array.from(positions.values(), (position) => table.key(position).cgroup));
};

/** Nothing of it is open. */
const hasEnded = ({ attempts, established, failed, closed }: CallerEntry): boolean =>
  attempts === established + failed && established === closed;
