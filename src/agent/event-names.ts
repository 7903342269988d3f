import type { Have } from '../core/plan/have.ts';
import type { EventNames } from './event-view.ts';
import type { PodNames } from './pod-names.ts';

/** Names of what events are about, as they are now. */
export class CurrentNames implements EventNames {
  readonly #have: () => Have | undefined;
  readonly #pods: PodNames | undefined;
  #named: { readonly have: Have; readonly revision: number; readonly ids: ReadonlyMap<number, string> } | undefined;

  constructor(have: () => Have | undefined, pods: PodNames | undefined) {
    this.#have = have;
    this.#pods = pods;
  }

  /** Undefined once the record is another's. */
  serviceId(index: number, generation: number): string | undefined {
    const have = this.#have();
    if (have === undefined) return undefined;
    const id = this.#idsOf(have).get(index);
    return id !== undefined && have.tables.serviceGeneration(index) === generation ? id : undefined;
  }

  podOf(cgroup: bigint): string | undefined {
    return this.#pods?.podOf(cgroup);
  }

  #idsOf(have: Have): ReadonlyMap<number, string> {
    if (this.#named?.have !== have || this.#named.revision !== have.revision) {
      const ids = new Map(Array.from(have.ports, ([id, { service }]) => [service, id]));
      this.#named = { have, revision: have.revision, ids };
    }
    return this.#named.ids;
  }
}
