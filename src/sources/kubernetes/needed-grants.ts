import { objectText } from '../../core/desire/complaint.ts';
import type { ClusterEvent } from '../source.ts';

/**
 * Whether ReferenceGrants decide anything: to a route with a backend in another namespace, a grant that is not known is
 * one that is not given.
 */
export class NeededGrants {
  readonly #routes = new Set<string>();

  get areNeeded(): boolean {
    return this.#routes.size > 0;
  }

  note(events: readonly ClusterEvent[]): void {
    for (const event of events) {
      if (event.type === 'delete') this.#routes.delete(objectText(event.ref));
      if (event.type !== 'put' || !('backends' in event.object)) continue;
      const { namespace, backends } = event.object;
      if (backends.some((backend) => backend.namespace !== namespace)) this.#routes.add(objectText(event.object));
      else this.#routes.delete(objectText(event.object));
    }
  }
}
