import { mkdir, writeFile } from 'node:fs/promises';
import { askByCurl, askByCurlHttp2, writeCertificate } from './curl.ts';
import { dataOf, MB } from './data.ts';
import { Program, sumOfFiles } from './program.ts';
import type { RealProgram, Scene } from './scene.ts';

/** nginx, which is never joined, and curl: files by sendfile() and by HTTP/2, and large uploads. */
export const nginx: RealProgram = {
  name: 'nginx and curl',
  messagesMin: 0,
  unfit: ['program'],
  run: async (scene) => {
    const server = await startNginx(scene);
    const { address4 } = scene.server;
    const results = {
      http: await askByCurl(scene, { ...PLACES, origin: `http://${address4}:${PORT}` }),
      http2: await askByCurlHttp2(scene, {
        ...PLACES,
        origin: `https://${address4}:${TLS_PORT}`,
        clear: `http://${address4}:${HTTP2_PORT}`,
      }),
      uploaded: await sumOfFiles(`${scene.directory}/www/up`),
    };
    return { ...results, status: await server.stop('SIGQUIT') };
  },
};

const PORT = 8080;
const TLS_PORT = 8443;
const HTTP2_PORT = 8082;

const PLACES = { small: '/small', middle: '/middle', large: '/large', upload: '/up/' } as const;

const startNginx = async (scene: Scene): Promise<Program> => {
  const { directory } = scene;
  await Promise.all(['www/up', 'temp'].map((each) => mkdir(`${directory}/${each}`, { recursive: true })));
  for (const [name, size] of [
    ['small', 1000],
    ['middle', 100_000],
    ['large', 20 * MB],
  ] as const)
    await writeFile(`${directory}/www/${name}`, dataOf(size));
  await writeCertificate(scene);
  await writeFile(`${directory}/nginx.conf`, configuration(directory));
  const command = ['nginx', '-p', directory, '-c', `${directory}/nginx.conf`, '-e', `${directory}/errors`] as const;
  const server = new Program(scene.server, command);
  await Promise.all([PORT, TLS_PORT, HTTP2_PORT].map((port) => server.listens(port)));
  return server;
};

const configuration = (directory: string): string => `daemon off;
user root;
pid ${directory}/pid;
events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path temp/${kind};`).join('\n  ')}
  client_max_body_size 100m;
  keepalive_requests 100000;
  sendfile on;
  server {
    listen ${PORT};
    listen ${HTTP2_PORT} http2;
    listen ${TLS_PORT} ssl http2;
    ssl_certificate ${directory}/certificate.pem;
    ssl_certificate_key ${directory}/key.pem;
    root ${directory}/www;
    location /up/ {
      dav_methods PUT;
    }
  }
}
`;
