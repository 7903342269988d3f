import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ShuntError } from '../errors.ts';
import { AgentProcess } from './agent-process.ts';
import { LOGIN, NODE_NAME, podName, REGISTER, VERSIONS } from './cluster.ts';
import { ClusterDirectory } from './cluster-directory.ts';
import { knock } from './knock.ts';
import { namespacePath } from './namespace.ts';
import { createNode, type EmbeddedNode } from './node.ts';
import { openPageDoor } from './page-door.ts';
import type { Pod } from './pod.ts';
import type { Screen } from './screen.ts';
import { Servers } from './servers.ts';
import { Traffic } from './traffic.ts';

/** Where the story plays: a node with pods, applications, a cluster in files, the agent, and traffic all along. */
export interface Stage extends AsyncDisposable {
  readonly node: EmbeddedNode;
  readonly client: Pod;
  readonly servers: Servers;
  readonly cluster: ClusterDirectory;
  readonly agent: AgentProcess;
  readonly traffic: Traffic;
  readonly screen: Screen;
  readonly signal: AbortSignal;
  /** A program that runs its arguments as a command in the client pod. */
  readonly clientCommand: string;
  /** Of the live page; undefined when it is not shown. */
  readonly pageUrl: string | undefined;
}

/** New connections a second, to login; each leads to another one, to register. */
export const RATE_PER_S = 300;

const FIRST_WEIGHTS = { v1: 90, v2: 10 } as const;
const STARTED_WITHIN_MS = 5000;

/** Everything of it is removed when it is disposed of, and when it could not be opened. */
export const openStage = async (screen: Screen, signal: AbortSignal, ui = false): Promise<Stage> => {
  await using opened = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'shunt-demo-'));
  opened.defer(() => rm(directory, { recursive: true, force: true }));
  const node = opened.use(await createNode({ name: 'demo' }));
  signal.throwIfAborted();

  const pods = [REGISTER, LOGIN].flatMap((service) => VERSIONS.map((version) => podName(service, version)));
  const addPod = (name: string): Promise<Pod> => node.addPod(name, { uid: name });
  const [client, ...answering] = await Promise.all([addPod('client'), ...pods.map(addPod)]);
  signal.throwIfAborted();
  const servers = await startServers(node);
  const cluster = await ClusterDirectory.create(join(directory, 'cluster'), {
    pods: [client, ...answering],
    weights: FIRST_WEIGHTS,
    register: VERSIONS.map((version) => servers.endpoint(REGISTER, version)),
    login: VERSIONS.map((version) => servers.endpoint(LOGIN, version)),
  });
  const clientCommand = await writeClientCommand(join(directory, 'client'), client);
  screen.say(`cluster   ${cluster.path}`);
  screen.say(`pods      client ${pods.join(' ')}`);
  await requireSilence(client, screen);
  signal.throwIfAborted();

  const socket = join(directory, 'admin.sock');
  const { cgroup, bpfRoot } = node;
  const page = ui ? join(directory, 'page.sock') : undefined;
  const settings = { source: cluster.path, cgroup, bpfRoot, socket, nodeName: NODE_NAME, ui: page ?? 'off' };
  const agent = new AgentProcess(node, settings, signal);
  const { lastChange } = await agent.start();
  screen.say(`agent     shunt run --source file:cluster ...  pid ${agent.pid}, ${lastChange?.ports} Service ports`);

  const pageUrl = page === undefined ? undefined : opened.use(await openPageDoor(page)).url;
  if (pageUrl !== undefined) screen.say(`page      ${pageUrl}`);

  const traffic = await startTraffic(client, `http://${LOGIN.address4}/login`, signal);
  opened.defer(() => traffic.stop());
  screen.say(`traffic   client -> login ${LOGIN.address4}:80 -> register ${REGISTER.address4}:80`);
  screen.say(`          ${RATE_PER_S} logins a second; every hop is a new connection`);

  const closing = opened.move();
  const dispose = (): Promise<void> => closing.disposeAsync();
  const parts = { node, client, servers, cluster, agent, traffic, screen, signal, clientCommand, pageUrl };
  return { ...parts, [Symbol.asyncDispose]: dispose };
};

/** Starts a client, and waits for its first answer: from then on it is at its pace. */
export const startTraffic = async (client: Pod, url: string, signal: AbortSignal): Promise<Traffic> => {
  const traffic = new Traffic(client, url, RATE_PER_S, signal);
  const { answered, failed } = await (await traffic.window()).until(1, STARTED_WITHIN_MS);
  if (answered > 0) return traffic;
  await traffic.stop();
  const detail = Object.keys(failed).join(' ') || 'nothing answers';
  throw new ShuntError('SHUNT_E_DEMO', { step: `asking ${url}`, detail });
};

const startServers = async (node: EmbeddedNode): Promise<Servers> => {
  const servers = new Servers(node);
  await Promise.all([REGISTER, LOGIN].flatMap((service) => VERSIONS.map((version) => servers.start(service, version))));
  return servers;
};

/** What is shown later is shown by the agent only if nothing answers before it was there. */
const requireSilence = async (client: Pod, screen: Screen): Promise<void> => {
  const { outcomes } = await knock(client, REGISTER.address4, REGISTER.port, 1);
  const [outcome = 'nothing'] = Object.keys(outcomes);
  if (outcome === 'connected' || outcome === 'ECONNREFUSED') {
    const detail = `${REGISTER.address4} says ${outcome} without it`;
    throw new ShuntError('SHUNT_E_DEMO', { step: 'looking at the node before the agent runs', detail });
  }
  screen.say(`before    ${REGISTER.address4}:80 leads nowhere yet: ${outcome}`);
};

/** The programs of Shunt are attached to the cgroup of the node: whoever is not in it is none of their business. */
const writeClientCommand = async (path: string, { netns, cgroup }: Pod): Promise<string> => {
  const text = `#!/bin/sh\necho $$ > ${cgroup}/cgroup.procs && exec nsenter --net=${namespacePath(netns)} -- "$@"\n`;
  await writeFile(path, text, { mode: 0o700 });
  return path;
};
