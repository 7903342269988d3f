import type { Have } from '../core/plan/have.ts';
import type { EventNames } from './event-view.ts';
import type { PodNames } from './pod-names.ts';
import { recordOwners } from './record-owners.ts';

/** Names of what events are about, as they are now. */
export class CurrentNames implements EventNames {
  readonly #have: () => Have | undefined;
  readonly #pods: PodNames | undefined;

  constructor(have: () => Have | undefined, pods: PodNames | undefined) {
    this.#have = have;
    this.#pods = pods;
  }

  /** Undefined once the record is another's. */
  serviceId(index: number, generation: number): string | undefined {
    const have = this.#have();
    if (have === undefined) return undefined;
    const id = recordOwners(have).get(index);
    return id !== undefined && have.tables.serviceGeneration(index) === generation ? id : undefined;
  }

  podOf(cgroup: bigint): string | undefined {
    return this.#pods?.podOf(cgroup);
  }
}
