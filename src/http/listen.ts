import { lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { ShuntError } from '../errors.ts';

/** A server that listens. */
export interface Listener {
  /** As a URL has it: `127.0.0.1:10377`, `[::1]:10377`; or the path of a socket. */
  readonly address: string;
  /** Resolves when nothing listens and no connection is left. */
  close(): Promise<void>;
}

/** Requests have no body; whoever needs longer for a header of this size is not a friend. */
const LIMITS = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 15_000,
  maxHeaderSize: 8_192,
} as const;
/** Sockets without traffic: also answers that nobody reads. */
const IDLE_MS = 60_000;
const CONNECTIONS_MAX = 64;

/** Serves on TCP. Throws SHUNT_E_LISTEN. */
export const listenTcp = async (host: string, port: number, handler: RequestListener): Promise<Listener> => {
  const server = create(handler);
  const name = host.includes(':') ? `[${host}]` : host;
  await listening(server, `${name}:${port}`, () => server.listen({ host, port }));
  const bound = server.address();
  const boundPort = typeof bound === 'object' && bound !== null ? bound.port : port;
  return { address: `${name}:${boundPort}`, close: () => close(server) };
};

/** Serves on a UNIX socket for its owner only. Throws SHUNT_E_RUNNING when somebody answers there, SHUNT_E_RIGHTS or SHUNT_E_LISTEN. */
export const listenUnix = async (path: string, handler: RequestListener): Promise<Listener> => {
  if (await isAlive(path)) throw new ShuntError('SHUNT_E_RUNNING', { socket: path });
  const server = create(handler);
  await listening(server, path, () => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    removeStale(path);
    bindPrivately(server, path);
  });
  return { address: path, close: () => close(server) };
};

const create = (handler: RequestListener): Server => {
  const server = createServer(LIMITS, handler);
  server.setTimeout(IDLE_MS);
  server.maxConnections = CONNECTIONS_MAX;
  return server;
};

const listening = async (server: Server, address: string, start: () => void): Promise<void> => {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.once('listening', resolve);
      start();
    });
  } catch (error) {
    server.close();
    const { code } = error as NodeJS.ErrnoException;
    if ((code === 'EACCES' || code === 'EPERM') && address.startsWith('/')) {
      throw new ShuntError('SHUNT_E_RIGHTS', { path: address, reason: code }, { cause: error });
    }
    throw new ShuntError('SHUNT_E_LISTEN', { address, reason: (error as Error).message }, { cause: error });
  }
};

/** Mode 0600 from the start: `listen` makes the socket before it returns. */
const bindPrivately = (server: Server, path: string): void => {
  const before = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
};

/** A socket that nobody listens on outlives its process. Anything else at that place is not ours to remove. */
const removeStale = (path: string): void => {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error('something that is no socket is there');
  unlinkSync(path);
};

const isAlive = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });

const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
