import type { ObjectRef } from '../../core/model/objects.ts';
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
      if (event.type === 'delete') this.#routes.delete(nameOf(event.ref));
      if (event.type !== 'put' || !('backends' in event.object)) continue;
      const { namespace, backends } = event.object;
      if (backends.some((backend) => backend.namespace !== namespace)) this.#routes.add(nameOf(event.object));
      else this.#routes.delete(nameOf(event.object));
    }
  }
}

const nameOf = ({ kind, namespace, name }: ObjectRef): string => `${kind} ${namespace}/${name}`;
