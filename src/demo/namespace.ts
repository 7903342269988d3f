import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { runCommand } from './command.ts';

/** Where `ip netns` has them. */
export const NAMESPACES = '/run/netns';

export const namespacePath = (name: string): string => `${NAMESPACES}/${name}`;

export const addNamespace = async (name: string): Promise<void> => {
  await runCommand(`making the network namespace ${name}`, 'ip', ['netns', 'add', name]);
};

/**
 * Runs a shell script inside a namespace. nsenter, not `ip netns exec`: that one mounts a /sys of its own, where the
 * cgroups and /sys/fs/bpf cannot be seen.
 */
export const runInNamespace = async (name: string, step: string, script: readonly string[]): Promise<void> => {
  await runCommand(step, 'nsenter', [`--net=${namespacePath(name)}`, '--', 'sh', '-e'], `${script.join('\n')}\n`);
};

/** Removes namespaces with everything in them. One that somebody else has removed meanwhile is no error. */
export const removeNamespaces = async (names: readonly string[]): Promise<void> => {
  if (names.length === 0) return;
  const commands = names.map((name) => `netns del ${name}\n`).join('');
  try {
    await runCommand('removing network namespaces', 'ip', ['-force', '-batch', '-'], commands);
  } catch (error) {
    if (names.some((name) => existsSync(namespacePath(name)))) throw error;
  }
};

/** Names of all namespaces that start with `prefix`. The directory is made by the first `ip netns add`. */
export const namespacesOf = async (prefix: string): Promise<readonly string[]> => {
  const names = await readdir(NAMESPACES).catch(() => []);
  return names.filter((name) => name.startsWith(prefix));
};

/** Script lines: kernel settings by their dotted names. */
export const setSysctls = (settings: Readonly<Record<string, string | number>>): readonly string[] =>
  Object.entries(settings).map(([name, value]) => `echo '${value}' > /proc/sys/${name.replaceAll('.', '/')}`);

/** Script lines: `ip` commands, in one process. */
export const runIp = (commands: readonly string[]): readonly string[] => ["ip -batch - <<'END'", ...commands, 'END'];

/** Script lines that every namespace of a node starts with. */
export const PREPARE: readonly string[] = [
  ...setSysctls({
    'net.ipv6.conf.all.disable_ipv6': 0,
    'net.ipv6.conf.default.disable_ipv6': 0,
    'net.ipv6.conf.default.accept_dad': 0,
    'net.ipv6.conf.default.accept_ra': 0,
    'net.ipv6.conf.default.router_solicitations': 0,
    // No link-local addresses: the pods need none, and nothing is sent to announce them.
    'net.ipv6.conf.default.addr_gen_mode': 1,
    'net.ipv4.conf.all.rp_filter': 0,
    'net.ipv4.conf.default.rp_filter': 0,
    // Thousands of connections a second from one address: many source ports, and those in TIME_WAIT serve again
    // after a second. Below 10000 is left to servers.
    'net.ipv4.ip_local_port_range': '10000 65535',
    'net.ipv4.tcp_tw_reuse': 1,
  }),
  ...runIp(['link set lo up']),
];
