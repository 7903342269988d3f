import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { dataOf, MB } from './data.ts';
import { type Command, Program, run } from './program.ts';
import type { RealProgram } from './scene.ts';

/** Go's own HTTP at both ends: keep-alive, chunked, files by sendfile(); and io.Copy() back, which splices, and so is left alone. */
export const go: RealProgram = {
  name: 'a Go HTTP server and client',
  messagesMin: 2000,
  unfit: [],
  sometimes: ['edge'],
  run: async ({ client, server, directory }) => {
    const file = `${directory}/file`;
    await writeFile(file, dataOf(10 * MB));
    const program = new Program(server, goProgram('serve', PORT, ECHO_PORT, file));
    await program.said(/ready/);
    return run(client, goProgram('ask', server.address4, PORT, ECHO_PORT));
  },
};

const PORT = 8080;
const ECHO_PORT = 8081;

const goProgram = (...args: readonly (string | number)[]): Command => [
  resolve('build/test/real-program'),
  ...args.map(String),
];
