import { existsSync } from 'node:fs';
import { measuredServices } from '../../abi/codec.ts';
import { ShuntError } from '../../errors.ts';
import { closeFd, pin } from '../../native/descriptor.ts';
import { openObject } from '../../native/object.ts';
import { attachTracepoint } from '../../native/program.ts';
import { removeLink } from './attach.ts';
import { type Loaded, prepareReusing, readBuilt } from './load.ts';
import { linkPath } from './pins.ts';

export const FIRST_RESPONSE = 'shunt_first_response';

export interface FirstResponseOptions {
  readonly bpfRoot: string;
  /** Asked again at each use: a growth may come in between. */
  readonly loaded: () => Loaded;
}

/**
 * Keeps the program of bpf/first-response.bpf.c attached as long as some Service asks for it, which the table of Services
 * tells, and no longer: it runs for every segment that comes to a TCP socket of the node. What goes wrong here fails no
 * change: connections are routed all the same.
 */
export class FirstResponse {
  readonly #options: FirstResponseOptions;
  /** The tables that the attached program reads; undefined while none is, or one of an earlier agent. */
  #tables: Loaded | undefined;
  /** Descriptor of the attached one. */
  #program: number | undefined;
  #failure: { readonly tables: Loaded | undefined; readonly message: string } | undefined;

  constructor(options: FirstResponseOptions) {
    this.#options = options;
  }

  /** Why nothing is measured although some Service asks for it, or something although none does, if so. */
  get unavailable(): string | undefined {
    return this.#failure?.message;
  }

  /** Its descriptor by its name; empty while nobody asks for it. */
  get programs(): ReadonlyMap<string, number> {
    return new Map(this.#program === undefined ? [] : [[FIRST_RESPONSE, this.#program]]);
  }

  /** It should be attached, and somebody took it away. */
  get isLost(): boolean {
    return this.#tables !== undefined && !existsSync(this.#path);
  }

  /** After the table of Services may have changed, or another one has taken its place. */
  follow(): void {
    const tables = this.#options.loaded();
    if (measuredServices(tables.memory.services).next().done) this.#end();
    else if (this.#tables !== tables || this.isLost) this.#begin(tables);
  }

  /** The kernel goes on. */
  close(): void {
    if (this.#program !== undefined) closeFd(this.#program);
    this.#program = undefined;
  }

  get #path(): string {
    return linkPath(this.#options.bpfRoot, FIRST_RESPONSE);
  }

  /** A kernel that does not take it does not take it the next time. One of other tables would count where nobody looks. */
  #begin(tables: Loaded): void {
    if (this.#failure?.tables === tables) return;
    try {
      this.#replace(tables);
      this.#tables = tables;
      this.#failure = undefined;
    } catch (error) {
      this.#end();
      this.#failure = { tables, message: messageOf(error) };
    }
  }

  /** A link of this kind keeps its program. What comes between the two is answered unmeasured; both would count it twice. */
  #replace(tables: Loaded): void {
    const program = loadProgram(tables);
    try {
      this.#remove();
      const link = attachTracepoint(program);
      try {
        pin(link, this.#path);
      } finally {
        closeFd(link);
      }
    } catch (error) {
      closeFd(program);
      throw error;
    }
    this.#program = program;
  }

  /** What stays attached costs time, and is tried again with the next change. */
  #end(): void {
    try {
      this.#remove();
      this.#failure = undefined;
    } catch (error) {
      this.#failure = { tables: undefined, message: messageOf(error) };
    }
  }

  #remove(): void {
    this.#tables = undefined;
    this.close();
    if (existsSync(this.#path)) removeLink(this.#path);
  }
}

/** @throws ShuntError SHUNT_E_FIRST_RESPONSE when this kernel cannot. */
export const loadProgram = ({ maps, features }: Pick<Loaded, 'maps' | 'features'>): number => {
  if (!features.atomics) throw new ShuntError('SHUNT_E_FIRST_RESPONSE', { reason: 'it has no compare-and-swap' });
  using object = openObject(readBuilt('first-response.bpf.o'), 'first-response');
  prepareReusing(object, maps);
  try {
    object.load();
  } catch (error) {
    throw new ShuntError('SHUNT_E_FIRST_RESPONSE', { reason: messageOf(error) }, { cause: error });
  }
  return object.program(FIRST_RESPONSE);
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
