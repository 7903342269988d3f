import { afterAll, beforeAll, expect, test } from 'vitest';
import { runInNamespace, setSysctls } from '../../src/demo/namespace.ts';
import { node } from '../helpers/objects.ts';
import type { SocketShell } from '../helpers/socket-shell.ts';
import { NODE_PORTS, openStage, type Stage, serviceWith } from '../helpers/stage.ts';

/** A ping of an address of a Service: Shunt answers for TCP and UDP, and makes no error of anything else. */

const WEB = ['10.96.0.1', 'fd00:10:96::1'] as const;
const NOBODY = ['10.96.0.99', 'fd00:10:96::99'] as const;
/** Type 8, code 0; checksum and identifier are the kernel's; sequence number 1. */
const ECHO_REQUEST = '\x08\x00\x00\x00\x00\x00\x00\x01ping';

let stage: Stage<'client' | 'v1'>;
let client: SocketShell;

beforeAll(async () => {
  stage = await openStage({
    name: 'ping',
    clients: ['client'],
    servers: ['v1'],
    objects: ({ v1 }) => serviceWith('web', WEB, [v1], { type: 'NodePort', ports: NODE_PORTS }),
  });
  const { address4, address6 } = stage.node;
  await stage.agent.put(node({ addresses: [address4, address6] }));
  const { pod, shell } = stage.actors.client;
  await runInNamespace(pod.netns, 'allowing ping', setSysctls({ 'net.ipv4.ping_group_range': '0 0' }));
  client = shell;
});

afterAll(() => stage?.[Symbol.asyncDispose]());

const ping = async (address: string): Promise<string> => {
  const fd = await client.socket('ping4');
  const sent = await client.sendto(fd, address, 0, ECHO_REQUEST);
  const heard = 'ok' in sent ? await client.recvfrom(fd, 2000) : sent;
  await client.closeSocket(fd);
  return 'error' in heard ? heard.error : heard.address;
};

test('of a pod and of the node is answered as ever, though the node has node ports', async () => {
  for (const { address4 } of [stage.actors.v1.pod, stage.node]) expect(await ping(address4)).toBe(address4);
});

test.each([
  { kind: 'ping4', service: WEB[0], nobody: NOBODY[0] },
  { kind: 'ping6', service: WEB[1], nobody: NOBODY[1] },
] as const)('of a cluster address fares as that of any address which nobody has, by $kind', async (row) => {
  const before = stage.agent.agent.verdicts();
  for (const address of [row.service, row.nobody]) {
    const fd = await client.socket(row.kind);
    // It is the route that says no; refused it is not.
    expect(await client.connect(fd, address, 0)).toEqual({ error: 'EHOSTUNREACH' });
    await client.closeSocket(fd);
  }
  expect(await ping(WEB[0])).toBe('EHOSTUNREACH');
  expect(stage.agent.agent.verdicts()).toEqual(before);
});
