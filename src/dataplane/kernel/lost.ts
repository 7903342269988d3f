import { cookieOfConnection, isReleasedConnection } from '../../abi/connection.ts';
import { ENDING } from '../../abi/layout.gen.ts';
import type { RecordMemory } from '../../abi/memory.ts';
import { closeFd } from '../../native/descriptor.ts';
import type { BpfMap } from '../../native/map.ts';
import { type BpfObject, openObject } from '../../native/object.ts';
import { programRun } from '../../native/program.ts';
import { walkSockets } from '../../native/socket.ts';
import { attachWalk } from '../../native/walk.ts';
import type { EndedLost } from '../dataplane.ts';
import { type Loaded, prepareReusing, readBuilt } from './load.ts';
import { findPlaces, type Place, unchanged } from './places.ts';

/**
 * Ends TCP connections that hold a place though their sockets are gone. Only those count whose application has closed
 * its socket, so that what is left of them ends within minutes wherever they are; whose cookie was missing in two walks
 * in a row, that is in two calls; and whose place is the same all the time. The walks go through the namespaces that
 * `netns` has; one that cannot be walked breaks the row.
 *
 * The programs are in the kernel only while this works: there is something to do a few times in the life of a node.
 */
export class LostConnections {
  readonly #loaded: () => Loaded;
  readonly #netns: string;
  /** Records that were missing in the last walk, by cookie. */
  #missing: ReadonlyMap<bigint, Uint8Array> = new Map();

  /** `loaded` is asked again after each turn of the event loop: a growth may come in between. */
  constructor(loaded: () => Loaded, netns: string) {
    this.#loaded = loaded;
    this.#netns = netns;
  }

  async end(): Promise<EndedLost> {
    const look = (): RecordMemory => this.#loaded().lent.connections.look();
    const before = this.#missing;
    this.#missing = new Map();
    const released = await findPlaces(look, () => isReleasedConnection);
    if (released.length === 0) return NOTHING;
    const walked = await this.#walk(released.map(({ record }) => cookieOfConnection(record)));
    if (walked.failure !== undefined) return { connections: 0, failure: walked.failure };
    const missing = await unchanged(
      released.filter(({ record }) => walked.missing.has(cookieOfConnection(record))),
      look,
    );
    const lost = missing.filter((place) => isSame(place, before));
    const ended = new Set(lost);
    this.#missing = new Map(
      missing.filter((place) => !ended.has(place)).map(({ record }) => [cookieOfConnection(record), record]),
    );
    return this.#endAll(lost);
  }

  async #walk(cookies: readonly bigint[]): Promise<Walked> {
    using opened = new DisposableStack();
    try {
      const object = opened.use(load(this.#loaded(), FIND_SOCKETS, cookies.length));
      const suspects = opened.use(object.map('suspects'));
      const keys = new Uint8Array(BigUint64Array.from(cookies).buffer);
      suspects.update(keys, new Uint8Array(cookies.length * ENDING.size), cookies.length);
      const program = opened.adopt(object.program(FIND_SOCKETS), closeFd);
      const link = opened.adopt(attachWalk(program), closeFd);
      await walkSockets(this.#netns, suspects, link);
      return { missing: new Set(cookiesIn(suspects)), failure: undefined };
    } catch (failure) {
      return { missing: new Set(), failure };
    }
  }

  /** In one turn of the event loop: it is the tables of now in which they are counted. */
  #endAll(lost: readonly Place[]): EndedLost {
    if (lost.length === 0) return NOTHING;
    using opened = new DisposableStack();
    let connections = 0;
    try {
      const object = opened.use(load(this.#loaded(), END_LOST, 1));
      const program = opened.adopt(object.program(END_LOST), closeFd);
      for (const { record } of lost)
        connections += programRun(program, new Uint8Array(BigUint64Array.of(cookieOfConnection(record)).buffer));
      return { connections, failure: undefined };
    } catch (failure) {
      return { connections, failure };
    }
  }
}

const FIND_SOCKETS = 'shunt_find_sockets';
const END_LOST = 'shunt_end_lost';

const NOTHING: EndedLost = Object.freeze({ connections: 0, failure: undefined });

interface Walked {
  readonly missing: ReadonlySet<bigint>;
  readonly failure: unknown;
}

const load = ({ maps }: Loaded, program: string, suspects: number): BpfObject => {
  const object = openObject(readBuilt('lost.bpf.o'), 'lost');
  try {
    prepareReusing(object, maps);
    object.setMapSize('suspects', suspects);
    for (const each of [FIND_SOCKETS, END_LOST]) object.setAutoload(each, each === program);
    object.load();
    return object;
  } catch (error) {
    object.close();
    throw error;
  }
};

const cookiesIn = (map: BpfMap): BigUint64Array => {
  const { keys } = map.readAll();
  return new BigUint64Array(keys.buffer, keys.byteOffset, keys.byteLength / 8);
};

const isSame = ({ record }: Place, before: ReadonlyMap<bigint, Uint8Array>): boolean => {
  const last = before.get(cookieOfConnection(record));
  return last !== undefined && Buffer.compare(last, record) === 0;
};
