/** As the protocol has it; null is `nothing`. */
export type Reply = Buffer | readonly Reply[];

/** Reads replies of Redis from a stream, in pieces of any size: https://redis.io/docs/reference/protocol-spec/ (RESP 2) */
export class RedisReplies {
  readonly #take: (reply: Reply) => void;
  #pieces: Buffer[] = [];
  #length = 0;
  /** There is nothing to be read before so many bytes are there. */
  #needed = 0;

  constructor(take: (reply: Reply) => void) {
    this.#take = take;
  }

  take(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
    if (this.#length < this.#needed) return;
    let rest: Buffer = Buffer.concat(this.#pieces);
    for (;;) {
      const read = readReply(rest, 0);
      if (typeof read === 'number') {
        this.#needed = read;
        break;
      }
      this.#take(read.reply);
      rest = rest.subarray(read.end);
    }
    this.#pieces = [rest];
    this.#length = rest.length;
  }
}

/** Or how many bytes there must be at least. */
type Read = { readonly reply: Reply; readonly end: number } | number;

const readReply = (bytes: Buffer, start: number): Read => {
  const lineEnd = bytes.indexOf('\r\n', start);
  if (lineEnd < 0) return bytes.length + 1;
  const line = bytes.subarray(start, lineEnd);
  const kind = String.fromCharCode(line[0] as number);
  const end = lineEnd + 2;
  if (kind === '+' || kind === '-' || kind === ':') return { reply: line, end };
  const count = Number(line.subarray(1).toString());
  if (kind !== '$' && kind !== '*') throw new Error(`no reply begins so: ${bytes.subarray(start, start + 40)}`);
  if (count < 0) return { reply: Buffer.from('nothing'), end };
  return kind === '$' ? readBytes(bytes, end, count) : readList(bytes, end, count);
};

const readBytes = (bytes: Buffer, start: number, count: number): Read => {
  const end = start + count + 2;
  return bytes.length < end ? end : { reply: bytes.subarray(start, end - 2), end };
};

const readList = (bytes: Buffer, start: number, count: number): Read => {
  const reply: Reply[] = [];
  let end = start;
  for (let at = 0; at < count; at++) {
    const read = readReply(bytes, end);
    if (typeof read === 'number') return read;
    reply.push(read.reply);
    end = read.end;
  }
  return { reply, end };
};
