import type { Client } from '../core/model/desired.ts';
import { hasLookup } from '../core/plan/choice.ts';
import { frontendFor, frontendKey } from '../core/plan/have.ts';
import type { Capacity, FrontendKey, FrontendWrite, Transaction } from '../core/plan/transaction.ts';
import { ShuntError } from '../errors.ts';
import type { Dataplane, Ended, ProgramRuns, SocketEnding, StaleSocket } from './dataplane.ts';
import { choose } from './fake/choose.ts';
import { FakeEvents } from './fake/events.ts';
import { Memory } from './fake/memory.ts';
import { type Route, renderRoute, routeFor, routesOf } from './fake/routes.ts';
import { Rules } from './fake/rules.ts';
import { FakeSameNode } from './fake/same-node.ts';
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
  readonly sockets = new FakeSockets();
  readonly stats = new FakeStats(() => this.sockets.stale(this.#memory));
  readonly events = new FakeEvents();
  readonly sameNode = new FakeSameNode();
  readonly socketEnding: SocketEnding = 'bpf';
  readonly hasCounted = true;
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
    if (transaction.services.some(({ choice }) => hasLookup(choice))) this.#rules.mayRest();
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

  detachedPrograms(): readonly string[] {
    return this.#isActive ? [] : ['shunt_connect4', 'shunt_connect6'];
  }

  programRuns(): readonly ProgramRuns[] {
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

  /** Writes a slot in the same way. Wherever a frontend led through it, it now leads elsewhere. */
  scribble(slot: number, words: readonly number[]): void {
    this.#memory.putSlot(slot, Uint32Array.from(words));
    this.#rules = this.#rules.over(this.#memory);
  }

  /**
   * Follows a first connection to its end and counts it, with the kernel's arithmetic: no affinity, as for a new client,
   * and no load, so that choices by load are those by weight. One number stands for all that is random: it draws the
   * arm, then the endpoint, and is the hash of the client.
   */
  connect(address: string, port: number, protocol: FrontendKey['protocol'], random32: number, client?: Client): Answer {
    const frontend = this.#frontendFor({ address, port, protocol }, client);
    if (frontend === undefined || !this.#isActive) return { verdict: 'left alone' };
    const { service } = frontend;
    const index = choose(this.#memory, this.stats, frontend, random32);
    if (index === undefined) {
      this.stats.countRefused(service);
      return { verdict: 'refused' };
    }
    this.stats.countSent(service, index);
    const backend = this.#memory.backend(index);
    return { verdict: 'sent', address: backend.address, port: backend.port };
  }

  /** A UDP socket that connects to a Service address: the cookie that it is known by, if it was sent to a backend. */
  connectSocket(address: string, port: number, random32: number): number | undefined {
    const frontend = this.#frontendFor({ address, port, protocol: 'UDP' }, undefined);
    const index = frontend && choose(this.#memory, this.stats, frontend, random32);
    return frontend && index !== undefined ? this.sockets.open(this.#memory, frontend.service, index) : undefined;
  }

  /** Where a client of this node is sent, or everybody; undefined: left alone. */
  route(key: FrontendKey, client?: Client): Route | undefined {
    return routeFor(this.#memory, key, client);
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

  #frontendFor(key: FrontendKey, client: Client | undefined): FrontendWrite | undefined {
    return frontendFor((asked) => this.#memory.frontend(asked), key, client);
  }
}
