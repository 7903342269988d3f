import { type IncomingMessage, request } from 'node:http';

interface Given {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Answered {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** By a connection of its own, to a UNIX socket or to a port of the loopback. */
export const ask = (at: string | number, path: string, { method = 'GET', headers = {} }: Given = {}) =>
  new Promise<Answered>((resolve, reject) => {
    const place = typeof at === 'string' ? { socketPath: at } : { host: '127.0.0.1', port: at };
    const sent = request({ ...place, path, method, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response
        .on('error', reject)
        .on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    sent.on('error', reject).end();
  });

export const answer = async (at: string | number, path: string) => JSON.parse((await ask(at, path)).body);
