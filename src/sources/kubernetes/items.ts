import { BadContent } from './ending.ts';
import { decode } from './lines.ts';
import { ValueEnd } from './value-end.ts';

/**
 * Finds the items of a list in its bytes as they come, one at a time, so that the list never exists as a whole. What
 * stands around them may come in any order; only `metadata` of the list is looked at.
 *
 * Looking at every byte takes longer than all the rest. Items of one list begin alike, so an item mostly ends where a
 * comma and such a beginning follow: it does if what stands before is JSON, for no part of an object is one itself.
 */
export class ItemScanner {
  readonly #bytesMax: number;
  readonly #end = new ValueEnd();
  #place: Place = 'before';
  /** The last string of the list itself: the key, when a value follows. */
  #key = '';
  /** What is being collected, and what there is of it. */
  #capturing: Captured | undefined;
  #parts: Buffer[] = [];
  #length = 0;
  #hasItems = false;
  #version = '';
  /** What stands between two items, with the beginning of the second; undefined before the first. */
  #seam: Buffer | undefined;
  /** The beginning of an item of which the end is not there yet, and what came since. */
  #held: Buffer | undefined;
  #since: Buffer[] = [];
  #sinceBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Calls with each item of which the end is known now. Throws BadContent. */
  push(chunk: Buffer, onItem: (item: object) => void): void {
    if (this.#held === undefined) {
      this.#walk(chunk, onItem, true);
      return;
    }
    this.#since.push(chunk);
    this.#sinceBytes += chunk.length;
    // Not for each of many small pieces: all that is held would be copied and searched again.
    if (this.#sinceBytes * 2 >= this.#held.length) this.#walk(this.#takeHeld(), onItem, true);
  }

  /**
   * No more bytes come: calls with the items that are left, and returns `metadata.resourceVersion` of the list. Throws
   * BadContent when it has not ended, or was no list.
   */
  finish(onItem: (item: object) => void): string {
    this.#walk(this.#takeHeld(), onItem, false);
    if (this.#place !== 'after') throw new BadContent('a list without its end');
    if (!this.#hasItems || this.#version === '') throw new BadContent('no list');
    return this.#version;
  }

  #takeHeld(): Buffer {
    const bytes = Buffer.concat([...(this.#held === undefined ? [] : [this.#held]), ...this.#since]);
    this.#held = undefined;
    this.#since = [];
    this.#sinceBytes = 0;
    return bytes;
  }

  /** `mayLeap`: by seams, and holding back what has none yet. */
  #walk(bytes: Buffer, onItem: (item: object) => void, mayLeap: boolean): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#capturing === undefined) {
        if (mayLeap && this.#place === 'items' && bytes[at] === BRACE_OPEN) {
          at = this.#leap(bytes, at, onItem);
          if (this.#held !== undefined || at === bytes.length) return;
        }
        if (this.#look(bytes[at] as number)) this.#end.begin(this.#capturing === 'text');
        else at++;
        continue;
      }
      const end = this.#end.find(bytes, at);
      if (end < 0) {
        this.#keep(bytes.subarray(at));
        return;
      }
      this.#captured(bytes.subarray(at, end), onItem);
      at = end;
    }
  }

  /** From the beginning of an item over as many as end at a seam. Returns where one begins that must be looked through. */
  #leap(bytes: Buffer, from: number, onItem: (item: object) => void): number {
    let start = from;
    let search = from;
    for (let failures = 0; failures < LEAPS_FAILED_MAX; ) {
      this.#seam ??= seamBefore(bytes, start);
      const end = this.#seam === undefined ? -1 : bytes.indexOf(this.#seam, search);
      if (end < 0) return this.#lastOf(bytes, start, onItem);
      const item = parsed(bytes.subarray(start, end + 1));
      search = end + 1;
      if (item === undefined) failures++;
      else {
        onItem(item);
        start = end + 2;
        failures = 0;
      }
    }
    return start;
  }

  /** No seam follows: the item may end with these bytes, or is held back until more come. */
  #lastOf(bytes: Buffer, start: number, onItem: (item: object) => void): number {
    if (bytes.length - start >= HELD_BYTES_MAX) return start;
    const item = bytes[bytes.length - 1] === BRACE_CLOSE ? parsed(bytes.subarray(start)) : undefined;
    if (item === undefined) {
      this.#held = Buffer.from(bytes.subarray(start));
      return start;
    }
    onItem(item);
    return bytes.length;
  }

  /** Whether something begins here that is to be collected. */
  #look(byte: number): boolean {
    if (byte <= SPACE) return false;
    switch (this.#place) {
      case 'before':
        if (byte !== BRACE_OPEN) throw new BadContent('no list');
        this.#place = 'list';
        return false;
      case 'list':
        return this.#lookInList(byte);
      case 'items':
        if (byte === BRACKET_CLOSE) this.#place = 'list';
        else if (byte === BRACE_OPEN) this.#capturing = 'item';
        else if (byte !== COMMA) throw new BadContent('a list with an item that is no object');
        return this.#capturing !== undefined;
      case 'after':
        throw new BadContent('more than a list');
    }
  }

  #lookInList(byte: number): boolean {
    if (byte === BRACE_CLOSE) this.#place = 'after';
    else if (byte === QUOTE) this.#capturing = 'text';
    else if (byte === BRACKET_OPEN && this.#key === 'items') {
      this.#place = 'items';
      this.#hasItems = true;
    } else if (byte === BRACE_OPEN || byte === BRACKET_OPEN) {
      this.#capturing = this.#key === 'metadata' ? 'metadata' : 'other';
    } else if (byte === LETTER_N && this.#key === 'items') this.#hasItems = true; // null: none
    return this.#capturing !== undefined;
  }

  #captured(last: Buffer, onItem: (item: object) => void): void {
    const captured = this.#capturing;
    this.#keep(last);
    const bytes = this.#parts.length === 1 ? last : Buffer.concat(this.#parts);
    this.#capturing = undefined;
    this.#parts = [];
    this.#length = 0;
    if (captured === 'item') onItem(parseObject(decode(bytes)));
    else if (captured === 'text') this.#key = decode(bytes.subarray(1, -1));
    else if (captured === 'metadata') this.#version = versionOf(decode(bytes));
  }

  #keep(part: Buffer): void {
    this.#length += part.length;
    if (this.#length > this.#bytesMax) throw new BadContent(`an item of more than ${this.#bytesMax} bytes`);
    this.#parts.push(part);
  }
}

/** Of the next byte: before the list, in it, in its items, after it. */
type Place = 'before' | 'list' | 'items' | 'after';
type Captured = 'text' | 'metadata' | 'item' | 'other';

/** Of an item that begins here: up to its first colon. Undefined when that is not there yet, or very far. */
const seamBefore = (bytes: Buffer, start: number): Buffer | undefined => {
  const colon = bytes.subarray(start, start + BEGINNING_MAX).indexOf(COLON);
  return colon < 0 ? undefined : Buffer.concat([BETWEEN, bytes.subarray(start, start + colon + 1)]);
};

/** Undefined for what is no JSON: a part of an item. */
const parsed = (bytes: Buffer): object | undefined => {
  const text = decode(bytes);
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
};

/** More than nearly all objects have; those are looked through as they come. */
const HELD_BYTES_MAX = 128 * 1024;
/** Seams within one item, which no object of the API has many of. */
const LEAPS_FAILED_MAX = 3;
const BEGINNING_MAX = 64;

const versionOf = (metadata: string): string => {
  const { resourceVersion } = parseObject(metadata) as { readonly resourceVersion?: unknown };
  return typeof resourceVersion === 'string' ? resourceVersion : '';
};

/** Throws BadContent. */
export const parseObject = (text: string): object => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new BadContent('what is no JSON', { cause: error });
  }
  if (typeof value !== 'object' || value === null) throw new BadContent('no JSON object');
  return value;
};

const QUOTE = 34;
const COMMA = 44;
const SPACE = 32;
const LETTER_N = 110;
const COLON = 58;
/** What stands between the inner parts of two items. */
const BETWEEN = Buffer.from('},');
const BRACE_OPEN = 123;
const BRACE_CLOSE = 125;
const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
