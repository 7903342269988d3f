import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { type AskOptions, answersAt } from '../helpers/answers.ts';
import { fromManifest } from '../helpers/from-manifest.ts';
import { endpoint, node, type PortFields, service, slice } from '../helpers/objects.ts';
import { type RunningAgent, startAgent } from '../helpers/running-agent.ts';
import type { SocketShell } from '../helpers/socket-shell.ts';
import { NODE_PORT, openStage, PORTS, SERVER_PORT, type Stage, serviceWith, slicesOf } from '../helpers/stage.ts';

/** A Service that changes while clients use it: its type, its address, its ports, the proxy it is left to. */

const WEB = '10.96.0.1';
const NODE = '192.0.2.10';
const OUTSIDE = '203.0.113.1';
/** Of v2: what the second port of a Service leads to. */
const ADMIN_PORT = 8181;
const REFUSED = ['ECONNREFUSED'];
const LEFT_ALONE = ['EHOSTUNREACH'];

let stage: Stage<'client' | 'v1' | 'v2'>;
let client: SocketShell;

beforeAll(async () => {
  stage = await openStage({ name: 'changes', clients: ['client'], servers: ['v1', 'v2'], objects: () => [] });
  client = stage.actors.client.shell;
  await stage.actors.v2.shell.serve('tcp', '*', ADMIN_PORT, 'v2');
});

afterAll(() => stage?.[Symbol.asyncDispose]());

beforeEach(async () => {
  await stage.agent.remove(
    service(),
    ...slicesOf('web', []),
    ...['web-http', 'web-admin'].map((name) => slice([], { name })),
  );
  await stage.agent.put(node({ addresses: [NODE] }));
});

const at = (address: string, port = 80, options: AskOptions = {}): Promise<readonly string[]> =>
  answersAt(stage, client, address, { port, count: 5, ...options });

describe('the type of a Service', () => {
  const manifest = (spec: object, status: object = {}): ClusterObject =>
    fromManifest({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'shop', creationTimestamp: '2026-01-01T00:00:00Z' },
      spec,
      status,
    });
  const ports = (nodePort?: number) => PORTS.map((port) => ({ ...port, nodePort }));
  const ingress = { loadBalancer: { ingress: [{ ip: OUTSIDE }] } };
  const types = {
    ClusterIP: { object: manifest({ type: 'ClusterIP', clusterIP: WEB, ports: ports() }), reached: ['cluster'] },
    NodePort: {
      object: manifest({ type: 'NodePort', clusterIP: WEB, ports: ports(NODE_PORT) }),
      reached: ['cluster', 'node'],
    },
    LoadBalancer: {
      object: manifest({ type: 'LoadBalancer', clusterIP: WEB, ports: ports(NODE_PORT) }, ingress),
      reached: ['cluster', 'node', 'outside'],
    },
    'LoadBalancer without node ports': {
      object: manifest(
        { type: 'LoadBalancer', clusterIP: WEB, ports: ports(), allocateLoadBalancerNodePorts: false },
        ingress,
      ),
      reached: ['cluster', 'outside'],
    },
    ExternalName: { object: manifest({ type: 'ExternalName', externalName: 'web.example.com' }), reached: [] },
    headless: { object: manifest({ type: 'ClusterIP', clusterIP: 'None', ports: ports() }), reached: [] },
  } as const;
  const names = Object.keys(types) as (keyof typeof types)[];
  const pairs = names.flatMap((from) => names.filter((to) => to !== from).map((to) => ({ from, to })));

  const reached = async (): Promise<readonly string[]> => {
    const places = { cluster: [WEB, 80], node: [NODE, NODE_PORT], outside: [OUTSIDE, 80] } as const;
    const open: string[] = [];
    for (const [name, [address, port]] of Object.entries(places)) {
      const answers = [...(await at(address, port)), ...(await at(address, port, { kind: 'udp-unconnected' }))];
      expect([
        ['v1', 'v1'],
        [...LEFT_ALONE, ...LEFT_ALONE],
      ]).toContainEqual(answers);
      if (answers.includes('v1')) open.push(name);
    }
    return open;
  };

  test.each(pairs)('may change from $from to $to, and back', async ({ from, to }) => {
    await stage.agent.put(...slicesOf('web', [stage.actors.v1]));
    for (const type of [from, to, from]) {
      await stage.agent.put(types[type].object);
      expect(await reached(), type).toEqual(types[type].reached);
    }
  });
});

describe('a Service made again under its name', () => {
  test('with another address is found there and no longer at the old one, by sockets that go on sending as well', async () => {
    const [first, second] = ['10.96.0.5', '10.96.0.6'];
    const objects = (address: string) => serviceWith('web', [address], [stage.actors.v1]);
    const fd = await client.socket('udp4');
    await stage.agent.put(...objects(first));
    for (const [old, now] of [
      [second, first],
      [first, second],
      [second, first],
    ] as const) {
      await stage.agent.remove(...objects(old));
      await stage.agent.put(...objects(now));
      expect([await at(now), await at(old)]).toEqual([['v1'], LEFT_ALONE]);
      expect(await client.sendto(fd, old, 80, 'x')).toEqual({ error: 'EHOSTUNREACH' });
      expect(await client.sendto(fd, now, 80, 'x')).toEqual({ ok: true });
      expect(await client.recvfrom(fd)).toEqual({ text: 'v1 x', address: now, port: 80 });
    }
    await client.closeSocket(fd);
  });

  test('with the same address has the new endpoints at once', async () => {
    for (const name of ['v1', 'v2', 'v1'] as const) {
      await stage.agent.remove(...serviceWith('web', [WEB], []));
      expect(await at(WEB)).toEqual(LEFT_ALONE);
      await stage.agent.put(...serviceWith('web', [WEB], [stage.actors[name]]));
      expect(await at(WEB)).toEqual([name]);
    }
  });
});

describe('the ports of a Service', () => {
  const [HTTP, ADMIN] = [
    { name: 'http', protocol: 'TCP', port: 80 },
    { name: 'admin', protocol: 'TCP', port: 81 },
  ] as const;
  const havingPorts = (...ports: readonly PortFields[]) => service({ ports });
  /** What is named `http` leads to v1, `admin` to v2. */
  const targets = (http = 'http', admin = 'admin'): readonly ClusterObject[] => [
    slice([endpoint(stage.actors.v1.pod.address4)], {
      name: 'web-http',
      ports: [{ name: http, protocol: 'TCP', port: SERVER_PORT }],
    }),
    slice([endpoint(stage.actors.v2.pod.address4)], {
      name: 'web-admin',
      ports: [{ name: admin, protocol: 'TCP', port: ADMIN_PORT }],
    }),
  ];
  const byPort = async (...ports: readonly number[]) => {
    const answers: string[] = [];
    for (const port of ports) answers.push((await at(WEB, port)).join());
    return answers;
  };

  test('may be added, renumbered, swapped and removed', async () => {
    await stage.agent.put(...targets());
    for (const [ports, by] of [
      [[HTTP], ['v1', 'ECONNREFUSED', 'ECONNREFUSED']],
      [
        [HTTP, ADMIN],
        ['v1', 'v2', 'ECONNREFUSED'],
      ],
      [
        [HTTP, { ...ADMIN, port: 82 }],
        ['v1', 'ECONNREFUSED', 'v2'],
      ],
      [
        [
          { ...HTTP, port: 82 },
          { ...ADMIN, port: 80 },
        ],
        ['v2', 'ECONNREFUSED', 'v1'],
      ],
      [
        [
          { ...HTTP, port: 80 },
          { ...ADMIN, port: 82 },
        ],
        ['v1', 'ECONNREFUSED', 'v2'],
      ],
      [[ADMIN], ['ECONNREFUSED', 'v2', 'ECONNREFUSED']],
      [[HTTP], ['v1', 'ECONNREFUSED', 'ECONNREFUSED']],
    ] as const) {
      await stage.agent.put(havingPorts(...ports));
      expect(await byPort(80, 81, 82)).toEqual(by);
    }
  });

  test('may be renamed together with those of the slices, and no connection fails', async () => {
    await stage.agent.put(havingPorts(HTTP), ...targets());
    const hammer = client.startHammer('tcp', WEB, 80, { ms: 20_000, pauseMicros: 100 });
    for (let round = 0; round < 50; round += 1) {
      const name = ['web', 'http', 'h2'][round % 3] as string;
      await stage.agent.put(havingPorts({ ...HTTP, name }), ...targets(name));
    }
    const { errors, by, total } = await hammer.stop();
    expect({ errors, by: Object.keys(by) }).toEqual({ errors: {}, by: ['v1'] });
    expect(total).toBeGreaterThan(20);
  });

  test('that are named otherwise than those of the slices refuse until both agree again', async () => {
    await stage.agent.put(havingPorts(HTTP), ...targets());
    await stage.agent.put(havingPorts({ ...HTTP, name: 'web' }));
    expect(await byPort(80)).toEqual(REFUSED);
    await stage.agent.put(...targets('web'));
    expect(await byPort(80)).toEqual(['v1']);
  });

  test('may lead to another target port: new connections go there, open ones stay', async () => {
    const to = (name: 'v1' | 'v2', port: number) => slicesOf('web', [stage.actors[name]], port);
    await stage.agent.put(service({ clusterIPs: [WEB], ports: PORTS }), ...to('v2', SERVER_PORT));
    const fd = await client.socket('tcp4');
    await client.connect(fd, WEB, 80);
    expect(await client.recv(fd)).toEqual({ text: 'v2\n' });
    await stage.actors.v2.shell.serve('tcp', '*', 8282, 'moved');
    await stage.agent.put(...to('v2', 8282));
    expect(await client.whoAnswers('tcp', WEB, 80)).toBe('moved');
    expect(await client.exchange(fd, 100)).toEqual({ sent: 100, received: 100 });
    await client.closeSocket(fd);
  });

  test('of one number for TCP and UDP: either goes and comes back while the other goes on', async () => {
    const [tcp, udp] = PORTS as [PortFields, PortFields];
    await stage.agent.put(...slicesOf('web', [stage.actors.v1]));
    for (const [ports, by] of [
      [
        [tcp, udp],
        ['v1', 'v1', 'v1'],
      ],
      [[udp], ['ECONNREFUSED', 'v1', 'v1']],
      [
        [tcp, udp],
        ['v1', 'v1', 'v1'],
      ],
      [[tcp], ['v1', 'ECONNREFUSED', 'ECONNREFUSED']],
      [
        [tcp, udp],
        ['v1', 'v1', 'v1'],
      ],
    ] as const) {
      await stage.agent.put(havingPorts(...ports));
      const answers: string[] = [];
      for (const kind of ['tcp', 'udp', 'udp-unconnected'] as const) answers.push((await at(WEB, 80, { kind })).join());
      expect(answers).toEqual(by);
    }
  });
});

describe('the label service.kubernetes.io/service-proxy-name', () => {
  const labelled = (proxyName: string | undefined) =>
    serviceWith('web', [WEB], [stage.actors.v1], {
      type: 'NodePort',
      ports: PORTS.map((port) => ({ ...port, nodePort: NODE_PORT })),
      proxyName,
    });
  const answers = async () => [...(await at(WEB)), ...(await at(WEB, 81)), ...(await at(NODE, NODE_PORT))];
  const [OURS, OTHERS] = [
    ['v1', 'ECONNREFUSED', 'v1'],
    ['EHOSTUNREACH', 'EHOSTUNREACH', 'EHOSTUNREACH'],
  ] as const;

  test('put on a live Service takes it away, whole, and taken off brings it back', async () => {
    for (const [proxyName, by] of [
      [undefined, OURS],
      ['other', OTHERS],
      [undefined, OURS],
      ['', OTHERS],
      [undefined, OURS],
    ] as const) {
      await stage.agent.put(...labelled(proxyName));
      expect(await answers(), String(proxyName)).toEqual(by);
    }
  });

  test('does the opposite for an agent of that name', async () => {
    await stage.agent.stop();
    await using agent: RunningAgent = await startAgent(stage.node, { proxyName: 'shunt' });
    const asked = async () => [
      ...(await answersAt({ ...stage, agent }, client, WEB, { count: 5 })),
      ...(await answersAt({ ...stage, agent }, client, WEB, { port: 81, count: 5 })),
    ];
    for (const [proxyName, by] of [
      [undefined, ['EHOSTUNREACH', 'EHOSTUNREACH']],
      ['shunt', ['v1', 'ECONNREFUSED']],
      ['other', ['EHOSTUNREACH', 'EHOSTUNREACH']],
    ] as const) {
      await agent.put(...labelled(proxyName));
      expect(await asked(), String(proxyName)).toEqual(by);
    }
  });
});
