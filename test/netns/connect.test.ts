import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endpoint, service, slice } from '../helpers/objects.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';
import { openStage, PORTS, SERVER_PORT, type Stage, serviceWith } from '../helpers/stage.ts';
import { inForm, serverOf, TCP_WAYS, WAYS } from '../helpers/ways.ts';

const WEB = ['10.96.0.1', 'fd00:10:96::1'] as const;
const ONE = ['10.96.0.2', 'fd00:10:96::2'] as const;
const SAME_ONE = ['10.96.0.3', 'fd00:10:96::3'] as const;
const ITSELF = ['10.96.0.4', 'fd00:10:96::4'] as const;
const ON_HOST = ['10.96.0.5', 'fd00:10:96::5'] as const;
const MANY_PORTS = '10.96.0.6';
const MANY_ADDRESSES = ['10.96.0.7', '10.96.0.8', 'fd00:10:96::7', 'fd00:10:96::8'] as const;

/** `web` is v1 and v2; `one` and `same-one` are v1; `itself` is the client; `on-host` is a pod in the node's network. */
let stage: Stage<'client' | 'v1' | 'v2'>;
let client: SocketShell;
let host: SocketShell;

beforeAll(async () => {
  stage = await openStage({
    name: 'connect',
    clients: [],
    servers: ['client', 'v1', 'v2'],
    objects: ({ client, v1, v2 }) => [
      ...serviceWith('web', WEB, [v1, v2]),
      ...serviceWith('one', ONE, [v1]),
      ...serviceWith('same-one', SAME_ONE, [v1]),
      ...serviceWith('itself', ITSELF, [client]),
    ],
  });
  client = stage.actors.client.shell;
  host = await openShell(stage.node);
});

afterAll(() => stage?.[Symbol.asyncDispose]());

describe.each(WAYS)('$way', ({ kind, form }) => {
  test('reaches every endpoint of a Service, and nothing else', async () => {
    const names = new Set<string>();
    for (let turn = 0; turn < 40; turn += 1) names.add(await connectAndAsk(client, WEB));
    expect([...names].sort()).toEqual(['v1', 'v2']);
  });

  test('leads a pod back to itself through its own Service', async () => {
    expect(await connectAndAsk(client, ITSELF)).toBe('client');
  });

  test('works from a process in the network of the node', async () => {
    expect(await connectAndAsk(host, ONE)).toBe('v1');
  });

  test('reaches an endpoint in the network of the node', async () => {
    const { address4, address6 } = stage.node;
    const port = SERVER_PORT + 1;
    const ports = PORTS.map((each) => ({ ...each, port }));
    const servers = [await host.serve('tcp', '*', port, 'host'), await host.serve('udp', '*', port, 'host')];
    await stage.agent.put(
      service({ name: 'on-host', clusterIPs: ON_HOST, ports: PORTS }),
      slice([endpoint(address4)], { name: 'on-host-4', service: 'on-host', ports }),
      slice([endpoint(address6)], { name: 'on-host-6', service: 'on-host', ports, family: 6 }),
    );
    expect(await connectAndAsk(client, ON_HOST)).toBe('host');
    expect(await connectAndAsk(host, ON_HOST)).toBe('host');
    for (const server of servers) await server.stop();
  });

  test('shows the endpoint where the client really is', async () => {
    const fd = await client.socket(kind);
    await client.connect(fd, inForm(ONE, form), 80);
    const { address4, address6 } = stage.actors.client.pod;
    expect(await client.getsockname(fd)).toEqual({
      address: inForm([address4, address6], form),
      port: expect.any(Number),
    });
    await client.closeSocket(fd);
  });

  const connectAndAsk = async (shell: SocketShell, addresses: readonly [string, string]): Promise<string> => {
    const fd = await shell.socket(kind);
    expect(await shell.connect(fd, inForm(addresses, form), 80)).toEqual({ ok: true });
    const name = await serverOf(shell, fd, kind);
    await shell.closeSocket(fd);
    return name;
  };
});

test.each(TCP_WAYS)('an endpoint sees the address of the client by $way', async ({ kind, form }) => {
  const server = stage.actors.v2.shell;
  const listener = await server.socket('tcp6');
  await server.bind(listener, '::', 8181);
  await server.listen(listener);
  await stage.agent.put(...serviceWith('seen', ['10.96.0.9', 'fd00:10:96::9'], [stage.actors.v2], { port: 8181 }));

  const fd = await client.socket(kind);
  expect(await client.connect(fd, inForm(['10.96.0.9', 'fd00:10:96::9'], form), 80)).toEqual({ ok: true });
  const { address4, address6 } = stage.actors.client.pod;
  const here = (await client.getsockname(fd)) as { readonly port: number };
  const accepted = await server.accept(listener);
  expect(accepted).toMatchObject({ address: form === 'ipv6' ? address6 : `::ffff:${address4}`, port: here.port });
  await client.closeSocket(fd);
  await server.closeSocket((accepted as { readonly fd: number }).fd);
  await server.closeSocket(listener);
});

test.each([
  { kind: 'mptcp4', address: WEB[0] },
  { kind: 'mptcp6', address: WEB[1] },
] as const)('MPTCP by $kind reaches an endpoint; its peer name is the one of its subflow, an endpoint', async (row) => {
  const fd = await client.socket(row.kind);
  expect(await client.connect(fd, row.address, 80)).toEqual({ ok: true });
  const name = await serverOf(client, fd, 'tcp4');
  const { address4, address6 } = stage.actors[name as 'v1' | 'v2'].pod;
  const address = row.kind === 'mptcp4' ? address4 : address6;
  expect(await client.getpeername(fd)).toEqual({ address, port: SERVER_PORT });
  await client.closeSocket(fd);
});

test('each port of a Service leads to its own target port, and TCP and UDP of one number are two ports', async () => {
  const { v1, v2 } = stage.actors;
  const ports = [
    { name: 'a', protocol: 'TCP', port: 80, target: 8201, name1: 'a-tcp' },
    { name: 'b', protocol: 'UDP', port: 80, target: 8202, name1: 'b-udp' },
    { name: 'c', protocol: 'TCP', port: 443, target: 8203, name1: 'c-tcp' },
  ] as const;
  for (const { protocol, target, name1 } of ports)
    await v1.shell.serve(protocol === 'TCP' ? 'tcp' : 'udp', '*', target, name1);
  await v2.shell.serve('tcp', '*', 9203, 'c-other');
  await stage.agent.put(
    service({ name: 'ports', clusterIPs: [MANY_PORTS], ports }),
    slice([endpoint(v1.pod.address4)], {
      name: 'ports-1',
      service: 'ports',
      ports: ports.map(({ target, ...port }) => ({ ...port, port: target })),
    }),
    // The name of a targetPort may stand for another number in other pods.
    slice([endpoint(v2.pod.address4)], {
      name: 'ports-2',
      service: 'ports',
      ports: [{ name: 'c', protocol: 'TCP', port: 9203 }],
    }),
  );
  const by = async (kind: 'tcp' | 'udp' | 'udp-unconnected', port: number): Promise<readonly string[]> =>
    Object.keys((await client.hammer(kind, MANY_PORTS, port, { count: 40 })).by).sort();
  expect(await by('tcp', 80)).toEqual(['a-tcp']);
  expect(await by('udp', 80)).toEqual(['b-udp']);
  expect(await by('udp-unconnected', 80)).toEqual(['b-udp']);
  expect(await by('tcp', 443)).toEqual(['c-other', 'c-tcp']);
});

test('every address of a Service leads to its endpoints of that family', async () => {
  await stage.agent.put(...serviceWith('addresses', MANY_ADDRESSES, [stage.actors.v2]));
  for (const address of MANY_ADDRESSES) {
    expect(await client.whoAnswers('tcp', address, 80)).toBe('v2');
    expect(await client.whoAnswers('udp', address, 80)).toBe('v2');
    expect(await client.whoAnswers('udp-unconnected', address, 80)).toBe('v2');
  }
});

test.each([
  { family: 'IPv4', only: 0 },
  { family: 'IPv6', only: 1 },
] as const)('a Service with only an $family address works in that family, with endpoints of both', async ({ only }) => {
  const pair = ['10.96.0.11', 'fd00:10:96::11'] as const;
  await stage.agent.put(...serviceWith('single', [pair[only]], [stage.actors.v1]));
  expect(await client.whoAnswers('tcp', pair[only], 80)).toBe('v1');
  expect(await client.whoAnswers('tcp', pair[1 - only] as string, 80)).toBe('EHOSTUNREACH');
});

test('thousands of connections from one pod and several threads all arrive', async () => {
  const { total, by, errors } = await client.hammer('tcp', WEB[0], 80, { count: 3000, threads: 4 });
  expect({ total, errors }).toEqual({ total: 3000, errors: {} });
  expect((by.v1 ?? 0) + (by.v2 ?? 0)).toBe(3000);
});

describe('two Services with one and the same endpoint', () => {
  test('are both reached, from any source ports', async () => {
    const fds = [await client.socket('tcp4'), await client.socket('tcp4')] as const;
    expect(await client.connect(fds[0], ONE[0], 80)).toEqual({ ok: true });
    expect(await client.connect(fds[1], SAME_ONE[0], 80)).toEqual({ ok: true });
    expect(await client.getpeername(fds[0])).toEqual({ address: ONE[0], port: 80 });
    expect(await client.getpeername(fds[1])).toEqual({ address: SAME_ONE[0], port: 80 });
    for (const fd of fds) await client.closeSocket(fd);
  });

  // On the wire the two connections would be one: the price of addresses that are rewritten at connect().
  test('cannot both be connected to from one source port that the application chose: EADDRNOTAVAIL', async () => {
    const fds = [await client.socket('tcp4'), await client.socket('tcp4')] as const;
    for (const fd of fds) {
      await client.setsockopt(fd, 'so_reuseaddr', 1);
      expect(await client.bind(fd, stage.actors.client.pod.address4, 12345)).toEqual({ ok: true });
    }
    expect(await client.connect(fds[0], ONE[0], 80)).toEqual({ ok: true });
    expect(await client.connect(fds[1], SAME_ONE[0], 80)).toEqual({ error: 'EADDRNOTAVAIL' });
    expect(await serverOf(client, fds[0], 'tcp4')).toBe('v1');
    for (const fd of fds) await client.reset(fd);
  });
});

describe('TCP Fast Open', () => {
  test('by sendto reaches an endpoint with what was sent, and shows the Service', async () => {
    const fd = await client.socket('tcp4');
    expect(await client.fastOpen(fd, ONE[0], 80, 'early')).toEqual({ ok: true });
    expect(await client.getpeername(fd)).toEqual({ address: ONE[0], port: 80 });
    expect(await readAll(client, fd, 'v1\nearly'.length)).toBe('v1\nearly');
    await client.closeSocket(fd);
  });

  test('by a connect that waits for the first data does so, too', async () => {
    const fd = await client.socket('tcp6');
    expect(await client.setsockopt(fd, 'tcp_fastopen_connect', 1)).toEqual({ ok: true });
    expect(await client.connect(fd, ONE[1], 80)).toEqual({ ok: true });
    expect(await client.send(fd, 'early')).toEqual({ ok: true });
    expect(await client.getpeername(fd)).toEqual({ address: ONE[1], port: 80 });
    expect(await readAll(client, fd, 'v1\nearly'.length)).toBe('v1\nearly');
    await client.closeSocket(fd);
  });
});

const readAll = async (shell: SocketShell, fd: number, bytes: number): Promise<string> => {
  let text = '';
  while (text.length < bytes) {
    const part = await shell.recv(fd, 2000);
    if (!('text' in part) || part.text === '') break;
    text += part.text;
  }
  return text;
};
