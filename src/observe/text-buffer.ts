import type { Metric } from './registry.ts';

const START_BYTES = 64 * 1024;
const KEPT_BYTES_MAX = 256 * 1024;
const LINE_FEED = 10;
const DIGIT_ZERO = 48;
/** Digits of the largest safe integer. */
const DIGITS_MAX = 16;

/** Bytes of the Prometheus text format, written one after the other into a buffer that grows and is used again. */
export class TextBuffer {
  #bytes = Buffer.allocUnsafe(START_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Valid until `clear`. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** What was written is gone; so is its memory, if it was much: megabytes would wait for the next scrape. */
  clear(): void {
    this.#length = 0;
    if (this.#bytes.length <= KEPT_BYTES_MAX) return;
    release(this.#bytes);
    this.#bytes = Buffer.allocUnsafe(START_BYTES);
  }

  head({ name, type, help }: Metric): void {
    this.text(`# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`);
  }

  /** One line of bytes prepared before: `start`, `labels`, `end`, the value. */
  line(start: Uint8Array, labels: Uint8Array, end: Uint8Array, value: number): void {
    this.#reserve(start.length + labels.length + end.length + 32);
    const bytes = this.#bytes;
    bytes.set(start, this.#length);
    bytes.set(labels, this.#length + start.length);
    bytes.set(end, this.#length + start.length + labels.length);
    this.#length += start.length + labels.length + end.length;
    this.#number(value);
    bytes[this.#length++] = LINE_FEED;
  }

  text(text: string): void {
    this.#reserve(text.length * 3);
    this.#length += this.#bytes.write(text, this.#length, 'utf8');
  }

  #reserve(more: number): void {
    const wanted = this.#length + more;
    if (wanted <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(wanted, this.#bytes.length * 2));
    larger.set(this.written);
    release(this.#bytes);
    this.#bytes = larger;
  }

  /** Counters are nearly always integers, and digits in place save a string for each. */
  #number(value: number): void {
    if (value < 0 || !Number.isSafeInteger(value)) {
      this.#length += this.#bytes.write(numberText(value), this.#length, 'latin1');
      return;
    }
    let rest = value;
    let digits = 1;
    for (let limit = 10; digits < DIGITS_MAX && rest >= limit; limit *= 10) digits++;
    for (let at = this.#length + digits - 1; at >= this.#length; at--) {
      const quotient = Math.floor(rest / 10);
      this.#bytes[at] = DIGIT_ZERO + (rest - quotient * 10);
      rest = quotient;
    }
    this.#length += digits;
  }
}

/** At once, and not when garbage is collected some day. Small ones share their memory with others. */
const release = ({ buffer, length }: Buffer): void => {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === length) buffer.transfer(0);
};

export const numberText = (value: number): string => {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
};

export type Labels = readonly (readonly [name: string, value: string])[];

/** `a="1",b="2"`, without braces. */
export const labelText = (labels: Labels): string =>
  labels.map(([name, value]) => `${name}="${escapeLabel(value)}"`).join(',');

const escapeLabel = (value: string): string =>
  value.replace(/[\\"\n]/g, (found) => (found === '\n' ? '\\n' : `\\${found}`));

const escapeHelp = (help: string): string => help.replace(/[\\\n]/g, (found) => (found === '\n' ? '\\n' : '\\\\'));
