import { randomUUID } from 'node:crypto';
import type { Complaint } from '../../../core/model/objects.ts';
import type { WantedStatus } from '../../../core/status/wanted.ts';
import type { StatusWriting } from '../../source.ts';
import type { Client } from '../client.ts';
import type { Ending } from '../ending.ts';
import type { ReflectorClock } from '../timing.ts';
import { Election, type ElectionTiming } from './election.ts';
import { StatusWriter } from './writer.ts';

/** The Lease for which all agents of a cluster compete. */
export const LEASE = 'shunt-status';

export interface StatusesOptions {
  readonly client: Client;
  readonly clock: ReflectorClock;
  readonly random: () => number;
  /** Of the Lease. */
  readonly namespace: string;
  readonly nodeName: string;
  readonly resourceOf: (kind: string) => string | undefined;
  readonly timing?: Partial<ElectionTiming> | undefined;
  /** There is something else to complain about. */
  readonly onComplaints: () => void;
}

/** What an object such as `HTTPRoute shop/web`, of which nothing is wanted, still says of us; undefined: nothing. */
export interface LeftBehind {
  readonly name: string;
  /** Without entries. */
  readonly status: WantedStatus | undefined;
}

/** Writes statuses of objects as long as this agent is the one of all that does. Nothing waits for it, and nothing fails by it. */
export class Statuses {
  readonly #options: StatusesOptions;
  readonly #election: Election;
  readonly #writer: StatusWriter;
  /** Of what cannot be written, by what it is. */
  readonly #complaints = new Map<string, Complaint>();
  #list: readonly Complaint[] = [];
  /** Undefined until it is known. */
  #wanted: readonly WantedStatus[] | undefined;
  readonly #left = new Map<string, WantedStatus>();
  #cancelPeace: (() => void) | undefined;

  constructor(options: StatusesOptions) {
    const { client, clock, random, namespace, nodeName, resourceOf, timing } = options;
    this.#options = options;
    const lease = `Lease ${namespace}/${LEASE}`;
    this.#election = new Election({
      client,
      clock,
      random,
      namespace,
      timing,
      name: LEASE,
      identity: `${nodeName}_${randomUUID()}`,
      onChange: (isLeader) => {
        if (isLeader) return this.#writer.begin();
        this.#writer.end();
        // From here on they are somebody else's to make.
        for (const object of this.#complaints.keys()) if (object !== lease) this.#complain(object, undefined);
      },
      onTrouble: (error) => this.#complain(lease, error && refusalOf(error)),
    });
    this.#writer = new StatusWriter({
      client,
      clock,
      random,
      resourceOf,
      mayWrite: () => this.#election.isLeader,
      onEnd: (name, { error, isContested }) => {
        this.#complain(name, isContested ? CONTESTED : error && refusalOf(error));
        if (isContested) this.#awaitPeace();
        this.#elect();
      },
    });
  }

  want(statuses: readonly WantedStatus[]): void {
    this.#wanted = statuses;
    this.#follow();
  }

  /** Whoever led before may have had no time to take it back. */
  leftBehind(changes: readonly LeftBehind[]): void {
    let isChanged = false;
    for (const { name, status } of changes) {
      if (status === undefined) isChanged = this.#left.delete(name) || isChanged;
      else if (JSON.stringify(this.#left.get(name)) !== JSON.stringify(status)) {
        this.#left.set(name, status);
        isChanged = true;
      }
    }
    if (isChanged && this.#wanted !== undefined) this.#follow();
  }

  /** The object, such as `TCPRoute shop/web`, exists in this version. */
  seen(name: string, version: string): void {
    this.#writer.seen(name, version);
  }

  /** The same list as long as nothing changed. */
  complaints(): readonly Complaint[] {
    return this.#list;
  }

  status(): StatusWriting {
    const { isLeader, leader } = this.#election;
    return { isLeader, leader, pending: isLeader ? this.#writer.pending : 0, writes: { ...this.#writer.counts } };
  }

  async stop(): Promise<void> {
    this.#cancelPeace?.();
    await this.#writer.stop();
    await this.#election.stop();
  }

  /** What is wanted of an object counts for more than what it says by now. */
  #follow(): void {
    const wanted = this.#wanted ?? [];
    this.#writer.want(this.#left.size === 0 ? wanted : [...this.#left.values(), ...wanted]);
    this.#elect();
  }

  /** Whoever leads takes back what is no longer wanted before it leads no more. */
  #elect(): void {
    const isWanted = this.#wanted !== undefined && this.#wanted.length + this.#left.size > 0;
    this.#election.want(isWanted || (this.#election.isLeader && this.#writer.pending > 0));
  }

  /** Nothing happens when a fight is over. */
  #awaitPeace(): void {
    this.#cancelPeace ??= this.#options.clock.after(PEACE_CHECK_MS, () => {
      this.#cancelPeace = undefined;
      const contested = [...this.#complaints.values()].filter(({ message }) => message === CONTESTED);
      for (const { object } of contested) {
        if (this.#writer.isContested(object)) this.#awaitPeace();
        else this.#complain(object, undefined);
      }
    });
  }

  #complain(object: string, message: string | undefined): void {
    if (this.#complaints.get(object)?.message === message) return;
    if (message === undefined) this.#complaints.delete(object);
    else this.#complaints.set(object, { severity: 'warning', object, path: 'status', message });
    this.#list = [...this.#complaints.values()];
    try {
      this.#options.onComplaints();
    } catch {
      // Told with whatever comes next; neither the election nor the writing may end by it.
    }
  }
}

/** Others pass by themselves, and an outage is a trouble of the source already. */
const refusalOf = ({ status, message }: Ending): string | undefined =>
  status === 403 || status === 422 ? `cannot be written: ${message}` : undefined;

const CONTESTED =
  'another controller undoes what Shunt writes into it again and again; Shunt writes it ever less often';

const PEACE_CHECK_MS = 60_000;
