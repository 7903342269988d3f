import { BadContent } from './ending.ts';
import { decode } from './lines.ts';
import { ValueEnd } from './value-end.ts';

/**
 * Finds the items of a list in its bytes as they come, one at a time, so that the list never exists as a whole. What
 * stands around them may come in any order; only `metadata` of the list is looked at.
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

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** `metadata.resourceVersion` of the list. Throws BadContent when it has not ended, or was no list. */
  get version(): string {
    if (this.#place !== 'after') throw new BadContent('a list without its end');
    if (!this.#hasItems || this.#version === '') throw new BadContent('no list');
    return this.#version;
  }

  get isWhole(): boolean {
    return this.#place === 'after';
  }

  /** Calls with the text of each item that ends in this chunk. Throws BadContent. */
  push(chunk: Buffer, onItem: (text: string) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#capturing === undefined) {
        if (this.#look(chunk[at] as number)) this.#end.begin(this.#capturing === 'text');
        else at++;
        continue;
      }
      const end = this.#end.find(chunk, at);
      if (end < 0) {
        this.#keep(chunk.subarray(at));
        return;
      }
      this.#captured(chunk.subarray(at, end), onItem);
      at = end;
    }
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

  #captured(last: Buffer, onItem: (text: string) => void): void {
    const captured = this.#capturing;
    this.#keep(last);
    const bytes = this.#parts.length === 1 ? last : Buffer.concat(this.#parts);
    this.#capturing = undefined;
    this.#parts = [];
    this.#length = 0;
    if (captured === 'item') onItem(decode(bytes));
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
const BRACE_OPEN = 123;
const BRACE_CLOSE = 125;
const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
