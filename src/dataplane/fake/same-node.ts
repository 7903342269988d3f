import type { SameNodeEnd } from '../../core/same-node/end.ts';
import { ShuntError } from '../../errors.ts';
import type { SameNode, SameNodeStats } from '../same-node.ts';

/** Joins nobody, and knows whom the kernel would: it keeps the rules of the table `ends`. */
export class FakeSameNode implements SameNode {
  /** What it was told, each time. */
  readonly told: (readonly SameNodeEnd[])[] = [];
  tends = 0;
  isAttached = false;
  unavailable: string | undefined;
  given: SameNodeStats = NO_STATS;
  #failure: string | undefined;
  #modes: ReadonlyMap<string, SameNodeEnd['mode']> = new Map();

  set(ends: readonly SameNodeEnd[]): void {
    this.#mayFail();
    const modes = new Map(ends.map((end) => [endKey(end.address, end.port), end.mode]));
    if (modes.size < ends.length) throw broken('an end is there twice');
    for (const { address, port, mode } of ends) {
      if ((mode === 'served') !== port > 0) throw broken(`${address} ${port} cannot be ${mode}`);
      if (!modes.has(endKey(address, 0))) throw broken(`${address} is an endpoint of no Pod`);
    }
    this.told.push(ends);
    this.#modes = modes;
    this.isAttached = ends.length > 0 && this.unavailable === undefined;
  }

  tend(): void {
    if (!this.isAttached) throw broken('nothing is attached');
    this.#mayFail();
    this.tends++;
  }

  stats(): SameNodeStats {
    return this.isAttached ? this.given : NO_STATS;
  }

  close(): void {}

  /** From now on, until it is called without a reason. */
  failBecause(reason?: string): void {
    this.#failure = reason;
  }

  /** Whether the kernel would join these two, were both proven (bpf/same-node/ends.h). */
  joins(client: string, server: string, port: number): boolean {
    const [ofClient, ofServer] = [this.#modes.get(endKey(client, 0)), this.#modes.get(endKey(server, 0))];
    if (!this.isAttached || ofClient === undefined || ofServer === undefined) return false;
    if (ofClient === 'plain' || ofServer === 'plain') return false;
    return this.#modes.has(endKey(server, port)) || (ofClient === 'redirect' && ofServer === 'redirect');
  }

  #mayFail(): void {
    if (this.#failure !== undefined) throw broken(this.#failure);
  }
}

const endKey = (address: string, port: number): string => `${address} ${port}`;

const broken = (detail: string): ShuntError => new ShuntError('SHUNT_E_INTERNAL', { detail });

const NO_STATS: SameNodeStats = Object.freeze({
  sockets: { candidate: 0, joined: 0, unfit: 0 },
  messages: 0,
  bytes: 0,
  fallbacks: {},
  unfit: {},
});
