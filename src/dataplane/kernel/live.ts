import { closeFd } from '../../native/descriptor.ts';
import { openObject } from '../../native/object.ts';
import { attachWalk, finishWalk } from '../../native/walk.ts';
import { type Loaded, prepareReusing, readBuilt } from './load.ts';

/**
 * Counts what TCP connections that go on have carried since the last time, by a walk over all open files of the node
 * (bpf/live.bpf.c). The program stays in the kernel for as long as the tables do: loading it takes longer than a walk.
 */
export class LiveTraffic {
  readonly #loaded: () => Loaded;
  #opened: { readonly tables: Loaded; readonly link: Promise<number> } | undefined;
  #walk: Promise<unknown> = Promise.resolve();
  #isHeld = false;

  constructor(loaded: () => Loaded) {
    this.#loaded = loaded;
  }

  /** One at a time. It happens on another thread. */
  async count(): Promise<void> {
    if (this.#isHeld) return;
    const walk = this.#open().then((link) => finishWalk(link, FILES_PER_STEP));
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
    this.#opened?.link.then(closeFd, () => undefined);
    this.#opened = undefined;
  }

  /** What failed is tried again by the next walk. */
  #open(): Promise<number> {
    const tables = this.#loaded();
    if (this.#opened?.tables === tables) return this.#opened.link;
    this.close();
    const opened = { tables, link: openLink(tables) };
    this.#opened = opened;
    opened.link.catch(() => {
      if (this.#opened === opened) this.#opened = undefined;
    });
    return opened.link;
  }
}

/**
 * The program writes a byte for each file. While the kernel looks at a file it has a reference to it: what its owner closes
 * in that moment is closed when the step is done, so the peer hears later of it, and epoll may tell of it once more.
 */
const FILES_PER_STEP = 16;

const openLink = async ({ maps }: Loaded): Promise<number> => {
  using opened = new DisposableStack();
  const object = opened.use(openObject(readBuilt('live.bpf.o'), 'live'));
  prepareReusing(object, maps);
  await object.loadAside();
  return attachWalk(opened.adopt(object.program('shunt_count_live'), closeFd));
};
