import { writeFile } from 'node:fs/promises';
import type { Pod } from '../../../src/demo/pod.ts';
import { dataOf, MB } from './data.ts';
import { type Command, Program, sha256OfFile } from './program.ts';
import type { RealProgram, Scene } from './scene.ts';

/** nc and socat: they block, and are left alone. One end closes its half, and has an answer to what it sent. */
export const pipes: RealProgram = {
  name: 'nc and socat',
  messagesMin: 0,
  unfit: ['blocks'],
  run: async (scene) => {
    const { server, directory } = scene;
    const file = `${directory}/file`;
    await writeFile(file, dataOf(20 * MB));
    const answering = new Program(server, ['socat', `TCP-LISTEN:${PORT},fork,reuseaddr`, 'SYSTEM:sha256sum']);
    await answering.listens(PORT);
    const address = server.address4;
    const sums = [
      await said(scene.client, ['sh', '-c', `exec nc.openbsd -N ${address} ${PORT} <${file}`]),
      await said(scene.client, ['sh', '-c', `exec socat -t 20 - TCP:${address}:${PORT} <${file}`]),
    ];
    return { sums, echoed: await echoed(scene, file) };
  },
};

const PORT = 9000;
const ECHO_PORT = 9001;

const said = async (pod: Pod, command: Command) => {
  const program = new Program(pod, command);
  return { status: await program.ended(), said: program.stdout };
};

/** Both ways at once. */
const echoed = async ({ client, server, directory }: Scene, file: string): Promise<unknown> => {
  const echo = new Program(server, ['socat', `TCP-LISTEN:${ECHO_PORT},fork,reuseaddr`, 'SYSTEM:cat']);
  await echo.listens(ECHO_PORT);
  const back = `${directory}/back`;
  const command = `exec socat -t 20 - TCP:${server.address4}:${ECHO_PORT} <${file} >${back}`;
  return { ...(await said(client, ['sh', '-c', command])), sum: await sha256OfFile(back) };
};
