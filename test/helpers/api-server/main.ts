/**
 * The API server as a process of its own: `main.ts OPTIONS`, a JSON object. Its first line says where it is and whom to
 * trust; then it does what it reads, one JSON line each, until its input ends.
 */
import { createInterface } from 'node:readline';
import { CALLS, type CallLine, type ResultLine } from './calls.ts';
import { startApiServer } from './server.ts';

const main = async (): Promise<void> => {
  const server = await startApiServer(JSON.parse(process.argv[2] ?? '{}'));
  say({ port: server.port, ca: server.ca });
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, call, args } = JSON.parse(line) as CallLine;
    say(await carryOut(id, () => (CALLS[call] as (...all: unknown[]) => unknown)(server, ...args)));
  }
  await server.down();
  // A socket that was being shut down, because its client was killed, refuses to be reset (EINVAL) and never closes then.
  process.exit();
};

const carryOut = async (id: number, work: () => unknown): Promise<ResultLine> => {
  try {
    return { id, result: await work() };
  } catch (error) {
    return { id, error: String(error) };
  }
};

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

await main();
