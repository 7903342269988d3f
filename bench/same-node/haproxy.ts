import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pod } from '../../src/demo/pod.ts';
import { run } from '../command.ts';
import { type Pair, untilListening } from './pods.ts';
import { type Cpus, pinnedTo } from './stream.ts';

/**
 * Two sidecars: the client speaks to the proxy of its own Pod, that to the proxy of the server's Pod, and that to the
 * server, over loopback at both ends. Returns what the client connects to.
 */
export const startSidecars = async (
  { client, server }: Pair,
  port: number,
  cpus: Cpus,
  cleanup: AsyncDisposableStack,
): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'shunt-bench-'));
  cleanup.defer(() => rm(directory, { recursive: true }));
  const start = async (pod: Pod, cpu: number, bind: string, to: string): Promise<void> => {
    const file = join(directory, `${pod.name}.cfg`);
    await writeFile(file, configuration(bind, to));
    // It ends with its node.
    const [program = '', ...args] = [...pinnedTo(cpu), 'haproxy', '-db', '-q', '-f', file];
    pod.spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    await untilListening(pod, portOf(bind));
  };
  const [inbound, outbound] = [port + 1, port + 2];
  await start(server, cpus.server, `${server.address4}:${inbound}`, `127.0.0.1:${port}`);
  await start(client, cpus.client, `127.0.0.1:${outbound}`, `${server.address4}:${inbound}`);
  return `127.0.0.1:${outbound}`;
};

export const haproxyVersion = async (): Promise<string> =>
  /version (\S+)/.exec(await run('haproxy', ['-v']))?.[1] ?? 'of unknown version';

const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1));

const configuration = (bind: string, to: string): string => `global
  maxconn 1000
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen stream
  bind ${bind}
  server only ${to}
`;
