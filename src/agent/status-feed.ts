import { type Cluster, type ClusterEvent, keyOf, refOf } from '../core/cluster.ts';
import type { NodeIdentity } from '../core/desire/desire.ts';
import type { ObjectRef } from '../core/model/objects.ts';
import { wantedStatuses } from '../core/status/statuses.ts';
import type { RejectedObject } from '../core/status/wanted.ts';
import type { Source } from '../sources/source.ts';

export interface StatusFeedOptions {
  readonly source: Pick<Source, 'rejected' | 'want'>;
  readonly cluster: Cluster;
  readonly node: NodeIdentity;
}

/** Tells the source what routes and policies should say of themselves, whenever that may have changed. */
export class StatusFeed {
  readonly #options: StatusFeedOptions;
  #rejected: readonly RejectedObject[] = NONE;
  #isDue = true;

  constructor(options: StatusFeedOptions) {
    this.#options = options;
  }

  /** After the cluster has taken these in. */
  note(events: readonly ClusterEvent[]): void {
    this.#isDue ||= events.map(refOf).some((ref) => ref !== undefined && this.#matters(ref));
  }

  /** Only once everything that can be read was told: the rest would be said to be missing. */
  feed(): void {
    const { source, cluster, node } = this.#options;
    if (source.want === undefined) return;
    const rejected = source.rejected?.() ?? NONE;
    if (!this.#isDue && rejected === this.#rejected) return;
    source.want([...wantedStatuses(cluster, node, rejected)]);
    this.#isDue = false;
    this.#rejected = rejected;
  }

  /** Of Services only those that a route or a policy is about. */
  #matters(ref: ObjectRef): boolean {
    const { policies, routes } = this.#options.cluster;
    switch (ref.kind) {
      case 'Service': {
        const key = keyOf(ref);
        return (
          this.#rejected.length > 0 ||
          policies.byService.has(key) ||
          routes.byParent.has(key) ||
          routes.byBackend.has(key)
        );
      }
      case 'EndpointSlice':
      case 'Node':
      case 'Pod':
        return false;
      default:
        return true;
    }
  }
}

const NONE: readonly never[] = [];
