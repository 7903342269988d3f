import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import { endpoint, service, slice } from '../helpers/objects.ts';
import { type RunningAgent, startAgent } from '../helpers/running-agent.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';

const VIP4 = '10.96.0.1';
const VIP6 = 'fd00:10:96::1';

/** One client pod, two server pods `v1` and `v2` that answer on port 8080 by their names. */
let node: EmbeddedNode;
let client: SocketShell;
let agent: RunningAgent;

beforeAll(async () => {
  node = await createNode({ name: 'connect' });
  const [clientPod, first, second] = await Promise.all(['client', 'v1', 'v2'].map((name) => node.addPod(name)));
  client = await openShell(clientPod!);
  for (const pod of [first!, second!]) {
    const shell = await openShell(pod);
    await shell.serve('tcp', '*', 8080, pod.name);
  }
  agent = await startAgent(node, {
    objects: [
      service({ clusterIPs: [VIP4, VIP6] }),
      slice([endpoint(first!.address4), endpoint(second!.address4)]),
      slice([endpoint(first!.address6), endpoint(second!.address6)], { name: 'web-2', family: 6 }),
    ],
  });
});

afterAll(async () => {
  await agent?.stop();
  await node?.close();
});

describe('a TCP connection to a Service address', () => {
  const rows = [
    { how: 'over IPv4', kind: 'tcp4', address: VIP4 },
    { how: 'over IPv6', kind: 'tcp6', address: VIP6 },
    { how: 'over IPv6 to the IPv4-mapped address, as a JVM does', kind: 'tcp6', address: `::ffff:${VIP4}` },
    { how: 'over MPTCP', kind: 'mptcp4', address: VIP4 },
  ] as const;

  test.each(rows)('reaches an endpoint and shows the Service as its peer $how', async ({ kind, address }) => {
    const fd = await client.socket(kind);
    expect(await client.connect(fd, address, 80)).toEqual({ ok: true });
    expect(await client.getpeername(fd)).toEqual({ address, port: 80 });
    expect(await client.recv(fd)).toMatchObject({ text: expect.stringMatching(/^v[12]/) });
    await client.closeSocket(fd);
  });
});
