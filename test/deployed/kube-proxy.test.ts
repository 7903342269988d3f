import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runInNamespace } from '../../src/demo/namespace.ts';
import { retryUntil } from '../helpers/retry.ts';
import { API_PORT, type Cluster, SERVICE_ADDRESS, startCluster } from './cluster.ts';
import { Machine, type RunningContainer } from './machine.ts';
import { addClient, addServer, agentOfBase, CART, cart, THIS_NODE, unloadOfBase } from './scene.ts';

/**
 * A node where kube-proxy runs, in its mode iptables, and has every Service. Shunt is installed beside it; who of the two
 * led a connection is told by the counters of kube-proxy's rules.
 */

let machine: Machine;
let cluster: Cluster;
let ask: (address: string, port: number) => Promise<string>;
let server: string;
let agent: RunningContainer | undefined;

beforeAll(async () => {
  machine = await Machine.create('kube-proxy', { servicesToNode: true });
  await runInNamespace(machine.node.netns, 'leading Service addresses to netfilter', [
    'ip route add 10.96.0.0/12 dev bridge',
  ]);
  cluster = await startCluster(machine.node, machine.path('cluster'));
  cluster.kubectl(['apply', '-k', 'test/deployed/base']);
  cluster.kubectl(['apply', '-f', '-'], JSON.stringify(THIS_NODE));
  cluster.kubectl(['create', 'namespace', 'shop']);
  server = await addServer(machine, 'v1');
  put(...cart(server), ...endpoints('shop', 'cart', server, 8080), ...kubernetes(machine.node.address4));
  ask = await addClient(machine);
  startKubeProxy();
  await retryUntil(async () => (await askCart()) === 'v1', { timeoutMs: 30_000 });
});

afterAll(async () => {
  await agent?.kill();
  await machine[Symbol.asyncDispose]();
});

test('the agent finds the API server by the Service `kubernetes` at its first start, through kube-proxy', async () => {
  agent = run();
  await agent.wrote(/"ready: everything/);
});

test('kube-proxy had the Service; once Shunt is there, no connection of a pod reaches its rules', async () => {
  const before = await packets('shop/cart:http');
  expect(before).toBeGreaterThan(0);
  for (let n = 0; n < 10; n += 1) expect(await askCart()).toBe('v1');
  expect(await packets('shop/cart:http')).toBe(before);
});

test('a Service with the label of a proxy leaves both, and comes back to both', async () => {
  const label = 'service.kubernetes.io/service-proxy-name';
  cluster.kubectl(['-n', 'shop', 'label', 'service', 'cart', `${label}=shunt`]);
  await retryUntil(async () => (await askCart()) !== 'v1');
  cluster.kubectl(['-n', 'shop', 'label', 'service', 'cart', `${label}-`]);
  await retryUntil(async () => (await askCart()) === 'v1', { timeoutMs: 10_000 });
});

test('installed with a name, Shunt has the Services of that name alone, and kube-proxy all others', async () => {
  await agent?.stop();
  agent = run({ SHUNT_SERVICE_PROXY_NAME: 'shunt' });
  await agent.wrote(/"ready: everything/);
  const before = await packets('shop/cart:http');
  expect(await askCart()).toBe('v1');
  expect(await packets('shop/cart:http')).toBeGreaterThan(before);

  cluster.kubectl(['-n', 'shop', 'label', 'service', 'cart', 'service.kubernetes.io/service-proxy-name=shunt']);
  await retryUntil(async () => (await rules()).includes('shop/cart:http') === false, { timeoutMs: 10_000 });
  await retryUntil(async () => (await askCart()) === 'v1');
});

test('once Shunt is unloaded, kube-proxy leads as before', async () => {
  cluster.kubectl(['-n', 'shop', 'label', 'service', 'cart', 'service.kubernetes.io/service-proxy-name-']);
  await agent?.stop();
  const { pod, container } = unloadOfBase();
  expect((await machine.run(pod, container).ended).status).toBe(0);
  await retryUntil(async () => (await askCart()) === 'v1', { timeoutMs: 10_000 });
});

const run = (variables: Readonly<Record<string, string>> = {}): RunningContainer => {
  const { pod, container } = agentOfBase();
  const env = [...(container.env ?? []), ...Object.entries(variables).map(([name, value]) => ({ name, value }))];
  return machine.run(
    pod,
    { ...container, env },
    {
      serviceEnv: { KUBERNETES_SERVICE_HOST: SERVICE_ADDRESS, KUBERNETES_SERVICE_PORT: '443' },
      serviceAccount: { token: cluster.token('kube-system', 'shunt'), certificate: cluster.certificate },
    },
  );
};

const startKubeProxy = (): void => {
  const program = resolve(process.env.SHUNT_KUBE_BIN || 'build/apiserver', 'kube-proxy');
  if (!existsSync(program)) throw new Error(`${program} is missing: run scripts/apiserver/build`);
  const child = machine.node.spawn(
    program,
    [
      `--kubeconfig=${machine.path('cluster/kubeconfig')}`,
      '--proxy-mode=iptables',
      '--hostname-override=node-a',
      `--bind-address=${machine.node.address4}`,
      // Answers come back to the node, and not straight over the bridge.
      '--masquerade-all',
      // It knows slices of a version that this API server does not have.
      '--feature-gates=EndpointSliceProxying=false',
      // Only the first network namespace has these settings.
      '--conntrack-max-per-core=0',
      '--conntrack-min=0',
      '--conntrack-tcp-timeout-established=0',
      '--conntrack-tcp-timeout-close-wait=0',
      '--iptables-min-sync-period=100ms',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } },
  );
  const log: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => log.push(String(data)));
  child.once('exit', () => writeFileSync(machine.path('kube-proxy.log'), log.join('')));
};

const askCart = (): Promise<string> => ask(CART.address, CART.port);

/** kube-proxy's rules with their counters, as iptables-save prints them. */
const rules = async (): Promise<string> => {
  const chunks: Buffer[] = [];
  const child = machine.node.spawn('iptables-save', ['-c', '-t', 'nat'], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const chunk of child.stdout ?? []) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
};

/** How many connections it led to a port of a Service. */
const packets = async (port: string): Promise<number> => {
  const lines = (await rules()).split('\n').filter((line) => line.includes(`${port} cluster IP`));
  const counts = lines.map((line) => Number(/^\[(\d+):/.exec(line)?.[1] ?? 0));
  return counts.reduce((sum, count) => sum + count, 0);
};

const put = (...items: readonly object[]): void => {
  const list = { apiVersion: 'v1', kind: 'List', items };
  cluster.kubectl(['apply', '--server-side', '--force-conflicts', '--validate=false', '-f', '-'], JSON.stringify(list));
};

/** What kube-proxy of 1.20 reads. */
const endpoints = (namespace: string, name: string, ip: string, port: number): readonly object[] => [
  {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { namespace, name },
    subsets: [{ addresses: [{ ip }], ports: [{ name: name === 'cart' ? 'http' : 'https', port, protocol: 'TCP' }] }],
  },
];

const kubernetes = (address: string): readonly object[] => [
  ...endpoints('default', 'kubernetes', address, API_PORT),
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'default', name: 'kubernetes', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    ports: [{ name: 'https', port: API_PORT, protocol: 'TCP' }],
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
  },
];
