import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';

/** How the API server is reached. Every request asks for all of it anew, so keys and tokens may change. */
export interface Access {
  /** `https://10.96.0.1:443`, without a closing slash; may have a path. */
  readonly server: string;
  /** Trust and client certificate; a new object only when they changed. */
  tls(): Promise<TlsSettings> | TlsSettings;
  /** The value of the header `authorization`. `fresh`: the server refused the last one. */
  authorization(fresh: boolean): Promise<string | undefined> | string | undefined;
}

/** As tls.createSecureContext and tls.connect take them. */
export interface TlsSettings {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
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
  /** Rejects when no head of an answer comes: refused, reset, TLS, or aborted. */
  readonly answer: Promise<Answer>;
  /** Ends it and closes its connection, whatever its state; `answer` or `body` errors with `reason`. */
  abort(reason: Error): void;
}

/** Sends requests over kept connections of one agent. */
export interface Client {
  readonly server: string;
  /** GET of a path with its query. */
  get(path: string, options?: { readonly freshToken?: boolean }): Exchange;
  /** Closes every connection. */
  close(): void;
}
