import type { ServerResponse } from 'node:http';
import type { BodyTrouble, Ending, Fault } from './fault.ts';
import { statusObject } from './status.ts';

export interface OutletOptions {
  readonly fault?: Fault | undefined;
  /** The body is sent in chunks of at most so many bytes. */
  readonly chunkBytesMax?: number | undefined;
  /** Ends the connection without a word. */
  readonly reset: () => void;
}

/** The body of one answer. It counts the items or events, and comes to the grief that is meant for it. */
export class Outlet {
  readonly #response: ServerResponse;
  readonly #options: OutletOptions;
  readonly #queue: Buffer[] = [];
  #lines = 0;
  #armed: BodyTrouble | undefined;
  #pump: NodeJS.Timeout | undefined;
  readonly #whenOver: (() => void)[] = [];
  #ending = false;
  #over = false;

  constructor(response: ServerResponse, options: OutletOptions) {
    this.#response = response;
    this.#options = options;
    response.on('close', () => this.#close());
  }

  /** Whether nothing more will be sent. */
  get over(): boolean {
    return this.#over;
  }

  /** Calls back once, as soon as nothing more will be sent. */
  onOver(call: () => void): void {
    this.#whenOver.push(call);
  }

  /** Sends the headers at once, as an API server does for a watch: the client need not wait for the first event. */
  open(): void {
    this.#response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
    this.#response.flushHeaders();
    const { trouble } = this.#options.fault ?? {};
    if (trouble?.kind === 'slow') this.#startPump(trouble.bytesPerS);
    this.#strikeWhenDue();
  }

  /** What is neither item nor event: the beginning and the end of a list. */
  frame(text: string): void {
    this.#send(Buffer.from(text));
  }

  /** One item or event, whole, with the comma before it or the line end after it. */
  line(text: string): void {
    if (this.#over) return;
    const armed = this.#armed;
    this.#armed = undefined;
    if (armed?.kind === 'half') {
      const whole = Buffer.from(text);
      this.#send(whole.subarray(0, whole.length / 2));
      this.strike({ kind: armed.ending });
    } else if (armed?.kind === 'garbage') {
      this.#send(garbage(armed.line));
    } else {
      this.#send(Buffer.from(text));
    }
    this.#lines += 1;
    this.#strikeWhenDue();
  }

  /** The last chunk. */
  end(): void {
    if (this.#over) return;
    this.#ending = true;
    if (this.#queue.length === 0) this.#finish('end');
  }

  /** Waits until the client has taken most of what was sent. */
  async drained(): Promise<void> {
    while (!this.#over && this.#response.writableNeedDrain) {
      await new Promise<void>((resolve) => {
        this.#response.once('drain', resolve).once('close', resolve);
      });
    }
  }

  /** Something goes wrong now. What is about the next line waits for it. */
  strike(trouble: BodyTrouble): void {
    if (this.#response.closed || this.#response.writableEnded) return;
    // Of what has stalled only the connection is left.
    if (this.#over && (trouble.kind === 'reset' || trouble.kind === 'cut')) this.#finish(trouble.kind);
    if (this.#over) return;
    switch (trouble.kind) {
      case 'half':
      case 'garbage':
        this.#armed = trouble;
        break;
      case 'error': {
        const { code, reason, ending } = trouble;
        const object = statusObject(code, { reason, message: reason });
        this.#send(Buffer.from(`${JSON.stringify({ type: 'ERROR', object })}\n`));
        this.#finish(ending);
        break;
      }
      default:
        this.#finish(trouble.kind);
    }
  }

  #strikeWhenDue(): void {
    const { fault } = this.#options;
    if (fault === undefined || fault.trouble.kind === 'slow' || (fault.after ?? 0) !== this.#lines) return;
    this.strike(fault.trouble as BodyTrouble);
  }

  #finish(how: Ending['kind']): void {
    this.#close();
    if (how === 'end') this.#response.end();
    // What was written before shall arrive.
    if (how === 'cut') setImmediate(() => this.#response.socket?.destroy());
    if (how === 'reset') setImmediate(this.#options.reset);
  }

  #close(): void {
    this.#over = true;
    clearInterval(this.#pump);
    for (const call of this.#whenOver.splice(0)) call();
  }

  #send(bytes: Buffer): void {
    if (this.#over) return;
    if (this.#pump === undefined) this.#write(bytes);
    else this.#queue.push(bytes);
  }

  #write(bytes: Buffer): void {
    const { chunkBytesMax = bytes.length } = this.#options;
    const size = Math.max(chunkBytesMax, Math.ceil(bytes.length / PIECES_MAX));
    for (let at = 0; at < bytes.length; at += size) this.#response.write(bytes.subarray(at, at + size));
  }

  #startPump(bytesPerS: number): void {
    const turnMs = 20;
    const share = Math.max(1, Math.round((bytesPerS * turnMs) / 1000));
    this.#pump = setInterval(() => {
      const waiting = Buffer.concat(this.#queue.splice(0));
      if (waiting.length > share) this.#queue.push(waiting.subarray(share));
      if (waiting.length > 0) this.#write(waiting.subarray(0, share));
      if (this.#ending && this.#queue.length === 0) this.#finish('end');
    }, turnMs);
  }
}

/** Each costs a kilobyte until it has been sent: a long line is sent in larger ones. */
const PIECES_MAX = 20_000;

/** More than any reader should keep of one line. */
export const LONG_LINE_BYTES = 4 << 20;

const garbage = (line: 'broken' | 'binary' | 'long' | 'number'): Buffer => {
  switch (line) {
    case 'broken':
      return Buffer.from('{"type":"MODIFIED","object":{"kind":"Service","metadata":{"name":"we\n');
    case 'binary':
      return Buffer.from([0x1f, 0x8b, 0x00, 0xff, 0xfe, 0xc3, 0x28, 0x7b, 0x0a]);
    case 'long':
      return Buffer.from(`{"type":"ADDED","object":"${'x'.repeat(LONG_LINE_BYTES)}`);
    case 'number':
      return Buffer.from('42\n');
  }
};
