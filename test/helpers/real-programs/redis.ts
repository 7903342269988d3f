import { createReadStream, mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pod } from '../../../src/demo/pod.ts';
import { retryUntil } from '../retry.ts';
import { dataOf, MB } from './data.ts';
import { script } from './node.ts';
import { Program, run, sha256 } from './program.ts';
import type { RealProgram, Scene } from './scene.ts';

/** Redis with its own benchmark, its own client, and one that is an event loop; and that it is shut down under them. */
export const redis: RealProgram = {
  name: 'Redis, redis-benchmark and an event loop',
  messagesMin: 10_000,
  unfit: ['blocks'],
  run: async (scene) => {
    const server = await startRedis(scene, scene.server);
    const ask = askRedis(scene.client, scene.server.address4);
    return {
      benchmark: await benchmark(scene.client, scene.server.address4, ask),
      bulk: await loadInBulk(scene, ask),
      large: await largeValue(scene, ask),
      results: JSON.parse(await run(scene.client, script('redis-client.ts', scene.server.address4, PORT))),
      digest: await ask('debug', 'digest'),
      shutDown: await shutDown(scene, server, ask),
    };
  },
};

/** A replica gets a data set of some MB, which is too soon to be joined; it follows joined, and loses its master. */
export const redisReplica: RealProgram = {
  name: 'a replica of Redis',
  messagesMin: 1000,
  unfit: [],
  run: async (scene) => {
    const { master, ...results } = await replicate(scene, {});
    return { ...results, again: await lost(scene, master) };
  },
};

/** One that begins as an event loop and reads the data set in blocking mode, right into its memory. */
export const redisBlockingReplica: RealProgram = {
  name: 'a replica of Redis that begins to block',
  messagesMin: 0,
  unfit: ['blocks'],
  run: async (scene) => {
    const { synced, followed } = await replicate(scene, { 'repl-diskless-load': 'on-empty-db' });
    return { synced, followed };
  },
};

const replicate = async (scene: Scene, settings: Settings) => {
  const { client, server } = scene;
  const [toMaster, toReplica] = asksOfBoth(scene);
  const master = await startRedis(scene, server, SLOW_SYNC);
  await run(server, ['redis-cli', '--pipe'], commands(25_000));
  await startRedis(scene, client, { ...settings, replicaof: `${server.address4} ${PORT}` });
  const synced = await untilSame(toMaster, toReplica);
  // Each wait is answered by the replica, which makes the master read.
  await run(server, ['redis-cli', '--pipe'], 'SET waited 1\r\nWAIT 1 1000\r\n'.repeat(60));
  await sleep(300);
  await benchmark(server, LOCAL, toMaster);
  const followed = await untilSame(toMaster, toReplica);
  return { master, synced, followed };
};

/** The replica finds its master gone, and follows another one in its place. */
const lost = async (scene: Scene, master: Program): Promise<string> => {
  const { server } = scene;
  const [toMaster, toReplica] = asksOfBoth(scene);
  await master.stop('SIGKILL');
  await retryUntil(async () => (await toReplica('info', 'replication')).includes('master_link_status:down'));
  await startRedis(scene, server, SLOW_SYNC);
  await run(server, ['redis-cli', '--pipe'], commands(1000));
  return untilSame(toMaster, toReplica);
};

/** Each within its own Pod, and so not joined: all that is redirected was said by one to the other. */
const asksOfBoth = ({ client, server }: Scene): readonly [master: Ask, replica: Ask] => [
  askRedis(server, LOCAL),
  askRedis(client, LOCAL),
];

type Settings = Readonly<Record<string, string | number>>;

const LOCAL = '127.0.0.1';

/** So that a replica may be joined before. */
const SLOW_SYNC = { 'repl-diskless-sync-delay': 1 };

type Ask = (...words: readonly string[]) => Promise<string>;

const PORT = 6379;

const askRedis =
  (pod: Pod, address: string): Ask =>
  (...words) =>
    run(pod, ['redis-cli', '-h', address, ...words]);

/** One to a Pod. It keeps nothing for another start. */
const startRedis = async ({ directory }: Scene, pod: Pod, more: Settings = {}): Promise<Program> => {
  const own = `${directory}/${pod.name}`;
  mkdirSync(own, { recursive: true });
  const settings = {
    port: PORT,
    bind: '0.0.0.0',
    'protected-mode': 'no',
    dir: own,
    save: '""',
    'enable-debug-command': 'yes',
    ...more,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, ...String(value).split(' ')]);
  const server = new Program(pod, ['redis-server', ...flags]);
  await server.said(/Ready to accept connections/);
  return server;
};

/** Counts alone, as times differ; and what it has left. */
const benchmark = async (pod: Pod, address: string, ask: Ask): Promise<unknown> => {
  const command = ['redis-benchmark', '-h', address, '-c', '8', '-n', '4000', '-d', '500', '--csv'] as const;
  const lines = [
    await run(pod, [...command, '-t', 'set,get,incr,lpush,rpop,lrange_100,mset']),
    await run(pod, [...command, '-P', '16', '-t', 'set,get,sadd,hset,spop,zadd']),
  ].join('');
  return {
    tests: [...lines.matchAll(/^"([^"]+)"/gm)].map(([, test]) => test),
    counter: await ask('get', 'counter:__rand_int__'),
    digest: await ask('debug', 'digest'),
  };
};

const loadInBulk = async ({ client, server }: Scene, ask: Ask): Promise<unknown> => {
  const said = await run(client, ['redis-cli', '-h', server.address4, '--pipe'], commands(25_000));
  return { said: said.split('\n').at(-2), keys: await ask('dbsize'), digest: await ask('debug', 'digest') };
};

/** Of some MB all in all. */
const commands = (count: number): string =>
  Array.from({ length: count }, (_, at) => `SET bulk:${at} ${sha256(String(at)).repeat(2 + (at % 4))}\r\n`).join('');

const largeValue = async ({ client, server, directory }: Scene, ask: Ask): Promise<string> => {
  const path = `${directory}/large`;
  await writeFile(path, dataOf(9 * MB).toString('base64'));
  await run(client, ['redis-cli', '-h', server.address4, '-x', 'set', 'file'], createReadStream(path));
  return sha256(await ask('--raw', 'get', 'file'));
};

const untilSame = (one: Ask, other: Ask): Promise<string> =>
  retryUntil(
    async () => {
      const [own, others] = await Promise.all([one('debug', 'digest'), other('debug', 'digest')]);
      if (own !== others) throw new Error(`the replica has ${others}, not ${own}`);
      return own;
    },
    { timeoutMs: 15_000, intervalMs: 50 },
  );

/** Under a client that waits. */
const shutDown = async ({ client, server }: Scene, program: Program, ask: Ask): Promise<unknown> => {
  const waiting = new Program(client, script('redis-client.ts', server.address4, PORT, 'stay'));
  await waiting.said(/begun/);
  await ask('shutdown', 'nosave');
  return { server: await program.ended(), client: await waiting.ended(), said: waiting.stdout };
};
