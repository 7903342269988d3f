import {
  type ClientRequest,
  Agent as HttpAgent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
} from 'node:http';
import { Agent as HttpsAgent, request as requestTls } from 'node:https';
import type { Readable } from 'node:stream';
import { createSecureContext } from 'node:tls';

/** How the API server is reached. Every request asks for the credentials anew, so keys and tokens may change. */
export interface Access {
  /** `https://10.96.0.1:443`, without a closing slash; may have a path. */
  readonly server: string;
  /** `fresh`: the server refused the last ones. Rejects, or throws, with a ShuntError when there are none. */
  credentials(fresh: boolean): Promise<Credentials> | Credentials;
}

export interface Credentials {
  /** A new object only when something in it changed. */
  readonly tls: TlsSettings;
  /** The value of the header `authorization`. */
  readonly authorization: string | undefined;
}

/** As tls.createSecureContext and tls.connect take them. */
export interface TlsSettings {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly pfx?: string | Buffer;
  readonly passphrase?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Bytes as they come. Errors with what went wrong when the answer is cut. */
  readonly body: Readable;
}

/** A request under way. */
export interface Exchange {
  /** Rejects when no head of an answer comes: refused, reset, TLS, no credentials, or aborted. */
  readonly answer: Promise<Answer>;
  /** Ends it and closes its connection, whatever its state; `answer` or `body` errors with `reason`. */
  abort(reason: Error): void;
}

/** Sends requests over kept connections of one agent. */
export interface Client {
  readonly server: string;
  /** GET of a path with its query. */
  get(path: string, options?: { readonly freshToken?: boolean }): Exchange;
  /** One object is made or changed. What the server has taken may be sent again when its answer was lost. */
  send(method: WriteMethod, path: string, body: string, options?: { readonly freshToken?: boolean }): Exchange;
  /** Closes every connection. */
  close(): void;
}

export type WriteMethod = 'POST' | 'PUT';

/** `userAgent` names us in the server's audit log. */
export const createClient = (access: Access, userAgent = 'shunt'): Client => {
  const isTls = access.server.startsWith('https:');
  let agent: HttpAgent = new HttpAgent(KEPT);
  let tlsOfAgent: TlsSettings | undefined;

  const agentFor = (tls: TlsSettings): HttpAgent => {
    if (!isTls || tls === tlsOfAgent) return agent;
    retire(agent);
    agent = new HttpsAgent({ ...KEPT, ...connectionOf(tls) });
    tlsOfAgent = tls;
    return agent;
  };

  const prepare = async (path: string, fresh: boolean, write?: Write): Promise<Prepared> => {
    const { tls, authorization } = await access.credentials(fresh);
    const sent = (isTls ? requestTls : request)(`${access.server}${path}`, {
      method: write?.method ?? 'GET',
      agent: agentFor(tls),
      headers: {
        accept: 'application/json',
        'user-agent': userAgent,
        ...(authorization === undefined ? {} : { authorization }),
        ...(write === undefined ? {} : headersOf(write)),
      },
    });
    return { sent, body: write?.body };
  };

  return {
    server: access.server,
    get: (path, { freshToken = false } = {}) => new Sent((isSecond) => prepare(path, freshToken && !isSecond)),
    send: (method, path, body, { freshToken = false } = {}) =>
      new Sent((isSecond) => prepare(path, freshToken && !isSecond, { method, body })),
    close: () => agent.destroy(),
  };
};

interface Write {
  readonly method: WriteMethod;
  readonly body: string;
}

/** A request that waits for its `end`. */
interface Prepared {
  readonly sent: ClientRequest;
  readonly body: string | undefined;
}

const headersOf = ({ body }: Write): Readonly<Record<string, string | number>> => ({
  'content-type': 'application/json',
  'content-length': Buffer.byteLength(body),
});

const KEEPALIVE_MS = 15_000;
/** Of connections that wait for the next request: there is one for each watch. */
const FREE_SOCKETS_MAX = 5;
const KEPT = { keepAlive: true, keepAliveMsecs: KEEPALIVE_MS, maxFreeSockets: FREE_SOCKETS_MAX } as const;

/** One context for all connections: each would hold the certificates otherwise. */
const connectionOf = ({ servername, rejectUnauthorized, ...certificates }: TlsSettings) => ({
  secureContext: createSecureContext(certificates),
  ...(servername === undefined ? {} : { servername }),
  ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
});

/** What is under way goes on; its connections are closed when it is done. */
const retire = (agent: HttpAgent): void => {
  agent.maxFreeSockets = 0;
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
};

class Sent implements Exchange {
  readonly answer: Promise<Answer>;
  /** A program that makes tokens may take any time. */
  readonly #abortion = Promise.withResolvers<never>();
  #request: ClientRequest | undefined;
  #response: IncomingMessage | undefined;
  #aborted: Error | undefined;

  constructor(prepare: (isSecond: boolean) => Promise<Prepared>) {
    this.#abortion.promise.catch(() => undefined);
    this.answer = Promise.race([this.#exchange(prepare, false), this.#abortion.promise]);
  }

  abort(reason: Error): void {
    this.#aborted ??= reason;
    this.#abortion.reject(reason);
    if (this.#response === undefined) this.#request?.destroy(reason);
    else this.#response.destroy(reason);
  }

  async #exchange(prepare: (isSecond: boolean) => Promise<Prepared>, isSecond: boolean): Promise<Answer> {
    const { sent, body } = await prepare(isSecond);
    const answered = Promise.withResolvers<IncomingMessage>();
    sent.on('response', answered.resolve);
    // Stays: an error that comes later is one of the body.
    sent.on('error', answered.reject);
    this.#request = sent;
    if (this.#aborted === undefined) sent.end(body);
    else sent.destroy(this.#aborted);
    try {
      const response = await answered.promise;
      this.#response = response;
      if (this.#aborted !== undefined) response.destroy(this.#aborted);
      return { status: response.statusCode ?? 0, headers: response.headers, body: response };
    } catch (error) {
      if (this.#aborted !== undefined) throw this.#aborted;
      // The server had closed the kept connection just when it was used again.
      if (sent.reusedSocket && !isSecond) return this.#exchange(prepare, true);
      throw error;
    }
  }
}
