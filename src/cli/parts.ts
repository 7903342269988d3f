import type { Agent, AgentObserver } from '../agent/agent.ts';
import type { Config, PageSettings } from '../agent/config.ts';
import type { AgentView, ChangeSummary } from '../agent/view.ts';
import type { ClusterObject, Complaint, Origin } from '../core/model/objects.ts';
import type { Environment, Output } from './context.ts';
import type { Host } from './doctor/host.ts';
import type { Terminals } from './top/terminal.ts';

/** What verbs use of the rest of Shunt. `main.ts` gives the real ones, tests give theirs. */
export interface Parts {
  /** Everything in a file or directory of objects, once. */
  readObjects(path: string): Promise<Objects>;
  host(): Promise<Host>;
  /** Removes what lies pinned below `bpfRoot`, and with that what is attached. */
  unload(bpfRoot: string, force: boolean): Promise<Unloaded>;
  /** Where Shunt is loaded, of the directories of the BPF file system: what `unload` may be given. */
  loadedRoots(): Promise<readonly string[]>;
  /** Throws SHUNT_E_ROOT, SHUNT_E_NODE or SHUNT_E_DEMO. */
  demo(options: DemoOptions): Promise<DemoReport>;
  /** That of the user. */
  terminals(): Promise<Terminals>;
  readonly run: RunParts;
}

export interface Objects {
  readonly objects: readonly ClusterObject[];
  readonly complaints: readonly Complaint[];
  /** Where an object stands, named as complaints name it: `Service shop/cart`. */
  originOf(object: string): Origin | undefined;
}

export interface Unloaded {
  /** Names of programs that were attached. */
  readonly programs: readonly string[];
  /** Directories of tables. */
  readonly sets: readonly string[];
}

export interface DemoOptions {
  readonly output: Output;
  readonly env: Environment;
  /** Nothing is written to `output`. */
  readonly silent: boolean;
  /** The node stays, after the last claim, until `stopped`. */
  readonly keep: boolean;
  /** The live page is served, on the loopback of the machine. */
  readonly ui: boolean;
  /** Resolves with the name of the signal that asks to end the demo. */
  readonly stopped: Promise<string>;
}

export interface DemoReport {
  /** Every claim was looked at, and holds. */
  readonly ok: boolean;
  readonly claims: readonly Claim[];
  readonly node: { readonly kernel: string };
  readonly durationMs: number;
  /** The last lines of the agent. */
  readonly agentLog: readonly string[];
  /** Name of the signal that ended the demo before its last claim. */
  readonly interruptedBy: string | undefined;
}

/** Something that Shunt promises, as it was measured. */
export interface Claim {
  readonly name: string;
  readonly claim: string;
  readonly holds: boolean;
  readonly figure: Readonly<Record<string, unknown>>;
  /** The figure in a few words. */
  readonly summary: string;
}

/** What `shunt run` is put together from. */
export interface RunParts {
  readFile(path: string): string;
  hostname(): string;
  openLog(config: Config): Promise<Log>;
  /** Opens the tables; nothing is programmed before `start`. */
  openAgent(config: Config, version: string, observer: AgentObserver): Promise<Agent>;
  openMetrics(view: AgentView, config: Config): Promise<Metrics>;
  /** Throws SHUNT_E_RUNNING or SHUNT_E_LISTEN. */
  listenAdmin(path: string, served: Served): Promise<Listener>;
  /** Throws SHUNT_E_LISTEN. */
  listenPublic(host: string, port: number, served: Served): Promise<Listener>;
  /** The live page, and its history. Throws SHUNT_E_LISTEN, or SHUNT_E_READ when the page was not built. */
  listenPage(at: PageSettings, served: ServedPage): Promise<Listener>;
  /** Gives memory that is not used any more back to the system. Stops everything meanwhile. */
  releaseMemory(): Promise<void>;
  /**
   * The large work of the start is done: from now on memory is tidied up in steps so short that nobody waits for them, and
   * given back when it has grown. Returns how to end that.
   */
  keepMemoryLow(): Promise<() => void>;
  /** Resolves with the name of the signal that asks to stop. Called before anything is opened. */
  stopRequested(): Promise<string>;
}

export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  change(change: ChangeSummary): void;
  complaints(complaints: readonly Complaint[]): void;
}

export interface Metrics {
  recordChange(change: ChangeSummary): void;
  recordFailure(): void;
  recordSocketsEnded(count: number): void;
  recordLostEnded(count: number): void;
  recordSocketsFailure(): void;
  recordProgrammed(durationsMs: readonly number[]): void;
  scrape(): Promise<{ readonly type: string; readonly body: Iterable<Uint8Array> }>;
}

/** What listeners serve; undefined while the agent is being opened. */
export interface Served {
  readonly view: () => AgentView | undefined;
  readonly scrape: () => ReturnType<Metrics['scrape']> | undefined;
  readonly onBug: (error: unknown, path: string) => void;
}

export interface ServedPage extends Pick<Served, 'view' | 'onBug'> {
  readonly node: string;
  readonly version: string;
  readonly onFailure: (error: unknown, retryInMs: number) => void;
}

export interface Listener {
  readonly address: string;
  close(): Promise<void>;
}
