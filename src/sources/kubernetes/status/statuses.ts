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

/** Writes statuses of objects as long as this agent is the one of all that does. Nothing waits for it, and nothing fails by it. */
export class Statuses {
  readonly #options: StatusesOptions;
  readonly #election: Election;
  readonly #writer: StatusWriter;
  /** Of what cannot be written, by what it is. */
  readonly #complaints = new Map<string, Complaint>();
  #list: readonly Complaint[] = [];
  #isWanted = false;

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
        this.#elect();
      },
    });
  }

  want(statuses: readonly WantedStatus[]): void {
    this.#isWanted = statuses.length > 0;
    this.#writer.want(statuses);
    this.#elect();
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
    await this.#writer.stop();
    await this.#election.stop();
  }

  /** Whoever leads takes back what is no longer wanted before it leads no more. */
  #elect(): void {
    this.#election.want(this.#isWanted || (this.#election.isLeader && this.#writer.pending > 0));
  }

  #complain(object: string, message: string | undefined): void {
    if (this.#complaints.get(object)?.message === message) return;
    if (message === undefined) this.#complaints.delete(object);
    else this.#complaints.set(object, { severity: 'warning', object, path: 'status', message });
    this.#list = [...this.#complaints.values()];
    this.#options.onComplaints();
  }
}

/** Others pass by themselves, and an outage is a trouble of the source already. */
const refusalOf = ({ status, message }: Ending): string | undefined =>
  status === 403 || status === 422 ? `cannot be written: ${message}` : undefined;

const CONTESTED =
  'another controller undoes what Shunt writes into it again and again; Shunt writes it ever less often';
