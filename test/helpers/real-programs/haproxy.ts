import { writeFile } from 'node:fs/promises';
import { askByCurl } from './curl.ts';
import { MB } from './data.ts';
import { askNode, HTTP_PORT, NODE_PLACES, startNodeServer, startStaying } from './node.ts';
import { Program, run } from './program.ts';
import type { RealProgram, Scene } from './scene.ts';

/** HAProxy between curl, a Node client and a Node server, by HTTP and by TCP; and that it is reloaded under them. */
export const haproxy: RealProgram = {
  name: 'HAProxy between others',
  messagesMin: 0,
  unfit: ['program'],
  run: async (scene) => {
    await startNodeServer(scene);
    const proxy = await startHaproxy(scene);
    const { address4 } = scene.proxy;
    return {
      http: await askNode(scene.client, address4, PORTS.http),
      tcp: await askNode(scene.client, address4, PORTS.tcp),
      curl: await askByCurl(scene, { ...NODE_PLACES, origin: `http://${address4}:${PORTS.tcp}` }),
      reloaded: await reloaded(scene, proxy),
    };
  },
};

const PORTS = { http: 8081, tcp: 8083 } as const;

const startHaproxy = async (scene: Scene): Promise<Program> => {
  const path = `${scene.directory}/haproxy.cfg`;
  await writeFile(path, configuration(scene));
  const proxy = new Program(scene.proxy, ['haproxy', '-W', '-db', '-f', path]);
  await Promise.all(Object.values(PORTS).map((port) => proxy.listens(port)));
  return proxy;
};

const configuration = ({ proxy, server }: Scene): string => `global
  maxconn 1000
defaults
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
${Object.entries(PORTS)
  .map(
    ([mode, port]) => `listen ${mode}
  mode ${mode}
  bind ${proxy.address4}:${port}
  server only ${server.address4}:${HTTP_PORT}`,
  )
  .join('\n')}
`;

/** Who is in the midst of an answer gets the rest of the worker that was there, and others are served by the new one. */
const reloaded = async (scene: Scene, proxy: Program): Promise<unknown> => {
  const staying = await Promise.all(
    Object.values(PORTS).map((port) => startStaying(scene.client, scene.proxy.address4, port, 4 * MB)),
  );
  proxy.child.kill('SIGUSR2');
  await proxy.said(/Loading success/);
  const again = await run(scene.client, ['curl', '-sS', `http://${scene.proxy.address4}:${PORTS.http}/sum`]);
  const ended = await Promise.all(staying.map((each) => each.ended()));
  return { again, ended, said: staying.map(({ stdout }) => stdout) };
};
