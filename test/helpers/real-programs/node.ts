import { fileURLToPath } from 'node:url';
import type { Pod } from '../../../src/demo/pod.ts';
import { retryUntil } from '../retry.ts';
import { askByCurl, askByCurlHttp2, writeCertificate } from './curl.ts';
import { MB } from './data.ts';
import { type Command, Program, run } from './program.ts';
import type { RealProgram, Scene } from './scene.ts';

/** Node's own HTTP, at both ends: keep-alive, chunked, pipelined, upgraded, uploads, and ends before the end. */
export const node: RealProgram = {
  name: 'a Node HTTP server and client',
  messagesMin: 3000,
  unfit: [],
  run: async (scene) => {
    const server = await startNodeServer(scene);
    const results = await askNode(scene.client, scene.server.address4, HTTP_PORT);
    return { results, killed: await killBoth(scene, server) };
  },
};

/** The same server, asked by curl over HTTP/1.1 and HTTP/2. */
export const nodeByCurl: RealProgram = {
  name: 'a Node HTTP/2 server and curl',
  messagesMin: 3000,
  unfit: [],
  run: async (scene) => {
    await startNodeServer(scene);
    const { address4 } = scene.server;
    return {
      http: await askByCurl(scene, { ...NODE_PLACES, origin: `http://${address4}:${HTTP_PORT}` }),
      http2: await askByCurlHttp2(scene, {
        ...NODE_PLACES,
        origin: `https://${address4}:${TLS_PORT}`,
        clear: `http://${address4}:${HTTP2_PORT}`,
      }),
    };
  },
};

export const NODE_PLACES = {
  small: '/bytes/1000',
  middle: '/chunked/100000',
  large: `/chunked/${8 * MB}`,
  upload: '/sum/',
} as const;

export const HTTP_PORT = 8080;
const HTTP2_PORT = 8082;
const TLS_PORT = 8443;

export const startNodeServer = async (scene: Scene): Promise<Program> => {
  await writeCertificate(scene);
  const ports = [HTTP_PORT, HTTP2_PORT, TLS_PORT];
  const server = new Program(scene.server, script('node-server.ts', ...ports, scene.directory));
  await server.said(/ready/);
  return server;
};

/** What node-client.ts got there. */
export const askNode = async (pod: Pod, address: string, port: number): Promise<Readonly<Record<string, unknown>>> => ({
  ...JSON.parse(await run(pod, script('node-client.ts', address, port))),
});

/** A client that is in the midst of an answer of that size, which it reads slowly. */
export const startStaying = async (pod: Pod, address: string, port: number, size = 60 * MB): Promise<Program> => {
  const client = new Program(pod, script('node-client.ts', address, port, size));
  await client.said(/begun/);
  return client;
};

export const script = (file: string, ...args: readonly (string | number)[]): Command => [
  process.execPath,
  fileURLToPath(new URL(file, import.meta.url)),
  ...args.map(String),
];

/** One end is killed in the midst of an answer, and the other one notices. */
const killBoth = async ({ client, server }: Scene, program: Program): Promise<unknown> => {
  const first = await startStaying(client, server.address4, HTTP_PORT);
  await first.stop('SIGKILL');
  const url = `http://${server.address4}:${HTTP_PORT}/broken`;
  const broken = await retryUntil(async () => {
    const text = await run(client, ['curl', '-sS', url]);
    return text === '6\n' && text;
  });
  const second = await startStaying(client, server.address4, HTTP_PORT);
  await program.stop('SIGKILL');
  await second.ended();
  return { broken, second: second.stdout };
};
