import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ShuntError } from '../errors.ts';
import { type Answer, failure } from './answer.ts';

export interface Route {
  readonly path: string;
  /** Throws ShuntError for what the client should know. */
  answer(query: URLSearchParams): Answer | Promise<Answer>;
}

/** A bug in a route: answered with 500, and told here. */
export type OnBug = (error: unknown, path: string) => void;

/** What browsers need beside routes. */
export interface Rules {
  /** With every answer, errors too. */
  readonly headers: Readonly<Record<string, string>>;
  /** Throws ShuntError for what is not answered, whatever it asks for. */
  readonly admit: (request: IncomingMessage) => void;
}

const NO_RULES: Rules = { headers: {}, admit: () => {} };

/** Answers GET by the table; everything is read-only, so no other method is known. */
export const createHandler = (routes: readonly Route[], onBug: OnBug, rules = NO_RULES): RequestListener => {
  const byPath = new Map(routes.map((route) => [route.path, route]));
  return async (request, response) => {
    // HTTP pipelining, which neither browsers nor Prometheus use: one connection would have any number of answers at once.
    if (response.socket === null) {
      request.socket.destroy();
      return;
    }
    const { path, query } = target(request);
    try {
      await send(response, await respond(byPath, request, path, query, { onBug, rules }), rules.headers);
    } catch (error) {
      // The client left. After a bug its connection is cut, so that it does not take a part for the whole.
      if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') onBug(error, path);
    }
  };
};

const respond = async (
  routes: ReadonlyMap<string, Route>,
  request: IncomingMessage,
  path: string,
  query: URLSearchParams,
  { onBug, rules }: { readonly onBug: OnBug; readonly rules: Rules },
): Promise<Answer> => {
  const { method = '' } = request;
  try {
    rules.admit(request);
    const route = routes.get(path);
    if (route === undefined) throw new ShuntError('SHUNT_E_HTTP_PATH', { path, paths: [...routes.keys()].join(', ') });
    if (method !== 'GET') throw new ShuntError('SHUNT_E_HTTP_METHOD', { method });
    return await route.answer(query);
  } catch (error) {
    if (error instanceof ShuntError) return failure(error);
    onBug(error, path);
    return failure(new ShuntError('SHUNT_E_INTERNAL', { detail: 'the request met a bug' }, { cause: error }));
  }
};

/** Only path and query count; a client may send any text as a URL, so it is not parsed as one. */
const target = ({ url = '/' }: IncomingMessage): { readonly path: string; readonly query: URLSearchParams } => {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  return { path, query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)) };
};

const send = async (
  response: ServerResponse,
  { status, type, body, release }: Answer,
  headers: Rules['headers'],
): Promise<void> => {
  const whole = typeof body === 'string' || body instanceof Uint8Array ? body : undefined;
  if (release !== undefined) response.once('close', release);
  response.writeHead(status, {
    ...headers,
    'content-type': type,
    ...(whole === undefined ? {} : { 'content-length': Buffer.byteLength(whole) }),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(status === 405 ? { allow: 'GET' } : {}),
  });
  if (whole === undefined) await pipeline(inTurns(body as Pieces), response);
  else response.end(whole);
};

type Pieces = Iterable<string | Uint8Array> | AsyncIterable<string>;

/** A client that reads as fast as we write would otherwise have the event loop to itself. */
async function* inTurns(pieces: Pieces): AsyncGenerator<string | Uint8Array> {
  for await (const piece of pieces) {
    yield piece;
    await nextTurn();
  }
}
