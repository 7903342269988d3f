import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Question } from '../../src/core/explain/decision.ts';
import type { ClusterObject, EndpointObject, Hints, ServicePort } from '../../src/core/model/objects.ts';
import { endpoint, node, service, slice } from '../helpers/objects.ts';
import type { SocketShell } from '../helpers/socket-shell.ts';
import { type Actor, openStage, PORTS, SERVER_PORT, type Stage, serviceWith } from '../helpers/stage.ts';
import { inForm, serverOf, WAYS } from '../helpers/ways.ts';

/** Addresses that a Service has beside its cluster addresses, and who answers by where the client is. */

const WEB = ['10.96.0.1', 'fd00:10:96::1'] as const;
const OUTSIDE = '203.0.113.1';
const NODE_PORT = 30_080;
/** Nothing is programmed, so it is the route that says no. */
const LEFT_ALONE = 'EHOSTUNREACH';
const NODE_PORTS: readonly ServicePort[] = PORTS.map((port) => ({ ...port, nodePort: NODE_PORT }));
const ONE_PORT = [{ name: 'tcp', protocol: 'TCP', port: SERVER_PORT }] as const;

let stage: Stage<'client' | 'v1' | 'v2'>;
let client: SocketShell;
let nodeAddresses: readonly [string, string];

beforeAll(async () => {
  stage = await openStage({
    name: 'outside',
    clients: ['client'],
    servers: ['v1', 'v2'],
    objects: () => [],
    agent: { externalIPs: true },
  });
  client = stage.actors.client.shell;
  nodeAddresses = [stage.node.address4, stage.node.address6];
  await stage.agent.put(node({ addresses: nodeAddresses, zone: 'z1' }));
});

afterAll(() => stage?.[Symbol.asyncDispose]());

const ask = (address: string, port = 80): Promise<string> => client.whoAnswers('tcp', address, port);

/** Everybody who answers 60 connections. */
const answers = async (address: string, port = 80): Promise<readonly string[]> =>
  Object.keys((await client.hammer('tcp', address, port, { count: 60 })).by).sort();

const agrees = (address: string, port: number): boolean | undefined => {
  const question: Question & { readonly protocol: 'TCP' } = { address, port, protocol: 'TCP' };
  return stage.agent.agent.explain(question).kernel?.agrees;
};

const sliceOf = (...endpoints: readonly (readonly [Actor, Partial<EndpointObject>])[]): ClusterObject =>
  slice(
    endpoints.map(([{ pod }, fields]) => endpoint(pod.address4, fields)),
    { name: 'web-4', ports: ONE_PORT },
  );

describe('a node port', () => {
  beforeAll(async () => {
    await stage.agent.put(...serviceWith('web', WEB, [stage.actors.v1], { type: 'NodePort', ports: NODE_PORTS }));
  });

  test.each(WAYS)('is reached at the address of the node by $way, which shows as the peer', async ({ kind, form }) => {
    const address = inForm(nodeAddresses, form);
    const fd = await client.socket(kind);
    expect(await client.connect(fd, address, NODE_PORT)).toEqual({ ok: true });
    expect(await client.getpeername(fd)).toEqual({ address, port: NODE_PORT });
    expect(await serverOf(client, fd, kind)).toBe('v1');
    await client.closeSocket(fd);
  });

  test('answers datagrams from the address that was asked', async () => {
    const fd = await client.socket('udp4');
    expect(await client.sendto(fd, nodeAddresses[0], NODE_PORT, 'x')).toEqual({ ok: true });
    expect(await client.recvfrom(fd)).toMatchObject({ address: nodeAddresses[0], port: NODE_PORT });
    await client.closeSocket(fd);
  });

  test('takes nothing else of the node: other ports are its own', async () => {
    expect(stage.agent.agent.explain({ address: nodeAddresses[0], port: 80, protocol: 'TCP' }).outcome).toBe(
      'left alone',
    );
    expect(agrees(nodeAddresses[0], NODE_PORT)).toBe(true);
  });

  test('follows the addresses of the node', async () => {
    await stage.agent.put(node({ addresses: [OUTSIDE], zone: 'z1' }));
    expect(await ask(OUTSIDE, NODE_PORT)).toBe('v1');
    await stage.agent.put(node({ addresses: nodeAddresses, zone: 'z1' }));
    expect(await ask(OUTSIDE, NODE_PORT)).toBe(LEFT_ALONE);
  });

  test('is answered by endpoints of every node, while internalTrafficPolicy Local holds the cluster address', async () => {
    const { v1, v2 } = stage.actors;
    await stage.agent.put(
      service({ type: 'NodePort', ports: NODE_PORTS, internalTrafficPolicy: 'Local', affinityTimeoutS: 600 }),
      sliceOf([v1, { node: 'node-a' }], [v2, { node: 'node-b' }]),
    );
    // With session affinity: whichever of the two the node port has chosen, the cluster address never leads to v2.
    const byNodePort = new Set<string>();
    for (let round = 0; round < 20; round++) {
      byNodePort.add(await ask(nodeAddresses[0], NODE_PORT));
      expect(await ask(WEB[0])).toBe('v1');
      await stage.agent.remove(service());
      await stage.agent.put(
        service({ type: 'NodePort', ports: NODE_PORTS, internalTrafficPolicy: 'Local', affinityTimeoutS: 600 }),
      );
    }
    expect([...byNodePort].sort()).toEqual(['v1', 'v2']);
  });
});

describe('an address from outside', () => {
  test.each([
    { what: 'of a load balancer', fields: { type: 'LoadBalancer', loadBalancerIPs: [OUTSIDE] }, who: 'v1' },
    {
      what: 'of a load balancer for some clients only',
      fields: { type: 'LoadBalancer', loadBalancerIPs: [OUTSIDE], sourceRanges: true },
      who: LEFT_ALONE,
    },
    { what: 'in externalIPs, turned on', fields: { externalIPs: [OUTSIDE] }, who: 'v1' },
    { what: 'that the Service had', fields: {}, who: LEFT_ALONE },
  ] as const)('$what: $who', async ({ fields, who }) => {
    await stage.agent.put(...serviceWith('web', WEB, [stage.actors.v1], fields));
    expect(await ask(OUTSIDE)).toBe(who);
    expect(await ask(OUTSIDE, 81)).toBe(LEFT_ALONE);
    expect(agrees(OUTSIDE, 80)).toBe(true);
  });

  test('goes with the type of its Service, through all types and back', async () => {
    const types = [
      [{ type: 'LoadBalancer', loadBalancerIPs: [OUTSIDE], ports: NODE_PORTS }, ['v1', 'v1', 'v1']],
      [{ type: 'NodePort', ports: NODE_PORTS }, ['v1', 'v1', LEFT_ALONE]],
      [{ type: 'ClusterIP' }, ['v1', 'ECONNREFUSED', LEFT_ALONE]],
      [{ type: 'ExternalName', clusterIPs: [] }, [LEFT_ALONE, 'ECONNREFUSED', LEFT_ALONE]],
      [{ type: 'ClusterIP' }, ['v1', 'ECONNREFUSED', LEFT_ALONE]],
      [{ type: 'ClusterIP', headless: true, clusterIPs: [] }, [LEFT_ALONE, 'ECONNREFUSED', LEFT_ALONE]],
      [{ type: 'LoadBalancer', loadBalancerIPs: [OUTSIDE], ports: NODE_PORTS }, ['v1', 'v1', 'v1']],
    ] as const;
    for (const [fields, want] of types) {
      await stage.agent.put(...serviceWith('web', WEB, [stage.actors.v1], fields));
      expect([await ask(WEB[0]), await ask(nodeAddresses[0], NODE_PORT), await ask(OUTSIDE)]).toEqual(want);
    }
  });
});

describe('hints', () => {
  const zones = (...names: readonly string[]): { readonly hints: Hints } => ({ hints: { zones: names, nodes: [] } });

  test('keep connections near, and follow the hints and the zone of the node', async () => {
    const { v1, v2 } = stage.actors;
    await stage.agent.put(service({ ports: PORTS }), sliceOf([v1, zones('z1')], [v2, zones('z2')]));
    expect(await answers(WEB[0])).toEqual(['v1']);
    await stage.agent.put(node({ addresses: nodeAddresses, zone: 'z2' }));
    expect(await answers(WEB[0])).toEqual(['v2']);
    await stage.agent.put(node({ addresses: nodeAddresses, zone: 'z3' }));
    expect(await answers(WEB[0])).toEqual(['v1', 'v2']);
    await stage.agent.put(sliceOf([v1, zones('z3', 'z1')], [v2, {}]));
    expect(await answers(WEB[0])).toEqual(['v1', 'v2']);
    await stage.agent.put(
      sliceOf(
        [v1, { hints: { zones: ['z1'], nodes: ['node-b'] } }],
        [v2, { hints: { zones: ['z1'], nodes: ['node-a'] } }],
      ),
    );
    expect(await answers(WEB[0])).toEqual(['v2']);
    expect(agrees(WEB[0], 80)).toBe(true);
  });
});

test('a live Service that is labelled for another proxy is left to it, and comes back', async () => {
  const web = (proxyName?: string) => serviceWith('web', WEB, [stage.actors.v1], { proxyName });
  await stage.agent.put(...web());
  expect(await ask(WEB[0])).toBe('v1');
  await stage.agent.put(...web('other'));
  expect(await ask(WEB[0])).toBe(LEFT_ALONE);
  await stage.agent.put(...web());
  expect(await ask(WEB[0])).toBe('v1');
});
