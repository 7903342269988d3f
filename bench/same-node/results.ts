import type { MachineFacts } from '../machine.ts';
import type { Ratio } from '../statistics.ts';

export interface SameNodeSettings {
  readonly seed: number;
  readonly rounds: number;
  /** Of a round, for each contender. */
  readonly requests: number;
  readonly requestBytes: readonly number[];
  readonly bulkBytes: number;
  readonly bulkWriteBytes: number;
  readonly costRounds: number;
  readonly costRequests: number;
  readonly costConnects: number;
  readonly walkSockets: readonly number[];
}

export interface SameNodeResult {
  readonly bench: 'same-node';
  readonly machine: MachineFacts;
  readonly settings: SameNodeSettings;
  readonly contenders: readonly { readonly name: string; readonly description: string }[];
  readonly speed: readonly SameNodeSpeed[];
  readonly costs: readonly SameNodeCost[];
  readonly stalled: readonly SameNodeStalled[];
  readonly walks: readonly SameNodeWalk[];
  readonly programs: readonly SameNodeProgram[];
}

/** `one`: all of it on one CPU. `two`: on two that are kept awake. */
export type Placement = 'one' | 'two';

export interface SameNodeSpeed {
  readonly placement: Placement;
  /** Time of a request in microseconds, or gigabits per second of a bulk. */
  readonly what: 'requests' | 'bulk';
  readonly bytes: number;
  /** Of the bytes that the redirected contender sent. */
  readonly redirected: number;
  readonly contenders: readonly SameNodeFigures[];
}

export interface SameNodeFigures {
  readonly name: string;
  readonly median: number;
  readonly best: number;
  readonly against: Readonly<Record<string, Comparison>>;
}

/** Of this one's figures to the other's. */
export interface Comparison {
  readonly medians: number;
  readonly best: number;
  /** Round by round. */
  readonly rounds: Ratio;
}

/** What connections pay that are not redirected, against those of a node where nothing is attached. */
export interface SameNodeCost {
  readonly what: string;
  readonly unit: 'request' | 'connection';
  /** Not of connections that may be joined: they are remembered, until it shows how they are read. */
  readonly hasBar: boolean;
  /** Microseconds without anything attached. */
  readonly medianUs: number;
  readonly comparison: Comparison;
  /** Holds the median of the ratios of rounds with a confidence of 95 %. */
  readonly interval: readonly [low: number, high: number];
}

/** What a sender gets rid of whose peer does not read, and what the sockets of the machine grow by (sockstat). */
export interface SameNodeStalled {
  readonly writeBytes: number;
  /** Whether much had been sent and read before, so that buffers had grown. */
  readonly grown: boolean;
  readonly contenders: readonly {
    readonly name: string;
    /** Medians. */
    readonly acceptedBytes: number;
    readonly memoryBytes: number;
  }[];
}

/** Medians, in microseconds. */
export interface SameNodeWalk {
  readonly sockets: number;
  /** None of them has anything to be done. */
  readonly candidatesUs: number;
  /** All of them are joined. */
  readonly joiningUs: number;
  readonly joinedUs: number;
}

/** Mean time of a run of a program, by BPF statistics. */
export interface SameNodeProgram {
  readonly program: string;
  readonly when: string;
  readonly runs: number;
  readonly ns: number;
}
