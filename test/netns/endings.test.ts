import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { counted, expectEqualTotals, serviceStats } from '../helpers/counted.ts';
import { endpoint, service, slice } from '../helpers/objects.ts';
import { retryUntil } from '../helpers/retry.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';
import { openStage, PORTS, type Stage, serviceWith } from '../helpers/stage.ts';

/** An established connection is counted once when it ends, however it ends, with every byte that went through it. */

const ACCEPTS = ['10.96.0.1', 'fd00:10:96::1'] as const;
const RESETS = ['10.96.0.2', 'fd00:10:96::2'] as const;
const CLOSES = ['10.96.0.3', 'fd00:10:96::3'] as const;

/** `accepts` is this test itself; `resets` and `closes` end what they have accepted. */
let stage: Stage<'client' | 'v1'>;
let client: SocketShell;
let server: SocketShell;
let listener: number;

beforeAll(async () => {
  stage = await openStage({
    name: 'endings',
    clients: ['client'],
    servers: ['v1'],
    objects: ({ v1 }) => [
      ...serviceWith('accepts', ACCEPTS, [v1], { port: 7001 }),
      ...serviceWith('resets', RESETS, [v1], { port: 7002 }),
      ...serviceWith('closes', CLOSES, [v1], { port: 7003 }),
    ],
  });
  client = stage.actors.client.shell;
  server = stage.actors.v1.shell;
  listener = await server.socket('tcp6');
  await server.bind(listener, '::', 7001);
  await server.listen(listener);
  await server.serve('tcp', '*', 7002, 'resets', 'reset');
  await server.serve('tcp', '*', 7003, 'closes', 'close');
});

afterAll(() => stage?.[Symbol.asyncDispose]());

afterEach(() => expectEqualTotals(stage.agent));

/** A connection through `accepts`, with both of its ends in the hands of the test. */
const bothEnds = async (shell = client, address: string = ACCEPTS[0]): Promise<{ here: number; there: number }> => {
  const here = await shell.socket(address.includes(':') ? 'tcp6' : 'tcp4');
  expect(await shell.connect(here, address, 80)).toEqual({ ok: true });
  const { fd: there } = (await server.accept(listener)) as { readonly fd: number };
  return { here, there };
};

const OVER = { attempts: 1, established: 1, closed: 1 } as const;
const SENT = 'five!';
const ANSWERED = 'eleven bits';
const BYTES = { bytesSent: SENT.length, bytesReceived: ANSWERED.length } as const;

const talk = async ({ here, there }: { here: number; there: number }, shell = client): Promise<void> => {
  await shell.send(here, SENT);
  expect(await server.recv(there)).toEqual({ text: SENT });
  await server.send(there, ANSWERED);
  expect(await shell.recv(here)).toEqual({ text: ANSWERED });
};

type Ends = Readonly<{ here: number; there: number }>;

describe('an established connection that ends', () => {
  const rows: readonly { how: string; end: (ends: Ends) => Promise<unknown>; also?: object }[] = [
    {
      how: 'by the client closing first',
      end: async ({ here, there }) => {
        await client.closeSocket(here);
        expect(await server.recv(there)).toEqual({ text: '' });
        await server.closeSocket(there);
      },
    },
    {
      how: 'by the server closing first',
      end: async ({ here, there }) => {
        await server.closeSocket(there);
        expect(await client.recv(here)).toEqual({ text: '' });
        await client.closeSocket(here);
      },
    },
    {
      how: 'by both closing at once',
      end: ({ here, there }) => Promise.all([client.closeSocket(here), server.closeSocket(there)]),
    },
    {
      how: 'by the client closing its half, and the server talking on',
      end: async ({ here, there }) => {
        await client.shutdown(here, 'write');
        expect(await server.recv(there)).toEqual({ text: '' });
        await server.send(there, 'more');
        await server.closeSocket(there);
        expect(await client.recv(here)).toEqual({ text: 'more' });
        expect(await client.recv(here)).toEqual({ text: '' });
        await client.closeSocket(here);
      },
      also: { bytesReceived: ANSWERED.length + 'more'.length },
    },
    {
      how: 'by the server closing its half, and the client talking on',
      end: async ({ here, there }) => {
        await server.shutdown(there, 'write');
        expect(await client.recv(here)).toEqual({ text: '' });
        await client.send(here, 'more');
        await client.closeSocket(here);
        expect(await server.recv(there)).toEqual({ text: 'more' });
        expect(await server.recv(there)).toEqual({ text: '' });
        await server.closeSocket(there);
      },
      also: { bytesSent: SENT.length + 'more'.length },
    },
    {
      how: 'by a RST of the client (linger 0)',
      end: async ({ here, there }) => {
        await client.reset(here);
        expect(await server.recv(there)).toEqual({ error: 'ECONNRESET' });
        await server.closeSocket(there);
      },
    },
    {
      how: 'by a RST of the server',
      end: async ({ here, there }) => {
        await server.reset(there);
        expect(await client.recv(here)).toEqual({ error: 'ECONNRESET' });
        await client.closeSocket(here);
      },
      also: { reset: 1 },
    },
    {
      how: 'by a RST of the server after the client closed its half',
      end: async ({ here, there }) => {
        await client.shutdown(here, 'write');
        expect(await server.recv(there)).toEqual({ text: '' });
        await server.reset(there);
        expect(await client.recv(here)).toEqual({ error: 'ECONNRESET' });
        await client.closeSocket(here);
      },
      also: { reset: 1 },
    },
    {
      how: 'by a RST of the server after it closed its half',
      end: async ({ here, there }) => {
        await server.shutdown(there, 'write');
        expect(await client.recv(here)).toEqual({ text: '' });
        await server.reset(there);
        await retryUntil(async () => (await client.poll(here, 'in', 0)).includes('err'));
        await client.closeSocket(here);
      },
      also: { reset: 1 },
    },
    {
      how: 'by the client closing with something unread',
      end: async ({ here, there }) => {
        await server.send(there, 'unread');
        await client.poll(here, 'in');
        await client.closeSocket(here);
        expect(await server.recv(there)).toEqual({ error: 'ECONNRESET' });
        await server.closeSocket(there);
      },
      also: { bytesReceived: ANSWERED.length + 'unread'.length },
    },
    {
      how: 'by the client shutting down both ways before it closes',
      end: async ({ here, there }) => {
        await client.shutdown(here, 'both');
        await server.closeSocket(there);
        await client.closeSocket(here);
      },
    },
    {
      how: 'by connect(AF_UNSPEC)',
      end: async ({ here, there }) => {
        await client.connectUnspec(here);
        await server.closeSocket(there);
        await client.closeSocket(here);
      },
    },
    {
      how: 'by the last copy of its socket, in a child that is killed',
      end: async ({ here, there }) => {
        const child = await client.forkHold();
        await client.closeSocket(here);
        expect(serviceStats(stage.agent, 'shop/accepts/tcp/TCP').active).toBe(1);
        process.kill(child, 'SIGKILL');
        expect(await server.recv(there)).toEqual({ text: '' });
        await server.closeSocket(there);
      },
    },
  ];

  test.each(rows.flatMap((row) => ACCEPTS.map((address) => ({ ...row, address }))))(
    '$how is counted once, with its bytes ($address)',
    async ({ end, also = {}, address }) => {
      const counts = await counted(stage.agent, 'shop/accepts/tcp/TCP', async () => {
        const ends = await bothEnds(client, address);
        await talk(ends);
        expect(serviceStats(stage.agent, 'shop/accepts/tcp/TCP')).toMatchObject({ active: 1, pending: 0 });
        await end(ends);
      });
      expect(counts).toEqual({ ...OVER, ...BYTES, ...also });
    },
  );

  test('by kill -9 of the client is counted once, with its bytes', async () => {
    const doomed = await openShell(stage.actors.client.pod);
    const counts = await counted(stage.agent, 'shop/accepts/tcp/TCP', async () => {
      const ends = await bothEnds(doomed);
      await talk(ends, doomed);
      await doomed.kill();
      expect(await server.recv(ends.there)).toEqual({ text: '' });
      await server.closeSocket(ends.there);
    });
    expect(counts).toEqual({ ...OVER, ...BYTES });
  });

  test('by kill -9 of the server is counted once', async () => {
    const doomed = await openShell(stage.actors.v1.pod);
    await doomed.serve('tcp', '*', 7005, 'doomed');
    await stage.agent.put(...serviceWith('doomed', ['10.96.0.9'], [stage.actors.v1], { port: 7005 }));
    const fd = await client.socket('tcp4');
    const counts = await counted(stage.agent, 'shop/doomed/tcp/TCP', async () => {
      await client.connect(fd, '10.96.0.9', 80);
      expect(await client.recv(fd)).toEqual({ text: 'doomed\n' });
      await doomed.kill();
      expect(await client.recv(fd)).toEqual({ text: '' });
      await client.closeSocket(fd);
    });
    expect(counts).toEqual({ ...OVER, bytesReceived: 'doomed\n'.length });
  });

  test('because nothing is heard from the endpoint any more is counted as broken', async () => {
    const ghost = await stage.node.addPod('ghost');
    const shell = await openShell(ghost);
    await shell.serve('tcp', '*', 7006, 'ghost');
    await stage.agent.put(
      service({ name: 'ghost', clusterIPs: ['10.96.0.10'], ports: PORTS }),
      slice([endpoint(ghost.address4)], {
        name: 'ghost-4',
        service: 'ghost',
        ports: PORTS.map((port) => ({ ...port, port: 7006 })),
      }),
    );
    const fd = await client.socket('tcp4');
    const counts = await counted(stage.agent, 'shop/ghost/tcp/TCP', async () => {
      await client.setsockopt(fd, 'tcp_user_timeout', 300);
      await client.connect(fd, '10.96.0.10', 80);
      expect(await client.recv(fd)).toEqual({ text: 'ghost\n' });
      const down = stage.node.spawn('ip', ['link', 'set', ghost.link, 'down']);
      expect(await once(down, 'exit')).toEqual([0, null]);
      await client.send(fd, 'into the void');
      expect(await client.recv(fd)).toEqual({ error: 'ETIMEDOUT' });
      await client.closeSocket(fd);
    });
    expect(counts).toEqual({ ...OVER, broken: 1, bytesReceived: 'ghost\n'.length });
    await stage.node.removePod('ghost');
  });
});

test.each([
  { name: 'resets', address: RESETS[0], counts: { reset: 20 } },
  { name: 'closes', address: CLOSES[1], counts: {} },
])('20 connections that the endpoint $name as soon as it has accepted are counted so', async (row) => {
  const seen = await counted(stage.agent, `shop/${row.name}/tcp/TCP`, () =>
    client.hammer('tcp', row.address, 80, { count: 20 }),
  );
  expect(seen).toEqual({ attempts: 20, established: 20, closed: 20, ...row.counts });
});

test('what the endpoint had no room for when the connection is reset is not counted as sent', async () => {
  const narrow = await server.socket('tcp6');
  await server.setsockopt(narrow, 'so_rcvbuf', 4096);
  await server.bind(narrow, '::', 7004);
  await server.listen(narrow);
  await stage.agent.put(...serviceWith('narrow', ['10.96.0.4'], [stage.actors.v1], { port: 7004 }));
  const seen = await counted(stage.agent, 'shop/narrow/tcp/TCP', async () => {
    const here = await client.socket('tcp4');
    await client.setsockopt(here, 'so_sndbuf', 1 << 20);
    await client.connect(here, '10.96.0.4', 80);
    const { fd: there } = (await server.accept(narrow)) as { readonly fd: number };
    expect(await client.send(here, 'x'.repeat(60_000))).toEqual({ ok: true });
    await server.poll(there, 'in');
    await client.reset(here);
    await server.closeSocket(there);
  });
  const { bytesSent = 0, ...others } = seen;
  expect(others).toEqual(OVER);
  expect(bytesSent).toBeGreaterThan(0);
  expect(bytesSent).toBeLessThan(16_384);
  await server.closeSocket(narrow);
});
