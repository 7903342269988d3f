import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { EmbeddedNode } from '../../../src/demo/node.ts';
import { SERVICE_ACCOUNT } from '../../../src/sources/kubernetes/access.ts';
import { AgentProcess, SHUNT } from '../agent-process.ts';
import { OUR_NODE } from '../objects.ts';
import type { ApiServerProcess } from './process.ts';

/**
 * `shunt run` as in a Pod on a test node: by the variables that name the server, and by the files of a service account,
 * which only this process sees at their place.
 */
export const startAgentInCluster = (node: EmbeddedNode, server: ApiServerProcess): AgentProcess => {
  const directory = mkdtempSync(`${tmpdir()}/shunt-agent-`);
  const socket = `${directory}/admin.sock`;
  const settings = { cgroup: node.cgroup, 'bpf-root': node.bpfRoot, socket, 'node-name': OUR_NODE.name };
  const flags = Object.entries({ ...settings, listen: 'off', 'log-format': 'json' });
  const run = [SHUNT, 'run', ...flags.flatMap(([name, value]) => [`--${name}`, value])];
  // The process id stays the same from one to the next, so that signals reach the agent.
  const script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"';
  const place = ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', server.directory, SERVICE_ACCOUNT];
  const env = { ...process.env, ...server.env };
  const child = node.spawn('unshare', [...place, ...run], { stdio: ['ignore', 'pipe', 'pipe'], env });
  return new AgentProcess(child, directory, socket);
};

/** A mount needs a directory to be at. What had to be made of it goes with this. */
export const makeServiceAccountPlace = (): Disposable => {
  const made = existsSync(SERVICE_ACCOUNT) ? undefined : mkdirSync(SERVICE_ACCOUNT, { recursive: true });
  return {
    [Symbol.dispose]: () => {
      if (made !== undefined) rmSync(made, { recursive: true, force: true });
    },
  };
};
