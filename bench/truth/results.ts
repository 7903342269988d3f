import type { MachineFacts } from '../machine.ts';

export interface TruthSettings {
  readonly seed: number;
  /** Of all clients together, beside those that are kept. */
  readonly connections: number;
  /** Of each client. */
  readonly threads: number;
  /** Connections that go on all the time, of each client. */
  readonly kept: number;
  /** Requests on each of them between two looks. */
  readonly talks: number;
}

export interface TruthResult {
  readonly bench: 'truth';
  readonly machine: MachineFacts;
  readonly settings: TruthSettings;
  /** That the connections took. */
  readonly seconds: number;
  /** How connections ended, as those who made them saw it. */
  readonly endings: Readonly<Record<string, number>>;
  /** Payload each way, and what of it went socket to socket. */
  readonly bytes: { readonly sent: number; readonly received: number; readonly redirected: number };
  readonly counters: Comparison;
  readonly traffic: Comparison;
}

/** How many figures were compared, and which were not what they should be. */
export interface Comparison {
  readonly compared: number;
  readonly different: readonly string[];
}
