/** Finds where a string, an object or an array of JSON ends, in bytes that come in pieces. */
export class ValueEnd {
  #depth = 0;
  #inString = false;
  #isEscaped = false;
  #isText = false;
  #begun = false;

  /** Of a value whose first byte is the next one: a string (`isText`), or an object or array. */
  begin(isText: boolean): void {
    this.#depth = 0;
    this.#inString = false;
    this.#isEscaped = false;
    this.#isText = isText;
    this.#begun = false;
  }

  /** The offset behind its last byte; -1 when it goes on after this chunk. */
  find(chunk: Buffer, from: number): number {
    if (this.#isText) return this.#findQuote(chunk, from);
    const { length } = chunk;
    // Local, because this loop sees every byte of a list.
    let depth = this.#depth;
    let inString = this.#inString;
    let at = from;
    if (this.#isEscaped) at++;
    this.#isEscaped = false;
    while (at < length) {
      const byte = chunk[at++];
      if (inString) {
        if (byte === QUOTE) inString = false;
        else if (byte === BACKSLASH) at++;
      } else if (byte === QUOTE) inString = true;
      else if (byte === BRACE_OPEN || byte === BRACKET_OPEN) depth++;
      else if ((byte === BRACE_CLOSE || byte === BRACKET_CLOSE) && --depth === 0) return at;
    }
    this.#isEscaped = at > length;
    this.#depth = depth;
    this.#inString = inString;
    return -1;
  }

  #findQuote(chunk: Buffer, from: number): number {
    let at = from;
    if (!this.#begun) at++;
    this.#begun = true;
    if (this.#isEscaped) at++;
    this.#isEscaped = false;
    while (at < chunk.length) {
      const byte = chunk[at++];
      if (byte === QUOTE) return at;
      if (byte === BACKSLASH) at++;
    }
    this.#isEscaped = at > chunk.length;
    return -1;
  }
}

const QUOTE = 34;
const BACKSLASH = 92;
const BRACE_OPEN = 123;
const BRACE_CLOSE = 125;
const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
