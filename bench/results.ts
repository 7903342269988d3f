import type { Algorithm } from '../src/core/model/objects.ts';
import type { Path } from './contender.ts';
import type { MachineFacts } from './machine.ts';
import type { SameNodeResult } from './same-node/results.ts';
import type { Ratio } from './statistics.ts';
import type { TruthResult } from './truth/results.ts';

/** What bench/results/*.json hold, and docs/benchmarks.md is made from: one file per `bench`. */
export type BenchmarkResult =
  | ConnectResult
  | Connect4Result
  | PicksResult
  | SlowBackendResult
  | DisruptionResult
  | CanaryResult
  | SlowStartResult
  | ScaleResult
  | MemoryResult
  | KubernetesResult
  | SameNodeResult
  | TruthResult
  | ScrapeResult
  | AccountingResult;

interface Common {
  readonly machine: MachineFacts;
}

export interface ConnectSettings {
  readonly seed: number;
  readonly rounds: number;
  /** Of the one-thread rounds. */
  readonly connectsPerRound: number;
  readonly burstConnects: number;
  readonly burstThreads: number;
  readonly endpointsPerService: number;
}

export interface ConnectResult extends Common {
  readonly bench: 'connect';
  readonly settings: ConnectSettings;
  readonly contenders: readonly { readonly name: string; readonly description: string }[];
  readonly measurements: readonly ConnectMeasurement[];
}

export interface ConnectMeasurement {
  readonly path: Path;
  readonly services: number;
  readonly contenders: readonly ConnectFigures[];
}

export interface ConnectFigures {
  readonly name: string;
  readonly programmedMs?: number;
  /** Medians over the rounds of what each round found. */
  readonly latencyUs: { readonly p50: number; readonly p90: number; readonly p99: number; readonly mean: number };
  readonly perSecond: number;
  /** By the other's name: this one's figure divided by the other's, round by round. */
  readonly against: Readonly<Record<string, { readonly latency: Ratio; readonly perSecond: Ratio }>>;
}

export interface Connect4Settings {
  readonly seed: number;
  readonly rounds: number;
  readonly connectsPerRound: number;
  readonly services: number;
  readonly endpointsPerService: number;
}

/** Mean kernel time of one connect4 run on a hit, in nanoseconds, by BPF statistics. */
export interface Connect4Result extends Common {
  readonly bench: 'connect4';
  readonly settings: Connect4Settings;
  readonly contenders: readonly {
    readonly name: string;
    /** Median over the rounds of a round's mean. */
    readonly runNs: number;
    readonly againstBare: Ratio;
  }[];
}

export interface PickSettings {
  readonly seed: number;
  readonly rounds: number;
  readonly connectsPerRound: number;
  readonly services: number;
  /** Connections that stay open meanwhile. */
  readonly held: number;
}

export interface PickFigures {
  readonly algorithm: Algorithm;
  /** Median over the rounds of a round's mean, in nanoseconds of kernel time of connect4. */
  readonly runNs: number;
  readonly againstRandom: Ratio;
}

export interface PicksResult extends Common {
  readonly bench: 'picks';
  readonly settings: PickSettings;
  readonly measurements: readonly {
    readonly endpointsPerService: number;
    readonly algorithms: readonly PickFigures[];
  }[];
}

export interface SlowBackendSettings {
  readonly seed: number;
  readonly rounds: number;
  readonly roundMs: number;
  readonly backends: number;
  readonly workers: number;
  readonly serviceUs: number;
  /** What one of the backends takes. */
  readonly slowUs: number;
  /** Each has one request at a time. */
  readonly clients: number;
}

/** Medians over the rounds of what each found. */
export interface SlowBackendFigures {
  readonly algorithm: Algorithm;
  readonly perSecond: number;
  /** From connect() to the answer, by quantile: `p50`, `p75`, `p90`, `p95`, `p99`, `p999`. */
  readonly tookMs: Readonly<Record<string, number>>;
  /** Of the p99, round by round. */
  readonly againstRandom: Ratio;
}

export interface SlowBackendResult extends Common {
  readonly bench: 'slow-backend';
  readonly settings: SlowBackendSettings;
  readonly algorithms: readonly SlowBackendFigures[];
}

export interface DisruptionSettings {
  readonly seed: number;
  readonly backends: number;
  /** How often a backend, another one each time, is removed and comes back. */
  readonly removals: number;
  /** Source addresses that connect before and after. */
  readonly clients: number;
}

/** Of clients of backends that stay, the part that is sent elsewhere. */
export interface DisruptionResult extends Common {
  readonly bench: 'disruption';
  readonly settings: DisruptionSettings;
  /** Of the look-up table's entries, each removal. */
  readonly tables: readonly number[];
  /** Of real connections, each removal. */
  readonly connections: readonly number[];
}

export interface CanarySettings {
  readonly seed: number;
  readonly edits: number;
  /** Requests of each window, which lies between an edit that is in force and the next one. */
  readonly requests: number;
  readonly clients: number;
}

export interface CanaryResult extends Common {
  readonly bench: 'canary';
  readonly settings: CanarySettings;
  /** All, also those between windows. */
  readonly requests: number;
  readonly failed: number;
  /** What the route asked for the canary in percent, and how many requests of the window it got. */
  readonly windows: readonly { readonly percent: number; readonly canary: number }[];
  /** From the write of the file to what is in force. */
  readonly inForceMs: { readonly p50: number; readonly p99: number; readonly max: number };
}

export interface SlowStartSettings {
  readonly durationMs: number;
  readonly backends: number;
  readonly requests: number;
  readonly clients: number;
}

export interface SlowStartResult extends Common {
  readonly bench: 'slow-start';
  readonly settings: SlowStartSettings;
  /** Share of the new endpoint in windows of so many requests, by their middle since it was in force, and what the ramp says. */
  readonly windows: readonly { readonly atMs: number; readonly share: number; readonly ramp: number }[];
}

export interface ScaleSettings {
  readonly services: number;
  readonly endpointsPerService: number;
  readonly repetitions: number;
  readonly changes: number;
  readonly seed: number;
}

export interface ScaleResult extends Common {
  readonly bench: 'scale';
  readonly settings: ScaleSettings;
  /** Medians over the repetitions, in milliseconds; `cpuMs` is user + system time of the process. */
  readonly program: {
    readonly desireMs: number;
    readonly planMs: number;
    readonly writeMs: number;
    readonly totalMs: number;
    readonly cpuMs: number;
  };
  /** One EndpointSlice event until the tables hold it. */
  readonly change: { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number };
}

export interface MemorySettings {
  readonly services: number;
  readonly endpointsPerService: number;
  readonly scrapes: number;
  /** Of one file each. */
  readonly changes: number;
}

/** The agent's own process (proc_pid_status(5)): resident now, of that anonymous and of files, and the most so far. */
export interface MemoryFigures {
  readonly residentMiB: number;
  readonly anonymousMiB: number;
  readonly fileMiB: number;
  readonly peakMiB: number;
}

export interface MemoryResult extends Common {
  readonly bench: 'memory';
  readonly settings: MemorySettings;
  /** When everything is in force, after the scrapes, and after the changes. */
  readonly synced: MemoryFigures;
  readonly scraped: MemoryFigures;
  readonly changed: MemoryFigures;
}

export interface ScrapeSettings {
  readonly services: number;
  readonly endpointsPerService: number;
  /** Of these Services, which each container asks. */
  readonly usedServices: number;
  /** A case for each: so many containers, each of a workload of its own. */
  readonly containers: readonly number[];
  /** Services that one container asks before each scrape. */
  readonly askedBetween: number;
  readonly scrapes: number;
}

export interface ScrapeResult extends Common {
  readonly bench: 'scrape';
  readonly settings: ScrapeSettings;
  readonly cases: readonly ScrapeFigures[];
}

export interface ScrapeFigures {
  readonly containers: number;
  /** Of one scrape, all threads, median; what the agent takes without one is not in it. */
  readonly cpuMs: number;
  /** The longest that the event loop stood still in a scrape and until the next one: median, and the worst. */
  readonly blockMs: number;
  readonly worstBlockMs: number;
  /** Before the first scrape, and the most that was resident a moment after one. */
  readonly before: MemoryFigures;
  readonly most: MemoryFigures;
  /** Anonymous memory, a moment after each, median, more than before. Of files is Node itself, which comes and goes. */
  readonly grownMiB: number;
  /** Of one scrape. */
  readonly series: number;
  readonly bytes: number;
}

export type AccountingSettings = Connect4Settings;

/** Kernel time of one connection from connect() to its end, in nanoseconds, by BPF statistics. */
export interface AccountingResult extends Common {
  readonly bench: 'accounting';
  readonly settings: AccountingSettings;
  readonly choiceNs: number;
  /** The choice, and programs that do nothing, called as often as those that count. */
  readonly callsNs: number;
  readonly allNs: number;
  /** The difference of these two, round by round. */
  readonly accountingNs: Ratio;
}

export interface KubernetesSettings {
  readonly services: number;
  readonly endpointsPerService: number;
  /** Changes of one EndpointSlice each. */
  readonly events: number;
  readonly perSecond: number;
  /** Between the sync and the events. */
  readonly restMs: number;
}

/** The agent against an API server, over TLS. */
export interface KubernetesFigures {
  /** By initial events of a watch; else by lists. */
  readonly watchList: boolean;
  /** User and system time of the agent from its start until everything is in force. */
  readonly cpuS: number;
  /** Resident when everything is in force and after the events; of that anonymous; the most until then. */
  readonly syncedMiB: number;
  readonly changedMiB: number;
  readonly anonymousMiB: number;
  readonly peakMiB: number;
  /** From the server's write of an event to the entry in the kernel's table. */
  readonly changes: {
    readonly p50Ms: number;
    readonly p99Ms: number;
    readonly maxMs: number;
    readonly lost: number;
    readonly behindMs: number;
  };
  readonly cpuPerEventUs: number;
  /** The longest that the event loop stood still: from the start through the first events, and during further events. */
  readonly syncBlockMs: number;
  readonly eventBlockMs: number;
}

export interface KubernetesResult extends Common {
  readonly bench: 'kubernetes';
  readonly settings: KubernetesSettings;
  readonly runs: readonly KubernetesFigures[];
}
