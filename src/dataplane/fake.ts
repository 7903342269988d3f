import { pick } from '../core/plan/alias.ts';
import { CLOSING, frontendKey } from '../core/plan/have.ts';
import { HEADER_SLOTS } from '../core/plan/range.ts';
import type { Capacity, FrontendKey, FrontendWrite, Transaction } from '../core/plan/transaction.ts';
import { ShuntError } from '../errors.ts';
import type { Dataplane, Ended, SocketEnding, StaleSocket } from './dataplane.ts';
import { Memory } from './fake/memory.ts';
import { type Route, renderRoute, routesOf } from './fake/routes.ts';
import { Rules } from './fake/rules.ts';
import { FakeSockets } from './fake/sockets.ts';
import { FakeStats } from './fake/stats.ts';
import { type Executor, Refusal, stepsOf } from './fake/steps.ts';

/** What becomes of a connection. `left alone`: no frontend or nothing active, so whatever else is on the node decides. */
export type Answer =
  | { readonly verdict: 'left alone' | 'refused' }
  | { readonly verdict: 'sent'; readonly address: string; readonly port: number };

/**
 * A dataplane in memory for tests and rehearsals. It refuses what the kernel refuses (SHUNT_E_APPLY), and it watches
 * what the kernel cannot: a transaction that breaks a rule of bpf/abi.h or transaction.ts ends in SHUNT_E_INTERNAL.
 */
export class FakeDataplane implements Dataplane {
  readonly stats = new FakeStats();
  readonly sockets = new FakeSockets();
  readonly socketEnding: SocketEnding = 'bpf';
  #memory: Memory;
  #rules: Rules;
  #isActive = false;
  #stepsLeft = Number.POSITIVE_INFINITY;

  constructor(capacity: Capacity) {
    this.#memory = new Memory(capacity);
    this.#rules = new Rules(this.#memory);
  }

  get tables(): Memory {
    return this.#memory;
  }

  apply(transaction: Transaction): void {
    const steps = stepsOf(transaction);
    const executor: Executor = { memory: this.#memory, rules: this.#rules };
    for (const [applied, step] of steps.entries()) {
      const fail = (reason: string, cause?: unknown): never => {
        throw new ShuntError('SHUNT_E_APPLY', { step: step.name, applied, total: steps.length, reason }, { cause });
      };
      if (this.#stepsLeft-- === 0) fail('the dataplane was told to fail here');
      try {
        step.run(executor);
      } catch (error) {
        if (error instanceof Refusal) fail(error.message, error);
        throw error;
      }
    }
    this.#stepsLeft = Number.POSITIVE_INFINITY;
  }

  /** The next transaction is cut after so many elementary steps (one record, one word), as a `kill -9` would. */
  failAfter(steps: number): void {
    this.#stepsLeft = steps;
  }

  async grace(): Promise<void> {
    const period = this.#rules.beginGrace();
    await new Promise(setImmediate);
    this.#rules.endGrace(period);
  }

  clearStats({
    backends,
    services,
  }: {
    readonly backends: readonly number[];
    readonly services: readonly number[];
  }): void {
    for (const index of backends) this.#rules.mayReuse('backend', index);
    for (const index of services) this.#rules.mayReuse('service', index);
    this.stats.clear(backends, services);
  }

  async grow(capacity: Capacity): Promise<void> {
    this.#memory = this.#memory.grown(capacity);
    this.#rules = this.#rules.over(this.#memory);
  }

  async activate(): Promise<void> {
    this.#isActive = true;
  }

  lostPrograms(): readonly string[] {
    return [];
  }

  async staleSockets(): Promise<readonly StaleSocket[]> {
    return this.sockets.stale(this.#memory);
  }

  async endSockets(sockets: readonly StaleSocket[]): Promise<Ended> {
    return this.sockets.end(this.#memory, sockets);
  }

  close(): void {}

  /** Writes a frontend without looking at any rule, as another program on the node could. */
  tamper(frontend: FrontendWrite): void {
    this.#rules.replace(this.#memory.frontend(frontend), frontend);
    this.#memory.putFrontend(frontend);
  }

  /** Follows a first connection to its end and counts it, with the kernel's arithmetic: no affinity, as for a new client. */
  connect(address: string, port: number, protocol: FrontendKey['protocol'], random32: number): Answer {
    const frontend =
      this.#memory.frontend({ address, port, protocol }) ?? this.#memory.frontend({ address, ...CLOSING });
    if (frontend === undefined || !this.#isActive) return { verdict: 'left alone' };
    const { service, slotBase, slotCount } = frontend;
    if (slotCount === 0) {
      this.stats.countRefused(service);
      return { verdict: 'refused' };
    }
    const index = pick(this.#memory.slots(slotBase + HEADER_SLOTS, slotCount), 0, slotCount, random32);
    this.stats.countSent(service, index);
    const backend = this.#memory.backend(index);
    return { verdict: 'sent', address: backend.address, port: backend.port };
  }

  /** A UDP socket that connects to a Service address: the cookie that it is known by, if it was sent to a backend. */
  connectSocket(address: string, port: number, random32: number): number | undefined {
    const frontend = this.#memory.frontend({ address, port, protocol: 'UDP' });
    if (frontend === undefined || frontend.slotCount === 0) return undefined;
    const { service, slotBase, slotCount } = frontend;
    return this.sockets.open(
      this.#memory,
      service,
      pick(this.#memory.slots(slotBase + HEADER_SLOTS, slotCount), 0, slotCount, random32),
    );
  }

  /** Every frontend and where it leads, by its key. */
  routes(): ReadonlyMap<string, Route> {
    return new Map(routesOf(this.#memory).map((route) => [frontendKey(route), route]));
  }

  /** One line per frontend, sorted; indexes are left out, so equal routing reads equal. */
  dump(): string {
    return routesOf(this.#memory)
      .map((route) => `${renderRoute(route)}\n`)
      .sort()
      .join('');
  }
}
