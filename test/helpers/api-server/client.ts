import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** `complete`, the code of the error that ended it, or `open` when it had not ended within the time. */
  readonly end: string;
}

export interface AskOptions {
  readonly token?: string;
  readonly forMs?: number;
  readonly agent?: Agent;
}

/** Where to ask, and whom to trust. */
export interface Asked {
  readonly port: number;
  readonly ca: string;
}

/** Asks and waits for the end of the answer, or for so long. It believes nothing and repairs nothing. */
export const ask = (server: Asked, path: string, options: AskOptions = {}): Promise<RawAnswer> => {
  const { token, forMs = 150, agent = new Agent({ keepAlive: false }) } = options;
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let response: IncomingMessage | undefined;
    const sent = request({ host: '127.0.0.1', port: server.port, path, ca: server.ca, agent, headers });
    const finish = (end: string): void => {
      clearTimeout(timer);
      const { statusCode: status = 0, headers: answered = {} } = response ?? {};
      resolve({ status, headers: answered, body: Buffer.concat(chunks), end });
      if (end !== 'complete') sent.destroy();
    };
    const timer = setTimeout(() => finish('open'), forMs);
    const fail = (error: NodeJS.ErrnoException): void => finish(error.code ?? error.message);
    sent.on('error', fail).on('response', (answered) => {
      response = answered;
      answered.on('data', (chunk) => chunks.push(chunk));
      answered.on('end', () => finish('complete')).on('error', fail);
    });
    sent.end();
  });
};
