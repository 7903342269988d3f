import type { ClusterObject, EndpointSliceObject, ServicePort } from '../../src/core/model/objects.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import type { Pod } from '../../src/demo/pod.ts';
import { endpoint, service, slice } from './objects.ts';
import { type AgentOptions, type RunningAgent, startAgent } from './running-agent.ts';
import { openShell, type SocketShell } from './socket-shell.ts';

export interface Actor {
  readonly pod: Pod;
  readonly shell: SocketShell;
}

export interface StageOptions<Name extends string> {
  readonly name: string;
  readonly clients: readonly Name[];
  /** Answer by their names on port 8080, over TCP and UDP, IPv4 and IPv6. */
  readonly servers: readonly Name[];
  readonly objects: (actors: Readonly<Record<Name, Actor>>) => readonly ClusterObject[];
  readonly agent?: AgentOptions;
}

/** A node whose pods are ready to act, and the agent on it with these objects in force. */
export interface Stage<Name extends string> extends AsyncDisposable {
  readonly node: EmbeddedNode;
  readonly agent: RunningAgent;
  readonly actors: Readonly<Record<Name, Actor>>;
}

export const SERVER_PORT = 8080;

export const openStage = async <Name extends string>(options: StageOptions<Name>): Promise<Stage<Name>> => {
  const node = await createNode({ name: options.name });
  try {
    const actors = await openActors(node, [...options.clients, ...options.servers]);
    await Promise.all(options.servers.map((name) => serveAll(actors[name].shell, name)));
    const agent = await startAgent(node, { ...options.agent, objects: options.objects(actors) });
    return {
      node,
      agent,
      actors,
      [Symbol.asyncDispose]: async () => {
        await agent.stop();
        await node.close();
      },
    };
  } catch (error) {
    await node.close();
    throw error;
  }
};

/** One TCP and one UDP port of the same number. */
export const PORTS: readonly ServicePort[] = [
  { name: 'tcp', protocol: 'TCP', port: 80, nodePort: 0 },
  { name: 'udp', protocol: 'UDP', port: 80, nodePort: 0 },
];

/** The same, each at a node port as well. */
export const NODE_PORT = 30_080;
export const NODE_PORTS: readonly ServicePort[] = PORTS.map((port) => ({ ...port, nodePort: NODE_PORT }));

/** A Service and its slices of both families; `servers` answer on `port`. */
export const serviceWith = (
  name: string,
  clusterIPs: readonly string[],
  servers: readonly Actor[],
  { port = SERVER_PORT, ...fields }: Partial<Parameters<typeof service>[0]> & { readonly port?: number } = {},
): readonly ClusterObject[] => [
  service({ name, clusterIPs, ports: PORTS, ...fields }),
  ...slicesOf(name, servers, port),
];

/** The same with endpoints that need not exist: an IPv4 and an IPv6 address. */
export const serviceAt = (
  name: string,
  clusterIPs: readonly string[],
  [ipv4, ipv6]: readonly [string, string],
): readonly ClusterObject[] => [
  service({ name, clusterIPs, ports: PORTS }),
  slice([endpoint(ipv4)], { name: `${name}-4`, service: name, ports: PORTS }),
  slice([endpoint(ipv6)], { name: `${name}-6`, service: name, ports: PORTS, family: 6 }),
];

/** One slice for IPv4, one for IPv6. */
export const slicesOf = (
  name: string,
  servers: readonly Actor[],
  port = SERVER_PORT,
): readonly [EndpointSliceObject, EndpointSliceObject] => {
  const ports = PORTS.map((each) => ({ ...each, port }));
  const fields = { service: name, ports };
  return [
    slice(
      servers.map(({ pod }) => endpoint(pod.address4)),
      { ...fields, name: `${name}-4`, family: 4 },
    ),
    slice(
      servers.map(({ pod }) => endpoint(pod.address6)),
      { ...fields, name: `${name}-6`, family: 6 },
    ),
  ];
};

export const openActors = async <Name extends string>(
  node: EmbeddedNode,
  names: readonly Name[],
): Promise<Readonly<Record<Name, Actor>>> =>
  Object.fromEntries(
    await Promise.all(
      names.map(async (name) => {
        const pod = await node.addPod(name);
        return [name, { pod, shell: await openShell(pod) }];
      }),
    ),
  );

const serveAll = async (shell: SocketShell, name: string): Promise<void> => {
  await shell.serve('tcp', '*', SERVER_PORT, name);
  await shell.serve('udp', '*', SERVER_PORT, name);
};
