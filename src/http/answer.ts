import type { ShuntError } from '../errors.ts';

/** What a route answers. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  /** Whole, or made piece by piece while it is sent. */
  readonly body: string | Uint8Array | Iterable<string | Uint8Array> | AsyncIterable<string>;
  /** Called once the body is no longer needed, sent or not. */
  readonly release?: () => void;
}

export const JSON_TYPE = 'application/json; charset=utf-8';
export const JSON_LINES_TYPE = 'application/x-ndjson; charset=utf-8';
export const EVENT_STREAM_TYPE = 'text/event-stream; charset=utf-8';
export const TEXT_TYPE = 'text/plain; charset=utf-8';

export const json = (data: unknown, status = 200): Answer => ({
  status,
  type: JSON_TYPE,
  body: `${JSON.stringify(data)}\n`,
});

/** `{"NAME": [...]}`. However many records there are, few of them are ever in memory. */
export const jsonList = (name: string, records: Iterable<unknown>): Answer => ({
  status: 200,
  type: JSON_TYPE,
  body: listPieces(name, records),
});

/** A millisecond or two of work: the event loop has a turn between two pieces. */
const PIECE_LENGTH = 64 * 1024;

function* listPieces(name: string, records: Iterable<unknown>): Generator<string> {
  let piece = `{${JSON.stringify(name)}:[`;
  let comma = '';
  for (const record of records) {
    piece += comma + JSON.stringify(record);
    comma = ',';
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = '';
  }
  yield `${piece}]}\n`;
}

/** One JSON value a line, as they come, for as long as they do. */
export const jsonLines = (batches: AsyncIterable<readonly unknown[]>, release: () => void): Answer => ({
  status: 200,
  type: JSON_LINES_TYPE,
  body: linesOf(batches),
  release,
});

async function* linesOf(batches: AsyncIterable<readonly unknown[]>): AsyncGenerator<string> {
  for await (const batch of batches) yield batch.map((value) => `${JSON.stringify(value)}\n`).join('');
}

/** Server-sent events: each a JSON list, as they come, for as long as they do. Whoever was cut off may ask again soon. */
export const serverSent = (batches: AsyncIterable<readonly unknown[]>, release: () => void): Answer => ({
  status: 200,
  type: EVENT_STREAM_TYPE,
  body: messagesOf(batches),
  release,
});

/** https://html.spec.whatwg.org/multipage/server-sent-events.html: JSON has no line breaks, so a message is a line. */
async function* messagesOf(batches: AsyncIterable<readonly unknown[]>): AsyncGenerator<string> {
  yield `retry: ${RETRY_MS}\n\n`;
  for await (const batch of batches) yield `data: ${JSON.stringify(batch)}\n\n`;
}

const RETRY_MS = 2000;

export const text = (body: string, status = 200): Answer => ({ status, type: TEXT_TYPE, body: `${body}\n` });

/** Errors have one shape everywhere: {"error": {"code", "message", "help"}}. */
export const failure = (error: ShuntError): Answer => {
  const { code, message, help } = error;
  return json({ error: { code, message, help } }, STATUSES.get(code) ?? 500);
};

const STATUSES: ReadonlyMap<string, number> = new Map([
  ['SHUNT_E_HTTP_PARAMETER', 400],
  ['SHUNT_E_HTTP_HOST', 403],
  ['SHUNT_E_HTTP_SITE', 403],
  ['SHUNT_E_HTTP_PATH', 404],
  ['SHUNT_E_HTTP_METHOD', 405],
  ['SHUNT_E_STARTING', 503],
]);
