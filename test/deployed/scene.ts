import { mkdirSync, writeFileSync } from 'node:fs';
import { agentOf, type Container, type DaemonSet, find, kustomization, type PodSpec } from '../helpers/manifests.ts';
import { openShell } from '../helpers/socket-shell.ts';
import { type Machine, NODE_NAME } from './machine.ts';

/** A Pod of the DaemonSet, and the container of it that is looked at. */
export interface Agent {
  readonly pod: PodSpec;
  readonly container: Container;
}

export const agentOfBase = (): Agent => {
  const base = kustomization('test/deployed/base');
  return { pod: find<DaemonSet>(base, 'DaemonSet').spec.template.spec, container: agentOf(base) };
};

export const unloadOfBase = (): Agent => {
  const { spec } = find<DaemonSet>(kustomization('deploy/kustomize/unload'), 'DaemonSet', 'shunt-unload');
  const [container] = spec.template.spec.initContainers ?? [];
  if (container === undefined) throw new Error('shunt-unload has no container that unloads');
  return { pod: spec.template.spec, container };
};

export const without = ({ pod, container }: Agent, capability: string): Agent => {
  const { capabilities = { add: [], drop: [] }, ...context } = container.securityContext;
  const add = (capabilities.add ?? []).filter((name) => name !== capability);
  return { pod, container: { ...container, securityContext: { ...context, capabilities: { ...capabilities, add } } } };
};

/** The same with other arguments of `shunt`. */
export const asking = ({ pod, container }: Agent, ...args: readonly string[]): Agent => ({
  pod,
  container: { ...container, args },
});

/** The same with a directory of objects as its source, which is a volume more. */
export const fromFiles = ({ pod, container }: Agent, machine: Machine, objects: readonly object[]): Agent => {
  const path = machine.path('objects');
  mkdirSync(path, { recursive: true });
  for (const [index, object] of objects.entries()) writeFileSync(`${path}/${index}.json`, JSON.stringify(object));
  const volume = { name: 'objects', hostPath: { path, type: 'Directory' } };
  const mount = { name: 'objects', mountPath: '/objects', readOnly: true };
  return {
    pod: { ...pod, volumes: [...pod.volumes, volume] },
    container: {
      ...container,
      env: [...(container.env ?? []), { name: 'SHUNT_SOURCE', value: 'file:/objects' }],
      volumeMounts: [...(container.volumeMounts ?? []), mount],
    },
  };
};

export const CART = { address: '10.96.0.10', port: 80, udpPort: 53 } as const;

const SERVICE_PORTS = [
  { name: 'http', protocol: 'TCP', port: CART.port },
  { name: 'ask', protocol: 'UDP', port: CART.udpPort },
];

/** Service shop/cart and its slice with one endpoint. */
export const cart = (endpoint: string): readonly object[] => [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'shop', name: 'cart' },
    spec: {
      clusterIP: CART.address,
      clusterIPs: [CART.address],
      ports: SERVICE_PORTS,
    },
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'shop', name: 'cart-1', labels: { 'kubernetes.io/service-name': 'cart' } },
    addressType: 'IPv4',
    ports: SERVICE_PORTS.map((port) => ({ ...port, port: 8080 })),
    endpoints: [{ addresses: [endpoint], conditions: { ready: true } }],
  },
];

/** A pod of that name that answers by it on port 8080, over TCP and UDP; returns its address. */
export const addServer = async (machine: Machine, name: string): Promise<string> => {
  const pod = await machine.node.addPod(name);
  const shell = await openShell(pod);
  await shell.serve('tcp', '*', 8080, name);
  await shell.serve('udp', '*', 8080, name);
  return pod.address4;
};

/** A pod whose processes are served by Shunt; resolves to a way to ask an address, and who answered or how it failed. */
export const addClient = async (machine: Machine): Promise<(address: string, port: number) => Promise<string>> => {
  const shell = await openShell(await machine.node.addPod('client'));
  return async (address, port) => {
    const socket = await shell.socket('tcp4');
    try {
      const connected = await shell.connect(socket, address, port, 1000);
      if ('error' in connected) return connected.error;
      const received = await shell.recv(socket, 1000);
      return 'text' in received ? received.text.trim() : received.error;
    } finally {
      await shell.closeSocket(socket);
    }
  };
};

export const THIS_NODE = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: NODE_NAME, labels: { 'topology.kubernetes.io/zone': 'a' } },
};
