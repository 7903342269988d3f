import { setImmediate as nextTurn } from 'node:timers/promises';
import { CONNECTION, CONNECTION_OVERFLOW, CONNECTION_SET, CONNECTION_WAYS } from '../../abi/layout.gen.ts';
import { counterAt, type RecordMemory } from '../../abi/memory.ts';

/** A place in `connections` that is used: the ways of its sets, counted through. */
export interface Place {
  readonly place: number;
  /** In the form that socket storage has: the cookie, then the connection. */
  readonly record: Uint8Array;
}

/** Says of the connection that begins at this byte whether it is looked for. */
export type Wanted = (bytes: Uint8Array, connection: number) => boolean;

/**
 * Copies of places, in many turns of the event loop; `look` is asked again in each. Records change while they are read,
 * and what is half old and half new could say anything: only what reads the same a turn later is to be believed.
 */
export const findPlaces = async (look: () => RecordMemory, wanted: () => Wanted): Promise<readonly Place[]> => {
  const found: Place[] = [];
  for (let from = 0; from < look().length; from += SETS_IN_ONE_TURN) {
    collect(look(), wanted(), from, found);
    await nextTurn();
  }
  return found;
};

/** Copies of places in one turn: a millisecond for a table of 64 Ki places. Only those that read the same at its end. */
export const placesNow = (sets: RecordMemory, wanted: Wanted): readonly Place[] => {
  const found: Place[] = [];
  for (let from = 0; from < sets.length; from += SETS_IN_ONE_TURN) collect(sets, wanted, from, found);
  return found.filter(({ place, record }) => Buffer.compare(copy(sets, place), record) === 0);
};

/** Those that read the same now. */
export const unchanged = async (places: readonly Place[], look: () => RecordMemory): Promise<readonly Place[]> => {
  const same: Place[] = [];
  for (let from = 0; from < places.length; from += PLACES_IN_ONE_TURN) {
    await nextTurn();
    const sets = look();
    for (const found of places.slice(from, from + PLACES_IN_ONE_TURN))
      if (Buffer.compare(copy(sets, found.place), found.record) === 0) same.push(found);
  }
  return same;
};

/** Some 0.2 ms when every place is in use. */
const SETS_IN_ONE_TURN = 4096;
/** Some 2 ms. */
const PLACES_IN_ONE_TURN = 2048;

const collect = (sets: RecordMemory, wanted: Wanted, from: number, found: Place[]): void => {
  const to = Math.min(from + SETS_IN_ONE_TURN, sets.length) * CONNECTION_WAYS;
  for (let place = from * CONNECTION_WAYS; place < to; place++) {
    if (counterAt(sets, 0, cookieOf(sets, place)) === 0) continue;
    if (wanted(sets.bytes, connectionOf(sets, place))) found.push({ place, record: copy(sets, place) });
  }
};

const COOKIE_BYTES = 8;

/** Where a place's cookie and connection begin, in bytes. */
const cookieOf = ({ size }: RecordMemory, place: number): number =>
  Math.floor(place / CONNECTION_WAYS) * size + CONNECTION_SET.cookie + (place % CONNECTION_WAYS) * COOKIE_BYTES;

const connectionOf = ({ size }: RecordMemory, place: number): number =>
  Math.floor(place / CONNECTION_WAYS) * size + CONNECTION_SET.way + (place % CONNECTION_WAYS) * CONNECTION.size;

const copy = (sets: RecordMemory, place: number): Uint8Array => {
  const record = new Uint8Array(CONNECTION_OVERFLOW.size);
  const cookie = cookieOf(sets, place);
  const connection = connectionOf(sets, place);
  record.set(sets.bytes.subarray(cookie, cookie + COOKIE_BYTES), CONNECTION_OVERFLOW.cookie);
  record.set(sets.bytes.subarray(connection, connection + CONNECTION.size), CONNECTION_OVERFLOW.connection);
  return record;
};
