import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allEnded, counted, serviceStats } from '../helpers/counted.ts';
import { service } from '../helpers/objects.ts';
import { retryUntil } from '../helpers/retry.ts';
import type { SocketShell } from '../helpers/socket-shell.ts';
import { openStage, PORTS, SERVER_PORT, type Stage, serviceAt, serviceWith } from '../helpers/stage.ts';
import { inForm, serverOf, TCP_WAYS, UDP_WAYS, WAYS } from '../helpers/ways.ts';

/** A socket is not one connection: it may fail and try again, dissolve, and turn elsewhere. */

const A = ['10.96.0.1', 'fd00:10:96::1'] as const;
const B = ['10.96.0.2', 'fd00:10:96::2'] as const;
const EMPTY = ['10.96.0.3', 'fd00:10:96::3'] as const;
const CLOSED = ['10.96.0.4', 'fd00:10:96::4'] as const;
const SILENT = ['10.96.0.6', 'fd00:10:96::6'] as const;
const ROUTELESS = ['10.96.0.5', 'fd00:10:96::5'] as const;

const SILENT_PORT = 7003;

/** `a` is v1, `b` is v2; `silent` never answers; `closed` has an endpoint where no port is open, `routeless` one that no route leads to. */
let stage: Stage<'client' | 'v1' | 'v2'>;
let client: SocketShell;

beforeAll(async () => {
  stage = await openStage({
    name: 'reconnect',
    clients: ['client'],
    servers: ['v1', 'v2'],
    objects: ({ v1, v2 }) => [
      ...serviceWith('a', A, [v1]),
      ...serviceWith('b', B, [v2]),
      service({ name: 'empty', clusterIPs: EMPTY, ports: PORTS }),
      ...serviceWith('closed', CLOSED, [v1], { port: 1 }),
      ...serviceWith('silent', SILENT, [v2], { port: SILENT_PORT }),
      ...serviceAt('routeless', ROUTELESS, ['192.0.2.1', '2001:db8::1']),
    ],
  });
  client = stage.actors.client.shell;
  await stage.actors.v2.shell.serve('tcp', '*', SILENT_PORT, 'silent', 'full');
});

afterAll(() => stage?.[Symbol.asyncDispose]());

const FAILURES = [
  {
    failure: 'was refused for want of an endpoint',
    addresses: EMPTY,
    error: 'ECONNREFUSED',
    id: 'empty',
    attempted: false,
    counter: 'rejected',
  },
  {
    failure: 'was refused by its endpoint',
    addresses: CLOSED,
    error: 'ECONNREFUSED',
    id: 'closed',
    attempted: true,
    counter: 'refused',
  },
  {
    failure: 'found no route',
    addresses: ROUTELESS,
    error: 'EHOSTUNREACH',
    id: 'routeless',
    attempted: true,
    counter: 'unreachable',
  },
] as const;

describe.each(TCP_WAYS.flatMap((way) => FAILURES.map((failure) => ({ ...way, ...failure }))))(
  'a socket that $failure ($way)',
  ({ kind, form, addresses, error, id, attempted, counter }) => {
    test.each([
      { where: 'a Service', to: () => [inForm(B, form), 80] as const, peer: 'v2' },
      { where: 'an endpoint itself', to: () => direct('v1'), peer: 'v1' },
    ])('connects again, to $where, and the failure is counted as it was', async ({ to, peer }) => {
      const counts = await counted(stage.agent, `shop/${id}/tcp/TCP`, async () => {
        const fd = await client.socket(kind);
        expect(await client.connect(fd, inForm(addresses, form), 80)).toEqual({ error });
        expect(await client.getpeername(fd)).toEqual({ error: 'ENOTCONN' });
        const [address, port] = to();
        expect(await client.connect(fd, address, port)).toEqual({ ok: true });
        expect(await client.getpeername(fd)).toEqual({ address, port });
        expect(await serverOf(client, fd, kind)).toBe(peer);
        await client.closeSocket(fd);
      });
      expect(counts).toEqual(failed(1));
    });

    test('fails in the same way as often as it tries, and every time is counted', async () => {
      const fd = await client.socket(kind);
      const counts = await counted(stage.agent, `shop/${id}/tcp/TCP`, async () => {
        for (let turn = 0; turn < 3; turn += 1)
          expect(await client.connect(fd, inForm(addresses, form), 80)).toEqual({ error });
        await client.closeSocket(fd);
      });
      expect(counts).toEqual(failed(3));
    });

    const failed = (times: number): object =>
      attempted ? { attempts: times, [counter]: times } : { [counter]: times };

    const direct = (name: 'v1' | 'v2') => {
      const { address4, address6 } = stage.actors[name].pod;
      return [inForm([address4, address6], form), SERVER_PORT] as const;
    };
  },
);

test.each([
  { socket: 'a new socket', before: [] },
  { socket: 'a socket that was connected before', before: [B] },
])('$socket that finds no free source port is counted as unreachable', async ({ before }) => {
  const [holder, fd] = [await client.socket('tcp4'), await client.socket('tcp4')];
  for (const each of [holder, fd]) {
    await client.setsockopt(each, 'so_reuseaddr', 1);
    await client.bind(each, stage.actors.client.pod.address4, 12345);
  }
  for (const [address] of before) {
    expect(await client.connect(fd, address, 80)).toEqual({ ok: true });
    await client.connectUnspec(fd);
  }
  const counts = await counted(stage.agent, 'shop/a/tcp/TCP', async () => {
    expect(await client.connect(holder, A[0], 80)).toEqual({ ok: true });
    expect(await client.connect(fd, A[0], 80)).toEqual({ error: 'EADDRNOTAVAIL' });
    await client.reset(holder);
    await client.closeSocket(fd);
  });
  expect(counts).toMatchObject({ attempts: 2, established: 1, closed: 1, unreachable: 1 });
});

describe.each(WAYS)('connect(AF_UNSPEC), $way,', ({ kind, form }) => {
  test('dissolves a connection; the socket then connects to another Service', async () => {
    const fd = await client.socket(kind);
    for (const [addresses, name] of [
      [A, 'v1'],
      [B, 'v2'],
      [A, 'v1'],
    ] as const) {
      const address = inForm(addresses, form);
      expect(await client.connect(fd, address, 80)).toEqual({ ok: true });
      expect(await client.getpeername(fd)).toEqual({ address, port: 80 });
      expect(await serverOf(client, fd, kind)).toBe(name);
      expect(await client.connectUnspec(fd)).toEqual({ ok: true });
      expect(await client.getpeername(fd)).toEqual({ error: 'ENOTCONN' });
    }
    await client.closeSocket(fd);
    await retryUntil(() => allEnded(stage.agent));
  });
});

test.each(TCP_WAYS)('connect(AF_UNSPEC) ends the connection in the counters, $way', async ({ kind, form }) => {
  const fd = await client.socket(kind);
  const counts = await counted(stage.agent, 'shop/a/tcp/TCP', async () => {
    expect(await client.connect(fd, inForm(A, form), 80)).toEqual({ ok: true });
    await serverOf(client, fd, kind);
    await client.connectUnspec(fd);
  });
  expect(counts).toEqual({ attempts: 1, established: 1, closed: 1, bytesReceived: 'v1\n'.length });
  await client.closeSocket(fd);
});

const ONLY_A = [[A, 'v1']] as const;
const B_AND_A = [[B, 'v2'], ...ONLY_A] as const;

describe.each(UDP_WAYS)('a connected $kind socket ($form)', ({ kind, form }) => {
  test('may connect elsewhere at any time: to a Service, to an endpoint itself, and back', async () => {
    const { address4, address6 } = stage.actors.v1.pod;
    const direct = inForm([address4, address6], form);
    const fd = await client.socket(kind);
    const way = [
      { address: inForm(A, form), port: 80, name: 'v1' },
      { address: inForm(B, form), port: 80, name: 'v2' },
      { address: direct, port: SERVER_PORT, name: 'v1' },
      { address: inForm(A, form), port: 80, name: 'v1' },
      { address: direct, port: SERVER_PORT, name: 'v1' },
    ];
    const counts = await counted(stage.agent, 'shop/a/udp/UDP', async () => {
      for (const { address, port, name } of way) {
        expect(await client.connect(fd, address, port)).toEqual({ ok: true });
        expect(await client.getpeername(fd)).toEqual({ address, port });
        expect(await serverOf(client, fd, kind)).toBe(name);
        await client.send(fd, 'x');
        expect(await client.recvmsg(fd)).toEqual({ text: `${name} x`, address, port });
      }
    });
    // All of them have ended by now: the last connect was to an endpoint itself.
    expect(counts).toEqual({ attempts: 2, established: 2, closed: 2 });
    await client.closeSocket(fd);
  });

  test('that is dissolved talks to Services datagram by datagram', async () => {
    const fd = await client.socket(kind);
    await client.connect(fd, inForm(A, form), 80);
    await client.connectUnspec(fd);
    // Linux goes on filtering what a dissolved IPv6 socket receives by its last peer, with and without Shunt.
    for (const [addresses, name] of form === 'ipv6' ? ONLY_A : B_AND_A) {
      const address = inForm(addresses, form);
      expect(await client.sendto(fd, address, 80, 'x')).toEqual({ ok: true });
      expect(await client.recvfrom(fd)).toEqual({ text: `${name} x`, address, port: 80 });
    }
    // The first datagram told that the connection is over.
    await retryUntil(() => allEnded(stage.agent));
    await client.closeSocket(fd);
  });

  test('that talked to Services unconnected, and then connects, hears only the one it connected to', async () => {
    const fd = await client.socket(kind);
    await client.sendto(fd, inForm(B, form), 80, 'x');
    await client.recv(fd);
    expect(await client.connect(fd, inForm(A, form), 80)).toEqual({ ok: true });
    expect(await serverOf(client, fd, kind)).toBe('v1');
    expect(await client.sendto(fd, inForm(B, form), 80, 'x')).toEqual({ ok: true });
    expect(await client.recv(fd, 50)).toEqual({ error: 'TIMEOUT' });
    expect(await serverOf(client, fd, kind)).toBe('v1');
    await client.closeSocket(fd);
  });

  test('keeps its peer when a connect to a Service without endpoints is refused', async () => {
    const fd = await client.socket(kind);
    await client.connect(fd, inForm(A, form), 80);
    expect(await client.connect(fd, inForm(EMPTY, form), 80)).toEqual({ error: 'ECONNREFUSED' });
    expect(await client.getpeername(fd)).toEqual({ address: inForm(A, form), port: 80 });
    expect(await serverOf(client, fd, kind)).toBe('v1');
    await client.closeSocket(fd);
  });
});

// The kernel tells nobody that a UDP connect failed after the hook: the socket is where it was, and only its name is lost.
test.each(UDP_WAYS)(
  'a connected $kind socket ($form) that finds no route elsewhere still talks to its endpoint, now under the endpoint’s name',
  async ({ kind, form }) => {
    const { address4, address6 } = stage.actors.v1.pod;
    const fd = await client.socket(kind);
    await client.connect(fd, inForm(A, form), 80);
    expect(await client.connect(fd, inForm(ROUTELESS, form), 80)).toEqual({ error: 'EHOSTUNREACH' });
    expect(await serverOf(client, fd, kind)).toBe('v1');
    expect(await client.getpeername(fd)).toEqual({ address: inForm([address4, address6], form), port: SERVER_PORT });
    await client.closeSocket(fd);
    await retryUntil(() => allEnded(stage.agent));
  },
);

test.each(TCP_WAYS)('connecting again while connected or on the way changes nothing, $way', async ({ kind, form }) => {
  const [connected, pending] = [await client.socket(kind), await client.socket(kind, { nonblock: true })];
  await client.connect(connected, inForm(A, form), 80);
  expect(await client.connect(connected, inForm(B, form), 80)).toEqual({ error: 'EISCONN' });
  expect(await client.getpeername(connected)).toEqual({ address: inForm(A, form), port: 80 });
  expect(await client.connect(pending, inForm(SILENT, form), 80)).toEqual({ error: 'EINPROGRESS' });
  expect(await client.connect(pending, inForm(B, form), 80)).toEqual({ error: 'EALREADY' });
  expect(serviceStats(stage.agent, 'shop/silent/tcp/TCP')).toMatchObject({ pending: 1, active: 0 });
  expect(serviceStats(stage.agent, 'shop/b/tcp/TCP').pending).toBe(0);
  await client.closeSocket(connected);
  await client.closeSocket(pending);
  await retryUntil(() => allEnded(stage.agent));
});

describe.each(UDP_WAYS)('a $kind socket that threads connect at the same time ($form)', ({ kind, form }) => {
  test.each([
    { where: 'two Services', other: () => ({ address: inForm(B, form), port: 80 }) },
    { where: 'one Service', other: () => ({ address: inForm(A, form), port: 80 }) },
    {
      where: 'a Service and an endpoint itself',
      other: () => {
        const { address4, address6 } = stage.actors.v2.pod;
        return { address: inForm([address4, address6], form), port: SERVER_PORT };
      },
    },
  ])('to $where is counted so that nothing stays active, and serves on', async ({ other }) => {
    for (let turn = 0; turn < 10; turn += 1) {
      const fd = await client.socket(kind);
      const ends = [{ address: inForm(A, form), port: 80 }, other()] as const;
      expect(await client.connectRace(fd, ends, 200)).toEqual({ ok: true });
      expect(await client.connect(fd, inForm(A, form), 80)).toEqual({ ok: true });
      expect(await client.getpeername(fd)).toEqual({ address: inForm(A, form), port: 80 });
      expect(await serverOf(client, fd, kind)).toBe('v1');
      await client.closeSocket(fd);
    }
    await retryUntil(() => allEnded(stage.agent), { timeoutMs: 1000 });
  });
});
