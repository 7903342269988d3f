import { SAME_NODE_CONTROL } from '../../../abi/layout.gen.ts';
import { type RecordMemory, storeWord } from '../../../abi/memory.ts';
import type { SameNodeStats } from '../../same-node.ts';
import type { Joining } from './programs.ts';

/**
 * Has reads watched as long as there are sockets that are joined or may be, and for some seconds after: others of the node
 * pay for it.
 */
export class Watching {
  readonly #joining: Joining;
  readonly #control: RecordMemory;
  /** Walks in a row that met no such socket. */
  #quietWalks = 0;
  /** The last walk has met one. */
  #hasMet = false;

  constructor(joining: Joining, control: RecordMemory) {
    this.#joining = joining;
    this.#control = control;
    this.#say(joining.isWatching);
  }

  /** `isAsked`: programs have asked for a walk, so there is such a socket, or there was. */
  follow(isAsked: boolean): void {
    const { isWatching } = this.#joining;
    if (isAsked || this.#hasMet) {
      if (!isWatching) this.#joining.watch(true);
      this.#quietWalks = 0;
      this.#say(true);
    } else if (isWatching && this.#quietWalks > QUIET_WALKS) this.#joining.watch(false);
  }

  /** What a walk has met. Programs are told first: one that came meanwhile is met by the next walk, and later ones ask. */
  note({ candidate, joined }: SameNodeStats['sockets']): void {
    this.#hasMet = candidate + joined > 0;
    this.#quietWalks = this.#hasMet ? 0 : this.#quietWalks + 1;
    if (this.#quietWalks === QUIET_WALKS) this.#say(false);
  }

  #say(isWatched: boolean): void {
    storeWord(this.#control, 0, SAME_NODE_CONTROL.watched, isWatched ? 1 : 0);
  }
}

/** They come every two seconds. */
const QUIET_WALKS = 5;
