import type { Agent, AgentObserver } from '../agent/agent.ts';
import type { Config } from '../agent/config.ts';
import type { AgentView, ChangeSummary } from '../agent/view.ts';
import type { ClusterObject, Complaint } from '../core/model/objects.ts';
import type { Host } from './doctor/host.ts';

/** What verbs use of the rest of Shunt. `main.ts` gives the real ones, tests give theirs. */
export interface Parts {
  /** Everything in a file or directory of objects, once. */
  readObjects(path: string): Promise<Objects>;
  host(): Promise<Host>;
  /** Removes what lies pinned below `bpfRoot`, and with that what is attached. */
  unload(bpfRoot: string, force: boolean): Promise<Unloaded>;
  readonly run: RunParts;
}

export interface Objects {
  readonly objects: readonly ClusterObject[];
  readonly complaints: readonly Complaint[];
}

export interface Unloaded {
  /** Names of programs that were attached. */
  readonly programs: readonly string[];
  /** Directories of tables. */
  readonly sets: readonly string[];
}

/** What `shunt run` is put together from. */
export interface RunParts {
  readFile(path: string): string;
  hostname(): string;
  openLog(config: Config): Promise<Log>;
  /** Opens the tables; nothing is programmed before `start`. */
  openAgent(config: Config, version: string, observer: AgentObserver): Promise<Agent>;
  openMetrics(view: AgentView): Promise<Metrics>;
  /** Throws SHUNT_E_RUNNING or SHUNT_E_LISTEN. */
  listenAdmin(path: string, served: Served): Promise<Listener>;
  /** Throws SHUNT_E_LISTEN. */
  listenPublic(host: string, port: number, served: Served): Promise<Listener>;
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
  recordProgrammed(durationsMs: readonly number[]): void;
  scrape(): Promise<{ readonly type: string; readonly body: Uint8Array; readonly release: () => void }>;
}

/** What listeners serve; undefined while the agent is being opened. */
export interface Served {
  readonly view: () => AgentView | undefined;
  readonly scrape: () => ReturnType<Metrics['scrape']> | undefined;
  readonly onBug: (error: unknown, path: string) => void;
}

export interface Listener {
  readonly address: string;
  close(): Promise<void>;
}
