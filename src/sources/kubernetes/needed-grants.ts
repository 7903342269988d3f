import { objectText } from '../../core/desire/complaint.ts';
import type { Complaint } from '../../core/model/objects.ts';
import type { ClusterEvent } from '../source.ts';
import type { ReflectorClock } from './timing.ts';

/**
 * Whether ReferenceGrants decide anything: to a route with a backend in another namespace, a grant that is not known is
 * one that is not given.
 */
export class NeededGrants {
  readonly #routes = new Set<string>();
  #cancel: (() => void) | undefined;
  #isOverdue = false;
  /** Nobody lets us read them. */
  areRefused = false;

  /** For good: what is not known by then is not permitted. */
  get mayBeMissing(): boolean {
    return this.#routes.size === 0 || this.#isOverdue;
  }

  /** The same list as long as nothing changed. */
  get complaints(): readonly Complaint[] {
    return this.areRefused && this.#routes.size > 0 ? UNKNOWN : NONE;
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

  /** All else is known: from now on so long. */
  wait(clock: ReflectorClock, waitMs: number): void {
    this.#cancel ??= clock.after(waitMs, () => {
      this.#isOverdue = true;
    });
  }

  stop(): void {
    this.#cancel?.();
  }
}

const NONE: readonly Complaint[] = [];

const UNKNOWN: readonly Complaint[] = [
  {
    severity: 'warning',
    object: 'ReferenceGrants',
    path: '',
    message:
      'this agent may not read them: a backend of a route in another namespace counts as not permitted, unless it was known to be',
  },
];
