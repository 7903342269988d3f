import { isUtf8 } from 'node:buffer';
import { BadContent } from './ending.ts';

/** Cuts bytes into lines. A line is made into text once, and no byte of it is kept afterwards. */
export class LineSplitter {
  readonly #bytesMax: number;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Lines that are whole now, without those of blanks. Throws BadContent for one that is too long or no UTF-8. */
  *push(chunk: Buffer): Generator<string> {
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
      const line = this.#take(chunk.subarray(from, end));
      from = end + 1;
      const text = decode(line);
      if (!isBlank(text)) yield text;
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
  }

  /** To be asked when no more bytes come: what is left was to be a line. */
  get isCut(): boolean {
    return this.#length > 0;
  }

  #keep(part: Buffer): void {
    this.#length += part.length;
    this.#check();
    this.#parts.push(part);
  }

  #take(last: Buffer): Buffer {
    this.#length += last.length;
    this.#check();
    const line = this.#parts.length === 0 ? last : Buffer.concat([...this.#parts, last]);
    this.#parts = [];
    this.#length = 0;
    return line;
  }

  #check(): void {
    if (this.#length > this.#bytesMax) throw new BadContent(`a line of more than ${this.#bytesMax} bytes`);
  }
}

/** Bytes that are no UTF-8 become U+FFFD, which a text may also hold by right. */
export const decode = (bytes: Buffer): string => {
  const text = bytes.toString('utf8');
  if (text.includes(REPLACEMENT) && !isUtf8(bytes)) throw new BadContent('bytes that are no UTF-8');
  return text;
};

const isBlank = (text: string): boolean => text.length < 8 && text.trim() === '';

const LINE_FEED = 10;
const REPLACEMENT = '\ufffd';
