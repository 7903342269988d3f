/**
 * An HTTP server: `node-server.ts PORT HTTP2_PORT TLS_PORT DIRECTORY`, which has a certificate. Says `ready`.
 *
 *   /bytes/SIZE     as many bytes, with their number before them
 *   /chunked/SIZE   as many bytes, in pieces and without their number
 *   /sum            the length and the checksum of what is sent there
 *   /broken         how many answers could not be given to their ends
 *   Upgrade: echo   whatever comes is sent back
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createHttp2Server, createSecureServer } from 'node:http2';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { dataOf, MB } from './data.ts';

const DATA = dataOf(64 * MB);
const PIECE = 7777;

const [port, http2Port, tlsPort, directory] = process.argv.slice(2);
let broken = 0;

type Request = Readable & { readonly url?: string | undefined };
type Response = Writable & { setHeader(name: string, value: number): unknown };

const answer = async (request: Request, response: Response): Promise<void> => {
  const [, what, size] = (request.url ?? '').split(/[/?]/);
  response.on('close', () => {
    if (!response.writableFinished) broken += 1;
  });
  if (what === 'bytes') {
    response.setHeader('content-length', Number(size));
    response.end(DATA.subarray(0, Number(size)));
  } else if (what === 'chunked') {
    await pipeline(Readable.from(piecesOf(Number(size))), response).catch(() => {});
  } else {
    response.end(`${what === 'sum' ? await sum(request) : broken}\n`);
  }
};

function* piecesOf(size: number): Generator<Buffer> {
  for (let at = 0; at < size; at += PIECE) yield DATA.subarray(at, Math.min(at + PIECE, size));
}

const sum = async (body: Readable): Promise<string> => {
  const hash = createHash('sha256');
  let length = 0;
  for await (const piece of body) {
    length += piece.length;
    hash.update(piece);
  }
  return `${length} ${hash.digest('hex')}`;
};

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  response.sendDate = false;
  void answer(request, response);
});
server.on('upgrade', (_, socket, head) => {
  socket.on('error', () => {});
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  socket.write(head);
  socket.pipe(socket);
});
const asked = (request: Request, response: Response): void => void answer(request, response);
const http2Server = createHttp2Server(asked);
const [key, cert] = ['key.pem', 'certificate.pem'].map((file) => readFileSync(`${directory}/${file}`));
const tlsServer = createSecureServer({ key, cert }, asked);

await Promise.all(
  [[server, port] as const, [http2Server, http2Port] as const, [tlsServer, tlsPort] as const].map(
    ([each, at]) => new Promise<void>((resolve) => each.listen(at, resolve)),
  ),
);
console.log('ready');
