import { chownSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { appendFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { dataOf, MB } from './data.ts';
import { type Command, Program, run, sha256, sha256OfFile } from './program.ts';
import type { RealProgram, Scene } from './scene.ts';

/** PostgreSQL with pgbench and psql, and that it is stopped under them and started again. */
export const postgres: RealProgram = {
  name: 'PostgreSQL, pgbench and psql',
  messagesMin: 3000,
  unfit: [],
  run: async (scene) => {
    await makeCluster(scene);
    const server = await startPostgres(scene);
    const results = {
      benchmark: await benchmark(scene),
      copied: await copied(scene),
      notified: await notified(scene),
      stopped: await stopped(scene, server),
    };
    const again = await startPostgres(scene);
    const tables = await tableSums(scene);
    await stop(scene, again);
    return { ...results, tables };
  },
};

const PORT = 5432;
/** Made by the package. The server refuses to run as root. */
const USER = 'postgres';

const clusterOf = ({ directory }: Scene): string => `${directory}/cluster`;

const makeCluster = async (scene: Scene): Promise<void> => {
  const cluster = clusterOf(scene);
  mkdirSync(cluster, { mode: 0o700 });
  const { uid, gid } = statSync('/var/lib/postgresql');
  chownSync(cluster, uid, gid);
  const flags = ['-A', 'trust', '--locale=C', '-E', 'UTF8', '--no-sync', '--no-instructions'];
  await run(scene.server, asUser('initdb', '-D', cluster, ...flags));
  await appendFile(`${cluster}/pg_hba.conf`, 'host all all all trust\n');
};

const startPostgres = async (scene: Scene): Promise<Program> => {
  const settings = [`port=${PORT}`, 'listen_addresses=*', 'unix_socket_directories=', 'fsync=off'];
  const flags = settings.flatMap((setting) => ['-c', setting]);
  const server = new Program(scene.server, asUser('postgres', '-D', clusterOf(scene), ...flags));
  await server.said(/database system is ready to accept connections/);
  return server;
};

const stop = async (scene: Scene, server: Program): Promise<unknown> => {
  await run(scene.server, asUser('pg_ctl', '-D', clusterOf(scene), '-m', 'fast', 'stop'));
  return server.ended();
};

const asUser = (program: string, ...args: readonly string[]): Command => [
  'setpriv',
  ...[`--reuid=${USER}`, `--regid=${USER}`, '--clear-groups'],
  installed(program),
  ...args,
];

/** The newest version. */
const installed = (program: string): string => {
  const versions = readdirSync('/usr/lib/postgresql').toSorted((a, b) => Number(a) - Number(b));
  return `/usr/lib/postgresql/${versions.at(-1)}/bin/${program}`;
};

const PSQL = ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1'] as const;

const psql = ({ server }: Scene, ...args: readonly string[]): Command => [
  installed('psql'),
  ...['-h', server.address4, '-U', USER, ...PSQL, ...args],
];

const pgbench = ({ server }: Scene, ...args: readonly string[]): Command => [
  installed('pgbench'),
  ...[...args, '-h', server.address4, '-U', USER, 'postgres'],
];

const query = (scene: Scene, ...commands: readonly string[]): Promise<string> =>
  run(scene.client, psql(scene, ...commands.flatMap((command) => ['-c', command])));

/** What it changes are sums, so the order in which clients come does not matter; what they change is led by the seed. */
const benchmark = async (scene: Scene): Promise<unknown> => {
  const { client } = scene;
  await run(client, pgbench(scene, '-i', '-q', '-s', '1'));
  const runs = [];
  for (const mode of ['simple', 'extended', 'prepared']) {
    const flags = ['-n', '-c', '4', '-j', '2', '-t', '150', '--random-seed=7', '-M', mode];
    runs.push(countsOf(await run(client, pgbench(scene, ...flags))));
  }
  const path = `${scene.directory}/pipeline.sql`;
  await writeFile(path, PIPELINE);
  const flags = ['-n', '-c', '2', '-t', '100', '--random-seed=7', '-M', 'extended', '-f', path];
  runs.push(countsOf(await run(client, pgbench(scene, ...flags))));
  return runs;
};

const PIPELINE = `\\set id random(1, 100000)
\\startpipeline
${'UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :id;\n'.repeat(20)}\\endpipeline
`;

const countsOf = (said: string): readonly string[] => said.match(/^number of (?:transactions|failed).*$/gm) ?? [];

/** 20 MB each way, as text and as bytes. */
const copied = async (scene: Scene): Promise<unknown> => {
  const path = `${scene.directory}/copy`;
  const lines =
    dataOf(15 * MB)
      .toString('base64')
      .match(/.{1,200}/g) ?? [];
  await writeFile(path, lines.map((line, at) => `${at}\t${line}\n`).join(''));
  const copy = (how: string): string => `\\copy copied ${how}`;
  await query(
    scene,
    'CREATE TABLE copied (id int, line text)',
    ...[...TALK, copy(`from '${path}'`), copy(`to '${path}-text'`), copy(`to '${path}-binary' binary`)],
    ...['TRUNCATE copied', copy(`from '${path}-binary' binary`)],
  );
  const sums = await Promise.all(['', '-text', '-binary'].map((suffix) => sha256OfFile(path + suffix)));
  return { sums, selected: sha256(await query(scene, 'SELECT * FROM copied ORDER BY id')) };
};

/** So much that a session is joined. */
const TALK: readonly string[] = Array.from({ length: 50 }, () => 'SELECT pg_sleep(0.005)');

/** On a session that has asked much before. */
const notified = async (scene: Scene): Promise<string> => {
  const listener = await talkingSession(scene);
  listener.write('LISTEN news;\n\\echo listening\n');
  await listener.said(/listening/);
  const notices = Array.from({ length: 300 }, (_, at) => `SELECT pg_notify('news', repeat('${at % 10}', ${at}));`);
  await run(scene.client, psql(scene), notices.join('\n'));
  listener.write('SELECT 1;\n');
  listener.child.stdin?.end();
  await listener.ended();
  return listener.stdout.replaceAll(/PID \d+/g, 'PID');
};

const talkingSession = async (scene: Scene): Promise<Program> => {
  const session = new Program(scene.client, psql(scene));
  for (let at = 0; at < 100; at++) {
    session.write(`SELECT 'answer ${at}';\n`);
    await sleep(3);
  }
  await session.said(/answer 99\n/);
  return session;
};

/** Under sessions that are at work, and one that is not. */
const stopped = async (scene: Scene, server: Program): Promise<unknown> => {
  const idle = await talkingSession(scene);
  const busy = new Program(scene.client, pgbench(scene, '-n', '-S', '-c', '4', '-T', '30'));
  await sleep(500);
  const status = await stop(scene, server);
  idle.write('SELECT 1;\n');
  idle.child.stdin?.end();
  return { status, busy: await busy.ended(), idle: await idle.ended(), said: idle.stderr };
};

const tableSums = (scene: Scene): Promise<string> =>
  query(
    scene,
    ...TABLES.map((table) => `SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM ${table} t`),
  );

const TABLES = [
  'pgbench_accounts',
  'pgbench_tellers',
  'pgbench_branches',
  '(SELECT tid, bid, aid, delta FROM pgbench_history)',
  'copied',
];
