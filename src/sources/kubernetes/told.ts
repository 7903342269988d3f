import type { ShuntError } from '../../errors.ts';

/** What happened to one object. `T` is what `project` made of it. */
export type ReflectorEvent<T> =
  /** `isNew`: it was not known; a changed one was. */
  | {
      readonly type: 'put';
      readonly namespace: string;
      readonly name: string;
      readonly object: T;
      readonly isNew: boolean;
    }
  | { readonly type: 'delete'; readonly namespace: string; readonly name: string };

/** Is told what the server has. */
export interface ReflectorHandler<T> {
  /**
   * What one piece of bytes brought, in order. If it throws, each event is offered again later, alone, until it is
   * taken; meanwhile newer events of the same objects wait, those of others go on.
   */
  onEvents(events: readonly ReflectorEvent<T>[]): void;
  /** Everything that exists has been told, or the type is optional and missing. Called once. */
  onSynced(): void;
  /** Requests fail; undefined once one succeeded. The same trouble comes once. */
  onTrouble(error: ShuntError | undefined): void;
}
