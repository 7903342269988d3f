import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answersAt } from '../helpers/answers.ts';
import { node, service } from '../helpers/objects.ts';
import type { HammerKind, SocketShell } from '../helpers/socket-shell.ts';
import { openShell } from '../helpers/socket-shell.ts';
import { NODE_PORT, NODE_PORTS, openStage, PORTS, type Stage, serviceWith, slicesOf } from '../helpers/stage.ts';
import { inForm, serverOf, UDP_WAYS, WAYS } from '../helpers/ways.ts';

/**
 * Node ports, asked for on the node itself: from its pods, and from processes in its own network. The addresses of the
 * node are made up, so that the route says no to whatever nothing rewrites; where the node must answer for itself, they
 * are those that it has.
 */

const WEB = ['10.96.0.1', 'fd00:10:96::1'] as const;
const HERE = ['192.0.2.10', 'fd00:2::10'] as const;
const ELSEWHERE = ['192.0.2.11', 'fd00:2::11'] as const;
const LEFT_ALONE = ['EHOSTUNREACH'];
const KINDS: readonly HammerKind[] = ['tcp', 'udp', 'udp-unconnected'];
/** Of an ordinary server of the node, which no Service has to do with. */
const OWN_PORT = 9090;

let stage: Stage<'client' | 'v1' | 'v2'>;
let shells: Readonly<Record<'a pod' | 'the network of the node', SocketShell>>;
let client: SocketShell;
let host: SocketShell;

beforeAll(async () => {
  stage = await openStage({ name: 'node-ports', clients: ['client'], servers: ['v1', 'v2'], objects: () => [] });
  client = stage.actors.client.shell;
  host = await openShell(stage.node);
  shells = { 'a pod': client, 'the network of the node': host };
});

afterAll(() => stage?.[Symbol.asyncDispose]());

const web = (fields: Parameters<typeof serviceWith>[3] = {}) =>
  serviceWith('web', WEB, [stage.actors.v1], { type: 'NodePort', ports: NODE_PORTS, ...fields });

beforeEach(async () => {
  await stage.agent.remove(...web());
  await stage.agent.put(node({ addresses: HERE }), ...web());
});

const FROM = ['a pod', 'the network of the node'] as const;

describe.each(FROM)('a node port, from %s,', (from) => {
  test.each(WAYS)('is reached by $way, and is the peer of the socket', async ({ kind, form }) => {
    const address = inForm(HERE, form);
    const fd = await shells[from].socket(kind);
    expect(await shells[from].connect(fd, address, NODE_PORT)).toEqual({ ok: true });
    expect(await shells[from].getpeername(fd)).toEqual({ address, port: NODE_PORT });
    expect(await serverOf(shells[from], fd, kind)).toBe('v1');
    await shells[from].closeSocket(fd);
  });

  test.each(
    UDP_WAYS.flatMap((way) => [
      { ...way, receive: 'recvfrom' as const },
      { ...way, receive: 'recvmsg' as const },
    ]),
  )('answers datagrams of a $kind socket to $form from the address that was asked, by $receive', async (row) => {
    const { kind, form, receive } = row;
    const shell = shells[from];
    const address = inForm(HERE, form);
    const fd = await shell.socket(kind);
    for (const send of ['sendto', 'sendmsg'] as const) {
      const sent =
        send === 'sendto'
          ? await shell.sendto(fd, address, NODE_PORT, send)
          : await shell.sendmsg(fd, send, { address, port: NODE_PORT });
      expect(sent).toEqual({ ok: true });
      expect(await shell[receive](fd)).toEqual({ text: `v1 ${send}`, address, port: NODE_PORT });
    }
    await shell.closeSocket(fd);
  });

  test('leads to every endpoint of the Service', async () => {
    await stage.agent.put(...slicesOf('web', [stage.actors.v1, stage.actors.v2]));
    for (const kind of KINDS)
      for (const address of HERE)
        expect(await answersAt(stage, shells[from], address, { port: NODE_PORT, kind })).toEqual(['v1', 'v2']);
  });

  test('is refused at once while the Service has no endpoint', async () => {
    await stage.agent.put(...slicesOf('web', []));
    for (const kind of KINDS)
      for (const address of HERE)
        expect(await answersAt(stage, shells[from], address, { port: NODE_PORT, kind })).toEqual(['ECONNREFUSED']);
  });

  test.each([
    { what: 'the node port at another node', addresses: ELSEWHERE, port: NODE_PORT },
    { what: 'the port of the Service at the node', addresses: HERE, port: 80 },
    { what: 'a node port that is nobody’s', addresses: HERE, port: NODE_PORT + 1 },
  ])('$what is left alone', async ({ addresses, port }) => {
    for (const kind of KINDS)
      for (const address of addresses)
        expect(await answersAt(stage, shells[from], address, { port, kind, count: 3 })).toEqual(LEFT_ALONE);
  });

  test('the node port at a cluster address is refused: it is no port of the Service', async () => {
    for (const kind of KINDS)
      expect(await answersAt(stage, shells[from], WEB[0], { port: NODE_PORT, kind, count: 3 })).toEqual([
        'ECONNREFUSED',
      ]);
  });

  test('hides no server of the node at another port of its addresses, or at its loopback address', async () => {
    const own = [stage.node.address4, stage.node.address6] as const;
    await stage.agent.put(node({ addresses: own }));
    const servers = [
      await host.serve('tcp', '*', OWN_PORT, 'host'),
      await host.serve('udp', '*', OWN_PORT, 'host'),
      await host.serve('tcp', '127.0.0.1', NODE_PORT, 'loopback'),
    ];
    for (const address of own) {
      for (const kind of KINDS)
        expect(await answersAt(stage, shells[from], address, { port: OWN_PORT, kind, count: 3 })).toEqual(['host']);
      expect(await answersAt(stage, shells[from], address, { port: NODE_PORT })).toEqual(['v1']);
    }
    expect(await host.whoAnswers('tcp', '127.0.0.1', NODE_PORT)).toBe('loopback');
    for (const server of servers) await server.stop();
  });
});

test('a node port takes no socket of the node: its number is free for others, who are reached once the Service is gone', async () => {
  const own = stage.node.address4;
  await stage.agent.put(node({ addresses: [own] }));
  const server = await host.serve('tcp', '*', NODE_PORT, 'host');
  expect(await answersAt(stage, client, own, { port: NODE_PORT })).toEqual(['v1']);
  await stage.agent.remove(...web());
  expect(await answersAt(stage, client, own, { port: NODE_PORT })).toEqual(['host']);
  await server.stop();
  const before = stage.agent.agent.verdicts();
  expect(await client.whoAnswers('tcp', own, NODE_PORT)).toBe('ECONNREFUSED');
  // It was the node that said so.
  expect(stage.agent.agent.verdicts()).toEqual(before);
});

test('node ports follow the addresses of the node, and go with it', async () => {
  const at = (address: string) => answersAt(stage, client, address, { port: NODE_PORT, count: 3 });
  await stage.agent.put(node({ addresses: [ELSEWHERE[0], HERE[1]] }));
  expect([await at(HERE[0]), await at(ELSEWHERE[0]), await at(HERE[1])]).toEqual([LEFT_ALONE, ['v1'], ['v1']]);
  await stage.agent.put(node({ addresses: HERE }), node({ name: 'node-b', addresses: ELSEWHERE }));
  expect([await at(HERE[0]), await at(ELSEWHERE[0])]).toEqual([['v1'], LEFT_ALONE]);
  await stage.agent.remove(node());
  expect([await at(HERE[0]), await at(HERE[1])]).toEqual([LEFT_ALONE, LEFT_ALONE]);
  expect(await answersAt(stage, client, WEB[0])).toEqual(['v1']);
});

test('a node port that gets another number is found there, and no longer at the old one', async () => {
  const at = (port: number) => answersAt(stage, client, HERE[0], { port, count: 3 });
  await stage.agent.put(service({ name: 'web', clusterIPs: WEB, type: 'NodePort', ports: numbered(31_000) }));
  expect([await at(NODE_PORT), await at(31_000)]).toEqual([LEFT_ALONE, ['v1']]);
  await stage.agent.put(...web());
  expect([await at(NODE_PORT), await at(31_000)]).toEqual([['v1'], LEFT_ALONE]);
});

test('a node port is one of its protocol: TCP and UDP of one number may be two Services', async () => {
  const [tcp, udp] = NODE_PORTS as [(typeof NODE_PORTS)[number], (typeof NODE_PORTS)[number]];
  const { v1, v2 } = stage.actors;
  await stage.agent.put(
    ...serviceWith('web', WEB, [v1], { type: 'NodePort', ports: [tcp] }),
    ...serviceWith('dns', ['10.96.0.2', 'fd00:10:96::2'], [v2], { type: 'NodePort', ports: [udp] }),
  );
  const by = (kind: HammerKind) => answersAt(stage, client, HERE[0], { port: NODE_PORT, kind, count: 5 });
  expect([await by('tcp'), await by('udp'), await by('udp-unconnected')]).toEqual([['v1'], ['v2'], ['v2']]);
  await stage.agent.remove(...serviceWith('dns', [], []));
  expect([await by('tcp'), await by('udp')]).toEqual([['v1'], LEFT_ALONE]);
});

const numbered = (nodePort: number) => PORTS.map((port) => ({ ...port, nodePort }));
