import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.ts';
import { Conversation } from './conversation.ts';

/**
 * A node for measurements: three network namespaces, client - node - server, joined by two veth pairs. Packets between
 * the pods are routed by the node's namespace, so they pass the hooks where kube-proxy's rules live. Nothing leads out
 * of the three, and a Service address that nothing rewrites has no route.
 *
 * It differs from the node of `shunt demo` on purpose: there pods sit on a bridge, and the way straight to a pod would
 * be switched while the way through a Service address is routed, which is no fair comparison.
 */
export interface BenchNode extends AsyncDisposable {
  /** Network namespaces, by what they stand for. */
  readonly namespaces: Readonly<Record<Role, string>>;
  /** An empty cgroup of the node's own; processes started `in` it are in it before they open a socket. */
  addCgroup(name: string): Promise<string>;
  /** Starts a program that ends when its standard input does. */
  start(where: { readonly in: Role; readonly cgroup?: string }, command: readonly string[]): Conversation;
}

export type Role = 'node' | 'client' | 'server';

/** Every address of this network is answered by the server's namespace: endpoints as many as one likes. */
export const ENDPOINT_NETWORK = '10.245.0.0/16';
/** The network of pods, `--cluster-cidr` in kube-proxy's words. */
export const POD_NETWORK = '10.244.0.0/15';

const PREFIX = 'shunt-bench';
/** Names of whatever outlives a process begin so: namespaces, cgroups, pins. It says whose they are. */
export const OWN_PREFIX = `${PREFIX}-${process.pid}-`;
export const BPFFS = '/sys/fs/bpf';
const ROLES: readonly Role[] = ['node', 'client', 'server'];

export const createBenchNode = async (name: string): Promise<BenchNode> => {
  const own = `${OWN_PREFIX}${name}`;
  const namespaces = { node: `${own}-node`, client: `${own}-client`, server: `${own}-server` };
  await using cleanup = new AsyncDisposableStack();
  const cgroup = join(await cgroupRoot(), own);

  cleanup.defer(() => removeNamespaces(Object.values(namespaces)));
  await createNetwork(namespaces);
  await mkdir(cgroup);
  cleanup.defer(() => rmdir(cgroup));

  const owned = cleanup.move();
  return {
    namespaces,
    addCgroup: async (child) => {
      const path = join(cgroup, child);
      await mkdir(path);
      owned.defer(() => rmdir(path));
      return path;
    },
    start: (where, command) => {
      const join = where.cgroup === undefined ? [] : inCgroup(where.cgroup);
      const [program = '', ...args] = [...join, 'ip', 'netns', 'exec', namespaces[where.in], ...command];
      return new Conversation(spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] }));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
};

/** Removes what benchmarks left behind whose process is gone. */
export const removeStaleNodes = async (): Promise<void> => {
  const isStale = (name: string) => {
    const pid = name.match(`^${PREFIX}-(\\d+)-`)?.[1];
    return pid !== undefined && !isAlive(Number(pid));
  };
  const namespaces = (await run('ip', ['netns', 'list'])).split('\n').map((line) => line.split(' ')[0] ?? '');
  await removeNamespaces(namespaces.filter(isStale));

  for (const name of (await readdir(BPFFS)).filter(isStale)) await rm(join(BPFFS, name), { recursive: true });

  const root = await cgroupRoot();
  for (const name of (await readdir(root)).filter(isStale)) {
    const path = join(root, name);
    const children = (await readdir(path, { withFileTypes: true })).filter((entry) => entry.isDirectory());
    for (const child of children) await rmdir(join(path, child.name));
    await rmdir(path);
  }
};

const createNetwork = async (namespaces: Readonly<Record<Role, string>>): Promise<void> => {
  const { node, client, server } = namespaces;
  await batch(
    [],
    ROLES.map((role) => `netns add ${namespaces[role]}`),
  );
  await batch(
    ['-n', node],
    [
      'link set lo up',
      `link add client type veth peer name eth0 netns ${client}`,
      `link add server type veth peer name eth0 netns ${server}`,
      'addr add 10.244.0.1/30 dev client',
      'addr add 10.244.0.5/30 dev server',
      'link set client up',
      'link set server up',
      `route add ${ENDPOINT_NETWORK} via 10.244.0.6`,
    ],
  );
  await batch(['-n', client], podCommands('10.244.0.2/30', '10.244.0.1'));
  await batch(
    ['-n', server],
    [...podCommands('10.244.0.6/30', '10.244.0.5'), `route add local ${ENDPOINT_NETWORK} dev lo`],
  );
  await setSysctls(node, { 'net/ipv4/ip_forward': '1' });
  // A connection a few microseconds after the other: ports in TIME_WAIT must not run out (see load.c).
  const manyConnections = { 'net/ipv4/ip_local_port_range': '1024 65535', 'net/ipv4/tcp_tw_reuse': '1' };
  await setSysctls(client, manyConnections);
  await setSysctls(server, manyConnections);
};

const podCommands = (address: string, gateway: string): string[] => [
  'link set lo up',
  `addr add ${address} dev eth0`,
  'link set eth0 up',
  `route add default via ${gateway}`,
];

const batch = (options: readonly string[], commands: readonly string[]): Promise<string> =>
  run('ip', [...options, '-batch', '-'], `${commands.join('\n')}\n`);

const setSysctls = async (namespace: string, settings: Readonly<Record<string, string>>): Promise<void> => {
  const script = Object.entries(settings).map(([path, value]) => `echo '${value}' > /proc/sys/${path}`);
  await run('ip', ['netns', 'exec', namespace, 'sh', '-ec', script.join('\n')]);
};

const removeNamespaces = async (names: readonly string[]): Promise<void> => {
  const existing = new Set((await run('ip', ['netns', 'list'])).split('\n').map((line) => line.split(' ')[0]));
  const commands = names.filter((name) => existing.has(name)).map((name) => `netns delete ${name}`);
  if (commands.length > 0) await batch([], commands);
};

/** Joined before the program starts, so that each of its sockets is born there. */
export const inCgroup = (cgroup: string): string[] => ['sh', '-ec', 'echo $$ > "$0/cgroup.procs"; exec "$@"', cgroup];

export const cgroupRoot = async (): Promise<string> => {
  for (const line of (await readFile('/proc/self/mountinfo', 'utf8')).split('\n')) {
    const [mount = '', filesystem = ''] = line.split(' - ');
    const path = mount.split(' ')[4];
    if (filesystem.startsWith('cgroup2 ') && path !== undefined) return path;
  }
  throw new Error('no cgroup v2 is mounted');
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};
