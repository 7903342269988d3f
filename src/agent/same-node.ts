import { hasWishes } from '../core/cluster/wishes.ts';
import { type Cluster, refOf } from '../core/cluster.ts';
import type { NodeIdentity } from '../core/desire/desire.ts';
import type { SameNodeObstacle } from '../core/explain.ts';
import type { Complaint, ObjectRef } from '../core/model/objects.ts';
import { isSameEnd, type SameNodeEnd } from '../core/same-node/end.ts';
import { wishedServices } from '../core/same-node/served.ts';
import { wantedEnds } from '../core/same-node/wanted.ts';
import type { SameNode } from '../dataplane/dataplane.ts';
import type { ClusterEvent } from '../sources/source.ts';
import type { Clock } from './clock.ts';
import type { SameNodeStatus } from './view.ts';

export interface SameNodeFollowerOptions {
  /** Undefined where the dataplane cannot. */
  readonly sameNode: SameNode | undefined;
  readonly cluster: Cluster;
  readonly node: NodeIdentity;
  readonly clock: Clock;
  /** False: whatever objects say, nobody takes part. */
  readonly isOn: boolean;
  /** Complaints are others than before. */
  readonly onTrouble: () => void;
}

/** How long a pair that could be joined waits for it. */
export const TEND_MS = 100;
const RETRY_MS = 1000;
const RETRY_MAX_MS = 60_000;

/**
 * Keeps the dataplane told who takes part in connections that go socket to socket. What goes wrong here is a complaint:
 * connections are routed all the same.
 */
export class SameNodeFollower {
  readonly #options: SameNodeFollowerOptions;
  /** As it was told last; undefined before the first time, and after a failure. */
  #told: readonly SameNodeEnd[] | undefined;
  #isDue = true;
  /** Of which some policy asks it, as of the last look. */
  #services: ReadonlySet<string> = new Set();
  #failure = '';
  #tendFailure = '';
  #failures = 0;
  #failuresInRow = 0;
  #lastComplaint = '';
  #cancelTend: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;

  constructor(options: SameNodeFollowerOptions) {
    this.#options = options;
  }

  /**
   * After the cluster has taken these in; `touched`: Services, by key, of which something changed. Where nobody asks for
   * it, an event costs nothing.
   */
  note(events: readonly ClusterEvent[], touched: Iterable<string>): void {
    if (this.#isDue) return;
    const isAsked = hasWishes(this.#options.cluster.wishes) || this.#services.size > 0 || this.#told?.length !== 0;
    this.#isDue = isAsked && (events.some(isAboutWho) || this.#isAboutService(touched));
  }

  /** `whole`: the cluster is known as a whole. Before that, ends that are in force stay, unless it is turned off. */
  follow({ whole }: { readonly whole: boolean }): void {
    const { isOn, cluster, node } = this.#options;
    if (!this.#isDue || (isOn && !whole)) return;
    this.#isDue = false;
    this.#services = new Set(wishedServices(cluster));
    this.#tell(isOn ? wantedEnds(cluster, node) : []);
    this.#tend();
  }

  /** Undefined: nothing keeps sockets from being joined. */
  get obstacle(): SameNodeObstacle | undefined {
    const { isOn, sameNode } = this.#options;
    if (!isOn) return 'off';
    return sameNode === undefined || sameNode.unavailable !== undefined ? 'unavailable' : undefined;
  }

  complaints(): readonly Complaint[] {
    const message = this.#trouble();
    return message === '' ? [] : [{ severity: 'warning', object: 'same-node redirection', path: '', message }];
  }

  /** Undefined where the dataplane cannot, and while its counters cannot be read. */
  status(): SameNodeStatus | undefined {
    const { sameNode } = this.#options;
    if (sameNode === undefined) return undefined;
    const { isAttached: attached, unavailable = '' } = sameNode;
    try {
      const stats = sameNode.stats();
      return { attached, unavailable, ends: this.#told?.length ?? 0, failures: this.#failures, ...stats };
    } catch (error) {
      this.#count(error);
      return undefined;
    }
  }

  stop(): void {
    this.#cancelTend?.();
    this.#cancelRetry?.();
    this.#cancelTend = undefined;
    this.#cancelRetry = undefined;
  }

  #isAboutService(touched: Iterable<string>): boolean {
    if (this.#services.size === 0) return false;
    for (const key of touched) if (this.#services.has(key)) return true;
    return false;
  }

  #tell(ends: readonly SameNodeEnd[]): void {
    const { sameNode } = this.#options;
    const isSame =
      ends.length === this.#told?.length && ends.every((end, index) => isSameEnd(end, this.#told?.[index]));
    if (isSame) return;
    try {
      sameNode?.set(ends);
      this.#told = ends;
      this.#failure = '';
      this.#failuresInRow = 0;
    } catch (error) {
      this.#told = undefined;
      this.#failure = this.#count(error);
      this.#retry();
    }
  }

  #retry(): void {
    const { clock } = this.#options;
    this.#isDue = true;
    this.#cancelRetry?.();
    this.#cancelRetry = clock.after(Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** this.#failuresInRow++), () => {
      this.#isDue = true;
      this.follow({ whole: true });
      this.#tellTrouble();
    });
  }

  /** As long as the programs watch, or are about to: that may take a self-test, in the background. */
  #tend(): void {
    const { clock, sameNode } = this.#options;
    if (sameNode === undefined || this.#cancelTend !== undefined || !this.#isTended(sameNode)) return;
    this.#cancelTend = clock.after(this.#tendFailure === '' ? TEND_MS : RETRY_MS, () => {
      this.#cancelTend = undefined;
      this.#tendFailure = '';
      try {
        if (sameNode.isAttached) sameNode.tend();
      } catch (error) {
        this.#tendFailure = this.#count(error);
      }
      this.#tellTrouble();
      this.#tend();
    });
  }

  #isTended({ isAttached, unavailable }: SameNode): boolean {
    if (this.#told === undefined) return isAttached;
    return this.#told.length > 0 && (isAttached || unavailable === undefined);
  }

  /** Returns what it says. */
  #count(error: unknown): string {
    this.#failures++;
    return error instanceof Error ? error.message : String(error);
  }

  #trouble(): string {
    const { sameNode } = this.#options;
    const failure = this.#failure || this.#tendFailure;
    if (failure !== '') return failure;
    if (sameNode === undefined) return this.#told !== undefined && this.#told.length > 0 ? MISSING : '';
    return sameNode.unavailable ?? '';
  }

  #tellTrouble(): void {
    const trouble = this.#trouble();
    if (trouble !== this.#lastComplaint) this.#options.onTrouble();
    this.#lastComplaint = trouble;
  }
}

const MISSING = 'is asked for, and cannot be done here: all connections go by TCP';

/** Of whom the ends are, or which policy counts. */
const isAboutWho = (event: ClusterEvent): boolean => KINDS.has(refOf(event)?.kind);

const KINDS: ReadonlySet<ObjectRef['kind'] | undefined> = new Set<ObjectRef['kind']>([
  'Pod',
  'TrafficPolicy',
  'DestinationRule',
]);
