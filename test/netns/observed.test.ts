import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { isOutOfShare } from '../../src/core/observed-share.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import type { Pod } from '../../src/demo/pod.ts';
import { backend, endpoint, route, service, slice } from '../helpers/objects.ts';
import { type RunningAgent, startAgent } from '../helpers/running-agent.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';

/** What `shunt backends` says that each share really got, against what the client counts. */

const WEB = '10.96.0.1';
const COUNT = 2000;
const UDP = [{ name: 'http', protocol: 'UDP', port: 80 }] as const;

let node: EmbeddedNode;
let client: SocketShell;
let agent: RunningAgent;
let servers: readonly Pod[];

beforeEach(async () => {
  node = await createNode({ name: 'observed' });
  servers = await Promise.all(['stable', 'canary'].map((name) => node.addPod(name)));
  for (const pod of servers) {
    const shell = await openShell(pod);
    await shell.serve('tcp', '*', 8080, pod.name);
    await shell.serve('udp', '*', 8080, pod.name);
  }
  client = await openShell(await node.addPod('client'));
});

afterEach(() => node?.close());

const objects = (percent: number): readonly ClusterObject[] => [
  ...servers.flatMap(({ name, address4 }, index) => [
    service({ name, clusterIPs: [`10.96.0.${index + 2}`] }),
    slice([endpoint(address4)], { name: `${name}-1`, service: name }),
  ]),
  service({ clusterIPs: [WEB] }),
  shared(percent),
];

/** The rest is for a Service that is not there. */
const shared = (percent: number): ClusterObject =>
  route({
    backends: [
      backend('stable', { weight: 90 - percent }),
      backend('canary', { weight: percent }),
      backend('gone', { weight: 10 }),
    ],
  });

/** Connections by who answered, and those that were refused. */
const hammer = async (kind: 'tcp' | 'udp-unconnected'): Promise<Readonly<Record<string, number>>> => {
  const { by, errors, total } = await client.hammer(kind, WEB, 80, { count: COUNT, threads: 4, reset: kind === 'tcp' });
  expect(total).toBe(COUNT);
  const { ECONNREFUSED = 0, 'send ECONNREFUSED': dropped = 0, ...failures } = errors;
  expect(failures).toEqual({});
  return { ...by, refused: ECONNREFUSED + dropped };
};

/** How many each got, by name, and of how many. */
const observed = (): { readonly got: Readonly<Record<string, number>>; readonly of: number } => {
  const rows = [...agent.agent.backends('shop/web')];
  const nameOf = (address: string) => servers.find(({ address4 }) => address4 === address)?.name ?? 'refused';
  const got = rows.map(({ address, observed: { share, of } = { share: Number.NaN, of: 0 } }) => [
    nameOf(address),
    Math.round(share * of),
  ]);
  expect(rows.filter(isOutOfShare)).toEqual([]);
  return { got: Object.fromEntries(got), of: rows[0]?.observed?.of ?? -1 };
};

const expectObserved = async (kind: 'tcp' | 'udp-unconnected'): Promise<void> => {
  const got = await hammer(kind);
  expect(observed()).toEqual({ got, of: COUNT });
};

const NOTHING = { got: { stable: 0, canary: 0, refused: 0 }, of: 0 };

test('shares of connections are those that the client counts, since they were last edited', async () => {
  agent = await startAgent(node, { objects: objects(5) });
  expect(observed()).toEqual(NOTHING);
  await expectObserved('tcp');
  await agent.put(shared(40));
  expect(observed()).toEqual(NOTHING);
  await expectObserved('tcp');
  // Tables grow, and with them what was counted.
  await agent.put(
    ...Array.from({ length: 80 }, (_, n) => service({ name: `s${n}`, clusterIPs: [`10.96.1.${n + 1}`] })),
  );
  expect(observed().of).toBe(COUNT);
});

test('an agent that starts counts from then on', async () => {
  agent = await startAgent(node, { objects: objects(5) });
  await hammer('tcp');
  await agent.stop();
  agent = await startAgent(node, { objects: objects(5) });
  expect(observed()).toEqual(NOTHING);
  await expectObserved('tcp');
});

test('datagrams of sockets that are not connected count as well', async () => {
  const udp = objects(30).map((object) => {
    if (object.kind === 'Service') return { ...object, ports: UDP.map((port) => ({ ...port, nodePort: 0 })) };
    if (object.kind === 'EndpointSlice') return { ...object, ports: [{ ...UDP[0], port: 8080 }] };
    return object.kind === 'TCPRoute' ? { ...object, kind: 'UDPRoute' as const } : object;
  });
  agent = await startAgent(node, { objects: udp });
  await expectObserved('udp-unconnected');
});
