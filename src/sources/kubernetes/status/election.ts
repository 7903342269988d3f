import { Calls, type Fields } from '../calls.ts';
import type { Client } from '../client.ts';
import type { Ending } from '../ending.ts';
import type { ReflectorClock } from '../timing.ts';
import { Pause } from '../watchdog.ts';
import { type Lease, microTime, readLease, writeLease } from './lease.ts';

export interface ElectionTiming {
  /** A lease that was not renewed for so long is anybody's: judged by how long we saw it unchanged, by our own clock. */
  readonly durationMs: number;
  readonly renewMs: number;
  /** Whoever has not renewed for so long leads no more, well before anybody else may. */
  readonly deadlineMs: number;
  /** After a renewal that failed. */
  readonly retryMs: number;
  /** Who does not lead looks again once the lease may have ended, at a random time within this. */
  readonly spreadMs: number;
  /** The first look is within this time. */
  readonly startMs: number;
}

/** Ten thousand candidates ask some 170 times a second in all. */
export const ELECTION_TIMING: ElectionTiming = {
  durationMs: 30_000,
  renewMs: 10_000,
  deadlineMs: 20_000,
  retryMs: 2_000,
  spreadMs: 60_000,
  startMs: 10_000,
};

export interface ElectionOptions {
  readonly client: Client;
  readonly clock: ReflectorClock;
  readonly random: () => number;
  readonly namespace: string;
  readonly name: string;
  /** Differs from that of every other candidate, and of this one before it was started anew. */
  readonly identity: string;
  readonly timing?: Partial<ElectionTiming> | undefined;
  readonly onChange: (isLeader: boolean) => void;
  /** Why the lease cannot be used; undefined once it can. */
  readonly onTrouble: (error: Ending | undefined) => void;
}

/**
 * Elects one of many by a Lease, as client-go's leaderelection does: whoever holds it renews it, every change names the
 * version that it changes, and what others wrote as the time is only ever compared with what they wrote before.
 */
export class Election {
  readonly #options: ElectionOptions;
  readonly #timing: ElectionTiming;
  readonly #calls: Calls;
  readonly #pause: Pause;
  readonly #path: string;
  #isWanted = false;
  #isStopped = false;
  #running: Promise<void> | undefined;
  #seen: Seen | undefined;
  /** When the renewal that was answered last was sent. */
  #renewed: { readonly monotonicMs: number; readonly wallMs: number } | undefined;
  #cancelDeadline: (() => void) | undefined;
  #told = false;

  constructor(options: ElectionOptions) {
    const { client, clock, namespace, timing } = options;
    this.#options = options;
    this.#timing = { ...ELECTION_TIMING, ...timing };
    this.#calls = new Calls(client, clock, this.#timing.deadlineMs / 2);
    this.#pause = new Pause(clock);
    this.#path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  }

  /** By the clock, also while a renewal is under way; also by the one that goes on while the machine sleeps. */
  get isLeader(): boolean {
    if (this.#renewed === undefined) return false;
    const { clock } = this.#options;
    const { monotonicMs, wallMs } = this.#renewed;
    return Math.max(clock.monotonicMs() - monotonicMs, clock.wallMs() - wallMs) < this.#timing.deadlineMs;
  }

  /** As it was when the lease was read last; empty when that was nobody, or never. */
  get leader(): string {
    return this.#seen?.lease.holder ?? '';
  }

  get #pathOfLease(): string {
    return `${this.#path}/${this.#options.name}`;
  }

  /** Whether there is anything to lead for: nobody asks for the lease otherwise, and who holds it gives it back. */
  want(isWanted: boolean): void {
    if (this.#isStopped) return;
    this.#isWanted = isWanted;
    if (isWanted) this.#running ??= this.#run();
    else this.#pause.wake();
  }

  /** Gives the lease back, if it is held. */
  async stop(): Promise<void> {
    this.want(false);
    this.#isStopped = true;
    // A renewal that is called off leaves a lease of which nobody knows the version, and so cannot be given back.
    const cancel = this.#abortAfter(this.isLeader ? RELEASE_MS : 0);
    await this.#running;
    cancel();
  }

  async #run(): Promise<void> {
    await this.#pause.wait(this.#timing.startMs * this.#options.random());
    while (this.#isWanted) {
      const waitMs = await this.#round();
      if (this.#isWanted) await this.#pause.wait(waitMs);
    }
    await this.#release();
    this.#running = undefined;
    // It may be wanted again since.
    this.want(this.#isWanted);
  }

  /** Returns how long to wait before the next one, in ms. */
  async #round(): Promise<number> {
    const { renewMs, retryMs } = this.#timing;
    if (!this.isLeader) this.#lose();
    try {
      await (this.isLeader ? this.#renew() : this.#compete());
      this.#options.onTrouble(undefined);
      return this.isLeader ? renewMs : this.#untilFreeMs();
    } catch (error) {
      const ending = error as Ending;
      if (ending.status === 409) this.#lose();
      else if (this.#isWanted) this.#options.onTrouble(ending);
      return this.isLeader ? retryMs : this.#untilFreeMs();
    }
  }

  async #renew(): Promise<void> {
    const { object, lease } = this.#seen as Seen;
    try {
      await this.#put(object, { ...lease, ...this.#now() });
    } catch (error) {
      const { status } = error as Ending;
      if (status === 404) await this.#create();
      else if (status === 409) await this.#renewAsRead(error as Ending);
      else throw error;
    }
  }

  /** A renewal of ours whose answer was lost made a version that we were not told: the lease is still ours then. */
  async #renewAsRead(conflict: Ending): Promise<void> {
    const object = await this.#read();
    if (object === undefined) throw conflict;
    const lease = this.#leaseOf(object);
    this.#seen = { object, lease, atMs: this.#options.clock.monotonicMs() };
    if (lease.holder !== this.#options.identity) throw conflict;
    await this.#put(object, { ...lease, ...this.#now() });
  }

  /** Takes the lease if it is free. */
  async #compete(): Promise<void> {
    const object = await this.#read();
    if (object === undefined) {
      await this.#create();
      return;
    }
    const lease = this.#leaseOf(object);
    const isAsSeen = JSON.stringify(lease) === JSON.stringify(this.#seen?.lease);
    const atMs = isAsSeen && this.#seen ? this.#seen.atMs : this.#options.clock.monotonicMs();
    this.#seen = { object, lease, atMs };
    if (this.#leftMs() > 0) return;
    const now = this.#now();
    if (lease.holder === now.holder) await this.#put(object, { ...lease, ...now });
    else await this.#put(object, { ...now, acquireTime: now.renewTime, transitions: lease.transitions + 1 });
  }

  async #read(): Promise<Fields | undefined> {
    try {
      return await this.#calls.get(this.#pathOfLease);
    } catch (error) {
      if ((error as Ending).status === 404) return undefined;
      throw error;
    }
  }

  async #create(): Promise<void> {
    const { namespace, name } = this.#options;
    const now = this.#now();
    const object = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace } };
    const lease = { ...now, acquireTime: now.renewTime, transitions: 0 };
    await this.#hold(() => this.#calls.send('POST', this.#path, writeLease(object, lease)));
  }

  async #put(object: Fields, lease: Lease): Promise<void> {
    await this.#hold(() => this.#calls.send('PUT', this.#pathOfLease, writeLease(object, lease)));
  }

  /** Once it is answered the lease is ours, from before it was sent on: others saw it no earlier. */
  async #hold(write: () => Promise<Fields>): Promise<void> {
    const { clock } = this.#options;
    const sent = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
    const object = await write();
    this.#seen = { object, lease: this.#leaseOf(object), atMs: sent.monotonicMs };
    this.#renewed = sent;
    if (!this.isLeader) return this.#lose();
    this.#cancelDeadline?.();
    const leftMs = this.#timing.deadlineMs - (clock.monotonicMs() - sent.monotonicMs);
    this.#cancelDeadline = clock.after(leftMs, () => this.#lose());
    this.#tell();
  }

  #lose(): void {
    this.#renewed = undefined;
    this.#cancelDeadline?.();
    this.#tell();
  }

  async #release(): Promise<void> {
    const wasLeader = this.isLeader;
    this.#lose();
    if (!wasLeader) return;
    const cancel = this.#abortAfter(RELEASE_MS);
    try {
      const { object, lease } = this.#seen as Seen;
      const given = writeLease(object, { ...lease, ...this.#now(), holder: '', durationMs: 1000 });
      await this.#calls.send('PUT', this.#pathOfLease, given);
    } catch {
      // Then it ends by itself.
    } finally {
      cancel();
    }
  }

  #leaseOf(object: Fields): Lease {
    return readLease(object, this.#timing.durationMs * DURATIONS_MAX);
  }

  #abortAfter(ms: number): () => void {
    return this.#options.clock.after(ms, () => this.#calls.abort(new Error('stopped')));
  }

  #now(): Pick<Lease, 'holder' | 'durationMs' | 'renewTime'> {
    const renewTime = microTime(this.#options.clock.wallMs());
    return { holder: this.#options.identity, durationMs: this.#timing.durationMs, renewTime };
  }

  /** Until the lease may be taken, if nobody renews it. */
  #leftMs(): number {
    if (this.#seen === undefined) return this.#timing.durationMs;
    const { lease, atMs } = this.#seen;
    if (lease.holder === '' || lease.holder === this.#options.identity) return 0;
    return Math.max(0, atMs + (lease.durationMs || this.#timing.durationMs) - this.#options.clock.monotonicMs());
  }

  #untilFreeMs(): number {
    return this.#leftMs() + this.#timing.spreadMs * this.#options.random();
  }

  #tell(): void {
    const isLeader = this.#renewed !== undefined;
    if (isLeader === this.#told) return;
    this.#told = isLeader;
    this.#options.onChange(isLeader);
  }
}

/** The lease as it was read or written last, and since when it was seen like that. */
interface Seen {
  readonly object: Fields;
  readonly lease: Lease;
  readonly atMs: number;
}

/** Of ours: another version of Shunt may have another duration. */
const DURATIONS_MAX = 5;
/** An agent that stops does not wait longer. */
const RELEASE_MS = 2_000;
