import { closeFd } from '../../native/descriptor.ts';
import { openObject } from '../../native/object.ts';
import { attachWalk, readWalk } from '../../native/walk.ts';
import { type Loaded, prepareReusing, readBuilt } from './load.ts';

/**
 * Counts what TCP connections that go on have carried since the last time, by a walk over all open files of the node
 * (bpf/live.bpf.c). The program stays in the kernel for as long as the tables do: loading it takes longer than a walk.
 */
export class LiveTraffic {
  readonly #loaded: () => Loaded;
  #opened: { readonly tables: Loaded; readonly link: number } | undefined;
  #walk: Promise<unknown> = Promise.resolve();
  #isHeld = false;

  constructor(loaded: () => Loaded) {
    this.#loaded = loaded;
  }

  /** One at a time. It happens on another thread. */
  async count(): Promise<void> {
    if (this.#isHeld) return;
    const walk = readWalk(this.#open());
    this.#walk = walk.catch(() => undefined);
    await walk;
  }

  /** No walk goes on while this runs: what it counted in tables that are left behind meanwhile would be lost. */
  async held<Result>(run: () => Promise<Result>): Promise<Result> {
    this.#isHeld = true;
    try {
      await this.#walk;
      return await run();
    } finally {
      this.#isHeld = false;
    }
  }

  close(): void {
    if (this.#opened !== undefined) closeFd(this.#opened.link);
    this.#opened = undefined;
  }

  #open(): number {
    const tables = this.#loaded();
    if (this.#opened?.tables === tables) return this.#opened.link;
    this.close();
    using opened = new DisposableStack();
    const object = opened.use(openObject(readBuilt('live.bpf.o'), 'live'));
    prepareReusing(object, tables.maps);
    object.load();
    const link = attachWalk(opened.adopt(object.program('shunt_count_live'), closeFd));
    this.#opened = { tables, link };
    return link;
  }
}
