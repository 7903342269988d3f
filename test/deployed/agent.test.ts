import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { retryUntil } from '../helpers/retry.ts';
import { openShell } from '../helpers/socket-shell.ts';
import { API_PORT, type Cluster, SERVICE_ADDRESS, startCluster } from './cluster.ts';
import { type Ended, Machine, type RunningContainer, type RunOptions } from './machine.ts';
import { addClient, addServer, agentOfBase, CART, cart, THIS_NODE, unloadOfBase } from './scene.ts';

/** The agent as the DaemonSet runs it, by the token of its ServiceAccount, against a real API server. */

const READY = /"ready: everything/;

let machine: Machine;
let cluster: Cluster;
let ask: (address: string, port: number) => Promise<string>;
let servers: readonly [string, string];
const running: RunningContainer[] = [];

beforeAll(async () => {
  machine = await Machine.create('agent');
  cluster = await startCluster(machine.node, machine.path('cluster'));
  cluster.kubectl(['apply', '-k', 'test/deployed/base']);
  cluster.kubectl(['apply', '-f', '-'], JSON.stringify(THIS_NODE));
  cluster.kubectl(['create', 'namespace', 'shop']);
  ask = await addClient(machine);
  servers = [await addServer(machine, 'v1'), await addServer(machine, 'v2')];
});

afterAll(() => machine[Symbol.asyncDispose]());

beforeEach(() => put(...cart(servers[0])));

afterEach(async () => {
  for (const container of running.splice(0)) await container.kill();
  const { pod, container } = unloadOfBase();
  expect((await machine.run(pod, container).ended).status).toBe(0);
  cluster.kubectl(['-n', 'shop', 'delete', '--ignore-not-found', 'service/cart', 'endpointslice/cart-1', 'tpol/cart']);
});

describe('the agent in its container', () => {
  test('follows the cluster: a Service, an endpoint that is replaced, shares, and a Service that goes', async () => {
    expect(await askCart()).not.toBe('v1');
    const agent = run();
    await agent.wrote(READY);
    expect(await askCart()).toBe('v1');

    put(...cart(servers[1]));
    await retryUntil(async () => (await askCart()) === 'v2');

    const [service, slice] = cart(servers[0]) as [object, { endpoints: readonly object[] }];
    const endpoints = servers.map((address) => ({ addresses: [address], zone: address === servers[0] ? 'a' : 'b' }));
    put(
      service,
      { ...slice, endpoints },
      policy([
        { zone: 'a', weight: 1 },
        { zone: 'b', weight: 0 },
      ]),
    );
    await retryUntil(async () =>
      (await agent.exec('shunt', 'explain', `${CART.address}:80`)).output.includes('100.00 %'),
    );
    expect(await askCart()).toBe('v1');

    cluster.kubectl(['-n', 'shop', 'delete', 'service/cart']);
    await retryUntil(async () => !['v1', 'v2'].includes(await askCart()));
  });

  test('restarts without a write while traffic goes on, and ends at once when it is told to', async () => {
    const first = run();
    await first.wrote(READY);
    const stoppedAtMs = Date.now();
    expect((await first.stop()).status).toBe(0);
    expect(Date.now() - stoppedAtMs).toBeLessThan(5000);
    expect(await askCart()).toBe('v1');
    const second = run();
    await second.wrote(/the kernel held everything already/);
    await second.kill();
    expect(await askCart()).toBe('v1');
  });

  test('answers its probes and metrics at the address of the node, and verbs by `kubectl exec`', async () => {
    const agent = run();
    await agent.wrote(READY);
    for (const path of ['healthz', 'readyz']) expect(await get(agent, path)).toMatchObject({ output: 'ok' });
    expect((await get(agent, 'metrics')).output).toContain('shunt_verdicts_total');
    for (const verb of ['status', 'services', 'backends', 'doctor']) {
      expect(await agent.exec('shunt', verb), verb).toMatchObject({ status: 0 });
    }
    expect(await agent.exec('shunt', 'unload')).toMatchObject({
      status: 1,
      output: expect.stringContaining('SHUNT_E_RUNNING'),
    });
  });

  test('wakes a connected UDP socket in the network namespace of a pod when its endpoint is gone', async () => {
    const agent = run();
    await agent.wrote(READY);
    const shell = await openShell(await machine.node.addPod('asker'));
    const socket = await shell.socket('udp4');
    expect(await shell.connect(socket, CART.address, CART.udpPort)).toEqual({ ok: true });
    await shell.send(socket, '?');
    expect(await shell.recv(socket, 2000)).toEqual({ text: 'v1 ?' });
    const waiting = shell.recv(socket, 10_000);
    put(...cart(servers[1]));
    expect(await waiting).toEqual({ error: 'ECONNABORTED' });
    await machine.node.removePod('asker');
  });

  test('serves one Service at a time, when it is installed with a name', async () => {
    const agent = run({}, { SHUNT_SERVICE_PROXY_NAME: 'shunt' });
    await agent.wrote(READY);
    expect(await askCart()).not.toBe('v1');
    const label = 'service.kubernetes.io/service-proxy-name';
    cluster.kubectl(['-n', 'shop', 'label', 'service', 'cart', `${label}=shunt`]);
    await retryUntil(async () => (await askCart()) === 'v1');
    cluster.kubectl(['-n', 'shop', 'label', 'service', 'cart', `${label}-`]);
    await retryUntil(async () => (await askCart()) !== 'v1');
  });

  test('runs without the definition of TrafficPolicy', async () => {
    const definition = ['delete', 'crd', 'trafficpolicies.shunt.dev'];
    cluster.kubectl(definition);
    try {
      await run().wrote(READY);
      expect(await askCart()).toBe('v1');
    } finally {
      cluster.kubectl(['apply', '-k', 'test/deployed/base']);
    }
  });
});

describe('the address of the Service `kubernetes`', () => {
  const throughService: RunOptions = {
    serviceEnv: { KUBERNETES_SERVICE_HOST: SERVICE_ADDRESS, KUBERNETES_SERVICE_PORT: '443' },
  };

  test('leads nowhere at the first start without kube-proxy: the agent says so, and waits', async () => {
    const agent = run(throughService);
    await agent.wrote(/the source is in trouble/);
    expect(await get(agent, 'healthz')).toMatchObject({ output: 'ok' });
    expect((await get(agent, 'readyz')).output).toMatch(/^starting/);
  });

  test('is served by the tables of the agent itself, once they are in force', async () => {
    put(...kubernetes([machine.node.address4]));
    const first = run();
    await first.wrote(READY);
    await first.stop();
    const second = run(throughService);
    await second.wrote(READY);
    put(...cart(servers[1]));
    await retryUntil(async () => (await askCart()) === 'v2');
  });

  test('leads nowhere when the API servers have moved meanwhile; an address that is no Service does', async () => {
    put(...kubernetes([servers[0]]));
    const first = run();
    await first.wrote(READY);
    await first.stop();
    const second = run(throughService);
    await second.wrote(/the source is in trouble/);
    await second.kill();
    await run().wrote(READY);
  });
});

/** By the address of the API server itself, if nothing else is given. */
const run = (options: RunOptions = {}, variables: Readonly<Record<string, string>> = {}): RunningContainer => {
  const { pod, container } = agentOfBase();
  const env = [...(container.env ?? []), ...Object.entries(variables).map(([name, value]) => ({ name, value }))];
  const started = machine.run(
    pod,
    { ...container, env },
    {
      serviceEnv: {
        KUBERNETES_SERVICE_HOST: machine.node.address4,
        KUBERNETES_SERVICE_PORT: String(API_PORT),
      },
      serviceAccount: { token: cluster.token('kube-system', 'shunt'), certificate: cluster.certificate },
      ...options,
    },
  );
  running.push(started);
  return started;
};

const askCart = (): Promise<string> => ask(CART.address, CART.port);

const put = (...items: readonly object[]): void => {
  const list = { apiVersion: 'v1', kind: 'List', items };
  // By the server: it has EndpointSlices as a definition of ours, and kubectl would patch them as its own.
  cluster.kubectl(['apply', '--server-side', '--force-conflicts', '--validate=false', '-f', '-'], JSON.stringify(list));
};

const get = (agent: RunningContainer, path: string): Promise<Ended> => {
  const url = `http://${machine.node.address4}:10377/${path}`;
  const script = `process.stdout.write(await (await fetch('${url}')).text())`;
  return agent.exec('/opt/shunt/node_modules/.bin/node', '--input-type=module', '--eval', script);
};

const policy = (endpointWeights: readonly object[]): object => ({
  apiVersion: 'shunt.dev/v1alpha1',
  kind: 'TrafficPolicy',
  metadata: { namespace: 'shop', name: 'cart' },
  spec: { targetRefs: [{ kind: 'Service', name: 'cart' }], endpointWeights },
});

/** The slice of the Service `kubernetes`, which the API server itself has made. */
const kubernetes = (addresses: readonly string[]): readonly object[] => [
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'default', name: 'kubernetes', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    ports: [{ name: 'https', port: API_PORT, protocol: 'TCP' }],
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  },
];
